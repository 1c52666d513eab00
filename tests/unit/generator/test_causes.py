"""Why a rendered folder is stale, in words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Digest, ImageReference, Stack
from desktop_bake.generator.causes import causes
from desktop_bake.generator.read_bakefile import ReadBakeFile, read_bake_file
from tests.harness.every import every
from tests.harness.rendered import DEBIAN, PREFLIGHT, SHIPPED, Rendering

if TYPE_CHECKING:
    from desktop_bake import Environment

BASE, MOVED = str(Digest.of(b"base")), str(Digest.of(b"2"))
OFFICE = replace(DEBIAN, env_id="office", build_args={"A": "1"})
BOTH = Rendering(stacks=((DEBIAN, Stack(desktop=SHIPPED)), (OFFICE, Stack(desktop=SHIPPED, preflight=PREFLIGHT))))


def with_recipe(**changed: bytes | str) -> Rendering:
    """Both, with other files of the recipe."""
    recipe = replace(SHIPPED, **changed)  # type: ignore[arg-type]
    return replace(BOTH, stacks=tuple((e, replace(s, desktop=recipe)) for e, s in BOTH.stacks))


def with_office(stack: Stack | None = None, **changed: object) -> Rendering:
    """Both, with another `office`."""
    environment: Environment = replace(OFFICE, **changed)  # type: ignore[arg-type]
    return replace(BOTH, stacks=(BOTH.stacks[0], (environment, stack or BOTH.stacks[1][1])))


def read(rendering: Rendering) -> ReadBakeFile:
    """A rendering's bake file, read back."""
    return read_bake_file(rendering.files["docker-bake.hcl"][0].decode())


CASES: dict[str, tuple[Rendering, set[str]]] = {
    "nothing": (BOTH, set()),
    "setup": (with_recipe(setup=b"echo other\n"), {"setup script of default, office changed"}),
    "install": (with_recipe(install=b"echo other\n"), {"install script of default, office changed"}),
    "dockerfile": (with_recipe(dockerfile=b"FROM base\n"), {"Dockerfile of default, office changed"}),
    "packages": (
        with_recipe(packages="2026-11-27"),
        {"packages date of default, office changed from none to 2026-11-27"},
    ),
    "preflight": (
        with_office(Stack(desktop=SHIPPED, preflight=replace(PREFLIGHT, script=b"echo 2\n"))),
        {"preflight of office changed"},
    ),
    "preflight's Dockerfile": (
        with_office(Stack(desktop=SHIPPED, preflight=replace(PREFLIGHT, dockerfile=b"FROM base\n"))),
        {"preflight's Dockerfile of office changed"},
    ),
    "base moved": (
        replace(BOTH, bases={"debian:bookworm": Digest(MOVED)}),
        {f"base debian:bookworm of default, office moved from {BASE[:19]} to {MOVED[:19]}"},
    ),
    "another base": (
        with_office(base_image=ImageReference.parse("debian:trixie")),
        {"base of office changed from debian:bookworm to debian:trixie"},
    ),
    "arguments": (
        with_office(build_args={"A": "2", "B": ""}),
        {"build argument A of office changed", "build argument B of office added"},
    ),
    "an argument less": (
        with_office(build_args={"C": ""}),
        {
            "build argument A of office removed",
            "build argument C of office added",
        },
    ),
    "platforms": (with_office(platforms=("linux/arm64",)), {"platforms of office changed"}),
    "secrets": (with_office(build_secrets=("TOKEN",)), {"build_secrets of office changed"}),
    "repository": (
        replace(BOTH, options=replace(BOTH.options, repository=ImageReference.parse("other.example.com/x"))),
        {"repository changed from registry.example.com/team/desktop to other.example.com/x"},
    ),
    "cache": (
        replace(BOTH, options=replace(BOTH.options, cache_backend="none")),
        {"the cache of default, office changed"},
    ),
    "labels": (replace(BOTH, options=replace(BOTH.options, image_labels={"a": "b"})), {"image_labels changed"}),
    "annotations": (replace(BOTH, options=replace(BOTH.options, annotations={"a": "b"})), {"annotations changed"}),
    "attest": (replace(BOTH, options=replace(BOTH.options, attest=("type=sbom",))), {"attest changed"}),
    "alias": (
        replace(BOTH, options=replace(BOTH.options, alias_tags=("{environment}",))),
        {"further tags of default, office changed"},
    ),
    "added": (
        replace(BOTH, stacks=(*BOTH.stacks, (replace(OFFICE, env_id="gpu", build_args={}), BOTH.stacks[0][1]))),
        {"environment gpu added"},
    ),
    "removed": (replace(BOTH, stacks=BOTH.stacks[:1]), {"environment office removed"}),
    "default removed": (replace(BOTH, stacks=BOTH.stacks[1:]), {"environment default removed"}),
    "without its preflight": (
        with_office(Stack(desktop=SHIPPED)),
        {"office uses desktop-office, not preflight-office"},
    ),
}


@every("case", CASES)
def test_cause(case: str) -> None:
    """Each change of an input is reported once, with all environments that it concerns, and nothing besides."""
    after, said = CASES[case]
    found = causes(read(BOTH), read(after), after.targets)
    assert {str(cause) for cause in found} == said
    assert len(found) == len(said)


def test_several_at_once() -> None:
    """Two scripts of one environment are two causes."""
    after = with_office(Stack(desktop=replace(SHIPPED, setup=b"1\n"), preflight=replace(PREFLIGHT, script=b"2\n")))
    found = [str(cause) for cause in causes(read(BOTH), read(after), after.targets)]
    assert found == ["setup script of office changed", "preflight of office changed"]


def test_an_earlier_version() -> None:
    """A file whose targets are called after keys says so, and no more."""
    before = read_bake_file('target "desktop-bookworm-0" {\n  context    = "context/bookworm-0"\n}\n')
    assert [str(cause) for cause in causes(before, read(BOTH), BOTH.targets)] == [
        "it was rendered by an earlier version of desktop-bake"
    ]


@pytest.mark.parametrize(
    "text", ["", "}\n", 'target "_desktop" {', "target x {\n", 'group "a" { targets = [', "\x00" * 9]
)
def test_a_file_that_is_broken(text: str) -> None:
    """Whatever was made of the file, it is read as far as it goes."""
    causes(read_bake_file(text), read(BOTH), BOTH.targets)
