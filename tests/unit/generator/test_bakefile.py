"""The bake file as text; what Bake reads in it is tested on an engine."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from desktop_bake import (
    BakeOptions,
    BakeTarget,
    ConfigurationError,
    Digest,
    Environment,
    ImageReference,
    Stack,
    bake_targets,
    compute_key,
    render_bake_file,
    stack_key,
)
from tests.harness.bake_files import TEAM, TEMPLATE, rendered
from tests.harness.recipes import BASE, ENVIRONMENT, KEY, RECIPE


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"attest": ("type=sbm",)}, "malformed attestation"),
        ({"compression": "lz4"}, "unknown compression 'lz4'"),
        ({"cache_backend": "disk"}, "unknown cache backend 'disk'"),
    ],
)
def test_options_are_checked(options: dict[str, Any], says: str) -> None:
    """Options that exist are right."""
    with pytest.raises(ConfigurationError, match=says):
        replace(TEAM, **options)


def targets(*environments: Environment, options: BakeOptions = TEAM) -> tuple[BakeTarget, ...]:
    """The targets of environments with the harness's recipe."""
    return bake_targets([(e, Stack(desktop=RECIPE), compute_key(e, RECIPE, BASE)) for e in environments], options)


def test_environments_that_share_a_key_share_a_target() -> None:
    """A distinct key is one target, named after the first environment that has it; each is told, and has its group."""
    shared = [ENVIRONMENT, replace(ENVIRONMENT, env_id="b", name="n"), replace(ENVIRONMENT, env_id="a")]
    (target,) = targets(*shared)
    assert (target.name, target.context) == ("desktop-e", "context/e")
    assert list(target.environments) == ["e", "b", "a"]
    text = rendered(shared, TEAM)
    assert "// environments: e, b, a · base lunamidori5/pixelarch:emerald\n" in text
    for env_id in ("e", "b", "a"):
        assert f'group "{env_id}" {{ targets = ["desktop-e"] }}\n' in text


def test_default_is_everything() -> None:
    """`default` is Bake's name for what it builds if it is asked for nothing, so that this environment has no group."""
    text = rendered(
        [replace(ENVIRONMENT, env_id="default"), replace(ENVIRONMENT, env_id="b", build_args={"A": ""})], TEAM
    )
    assert re.findall(r'^group "(.+?)"', text, re.MULTILINE) == ["default", "desktop", "b"]
    assert 'target "desktop-default"' in text


def test_environments_that_share_files_share_a_context() -> None:
    """Targets whose build contexts hold the same files have one folder; another file makes another folder."""
    other = replace(ENVIRONMENT, env_id="other", build_args={"A": ""})
    first, second = targets(ENVIRONMENT, other)
    assert (first.name, second.name) == ("desktop-e", "desktop-other")
    assert first.context == second.context == "context/e"
    stack = Stack(desktop=replace(RECIPE, setup=b"echo other\n"))
    wanted = [(ENVIRONMENT, Stack(desktop=RECIPE), KEY), (other, stack, stack_key(other, stack, BASE))]
    assert [t.context for t in bake_targets(wanted, TEAM)] == ["context/e", "context/other"]


def test_keys_are_in_tags_and_labels_alone() -> None:
    """No name, folder, comment or description contains a hash."""
    kept = [line for line in rendered([ENVIRONMENT], TEAM).splitlines() if re.search("[0-9a-f]{16}", line)]
    assert {line.split()[0] for line in kept} == {
        "contexts",
        "tags",
        "DESKTOP_BAKE_BASE",
        "DESKTOP_BAKE_SHA256_DOCKERFILE",
        "DESKTOP_BAKE_SHA256_INSTALL",
        "DESKTOP_BAKE_SHA256_SETUP",
        '"desktop-bake.cache-key"',
        '"desktop-bake.base-digest"',
        '"desktop-bake.install-digest"',
        '"desktop-bake.setup-digest"',
        '"desktop-bake.dockerfile-digest"',
        '"org.opencontainers.image.base.digest"',
    }


def test_one_id_twice() -> None:
    """Two environments of one id, with different keys, would be one target: that is refused."""
    with pytest.raises(ConfigurationError, match="2 environments have the id 'e'"):
        targets(ENVIRONMENT, replace(ENVIRONMENT, build_args={"A": ""}))


@pytest.mark.parametrize("backend", ["local", "registry", "inline", "none", "type=gha"])
def test_every_variable_is_used(backend: str) -> None:
    """Whatever the cache, each variable of the file is named in it besides, and each has a description."""
    options = replace(TEAM, cache_backend=backend)
    wanted = bake_targets([(ENVIRONMENT, Stack(desktop=RECIPE), KEY)], options)
    text = render_bake_file(TEMPLATE, wanted, options, "ci")
    blocks = re.findall(r'^variable "(.+)" \{\n  description = ".+"\n  default     = (.+)\n\}$', text, re.MULTILINE)
    assert len(blocks) == text.count("\nvariable ")
    used = re.sub(r'^variable ".+" \{$', "", text, flags=re.MULTILINE)
    assert [name for name, _ in blocks if not re.search(rf"\b{name}\b", used)] == []


@pytest.mark.parametrize("options", [TEAM, BakeOptions(repository=ImageReference.parse("a"), annotations={"a": "b"})])
@pytest.mark.parametrize("folder", ["", "ci"])
def test_the_file_is_formatted(options: BakeOptions, folder: str) -> None:
    """In consecutive lines of a block that assign on one line, each `=` is below the other, as near as it can be; no
    block is empty, no line ends in spaces, and no two blank lines follow each other."""
    environments = [
        replace(ENVIRONMENT, env_id=f"e{n}", build_args={"A" * n: "x"}, platforms=("a/b",)) for n in (1, 40)
    ]
    wanted = [(e, Stack(desktop=RECIPE), compute_key(e, RECIPE, BASE)) for e in environments]
    text = render_bake_file(TEMPLATE, bake_targets(wanted, options), options, folder)
    runs: list[list[str]] = [[]]
    for line in text.splitlines():
        _, equals, value = line.partition(" = ")
        inside = line.startswith("  ") and equals and not line.lstrip().startswith("{") and value[-1] not in "[{"
        runs[-1].append(line) if inside else runs.append([])
    for run in filter(None, runs):
        longest = max(len(line.partition(" = ")[0].rstrip()) for line in run)
        assert {line.index(" = ") for line in run} == {longest}, run
    assert not re.search(r"\{\s*\}| $|\n\n\n|\n\n\}|\{\n\n", text, re.MULTILINE)
    assert text.endswith("}\n")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("\0", "build argument A holds an invalid character"),
        ("\ud800", "build argument A holds an invalid character"),
        ("\U0002f800", "holds a character that a bake file would change"),
        ("e\u0301", "holds a character that a bake file would change"),
    ],
)
def test_what_hcl_cannot_carry_is_refused(value: str, says: str) -> None:
    """A character that cannot be carried is refused, not changed."""
    with pytest.raises(ConfigurationError, match=f"{says}$"):
        rendered([replace(ENVIRONMENT, build_args={"A": value})], TEAM)


@pytest.mark.parametrize("name", ["a b", "", "1a", 'a"', "a\n"])
def test_build_argument_names_are_checked(name: str) -> None:
    """A name that Dockerfile cannot have is refused."""
    with pytest.raises(ConfigurationError, match="malformed build argument"):
        replace(ENVIRONMENT, build_args={name: "x"})


def test_our_own_build_arguments_are_nobody_elses() -> None:
    """A name by which the recipe's steps learn what to verify is refused."""
    with pytest.raises(ConfigurationError, match="is reserved for desktop-bake"):
        replace(ENVIRONMENT, build_args={"DESKTOP_BAKE_SHA256_INSTALL": "x"})


@pytest.mark.parametrize("repository", ["a:t", f"a@{Digest.of(b'')}"])
def test_repository_has_no_tag(repository: str) -> None:
    """The key is the tag: a repository brings none."""
    with pytest.raises(ConfigurationError, match="carries a tag"):
        BakeOptions(repository=ImageReference.parse(repository))


def test_the_packages_date_is_an_argument() -> None:
    """The date stands behind the base's digest, in the argument that the install step declares; without one as ever."""
    dated = rendered([ENVIRONMENT], TEAM, replace(RECIPE, packages="2026-11-27"))
    assert 'DESKTOP_BAKE_BASE              = "abababababababab-2026-11-27"' in dated
    assert 'DESKTOP_BAKE_BASE              = "abababababababab"' in rendered([ENVIRONMENT], TEAM)
