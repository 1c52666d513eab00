"""The bake file, with `docker buildx bake --print` as the oracle."""

from __future__ import annotations

import json
import os
import subprocess
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bake.shipped import shipped
from generator import (
    BakeOptions,
    BakeTarget,
    ConfigurationError,
    Digest,
    Environment,
    ImageReference,
    Recipe,
    Stack,
    bake_targets,
    compute_key,
    render_bake_file,
    stack_key,
)
from generator.bakefile import OUTPUT, VARIABLES
from tests.test_key import BASE, ENVIRONMENT, RECIPE
from tests.test_layer_key import PREFLIGHT

TEMPLATE = shipped("docker-bake.hcl.j2").read_text()
GOLDEN = Path(__file__).parent / "golden"
TEAM = BakeOptions(repository=ImageReference.parse("registry.example.com/team/desktop"), cache_backend="registry")
CASES: dict[str, tuple[list[Environment], BakeOptions]] = {
    "one": ([ENVIRONMENT], BakeOptions(repository=ImageReference.parse("desktop-bake"))),
    "team": (
        [
            ENVIRONMENT,
            replace(ENVIRONMENT, env_id="same-key"),
            replace(ENVIRONMENT, env_id="args", build_args={"A": '${B} %{C} "q" \\ \n ü', "Z": ""}),
            replace(ENVIRONMENT, env_id="two", platforms=("linux/arm64", "linux/amd64")),
        ],
        TEAM,
    ),
    "none": ([ENVIRONMENT], replace(TEAM, cache_backend="none")),
    "gha": ([ENVIRONMENT], replace(TEAM, cache_backend="type=gha,mode=max")),
    "inline": ([ENVIRONMENT], replace(TEAM, cache_backend="inline")),
    "attest": (
        [ENVIRONMENT],
        replace(TEAM, cache_backend="none", attest=("type=provenance,mode=max", "type=sbom,generator=example.com/s:1")),
    ),
}


def rendered(environments: list[Environment], options: BakeOptions, recipe: Recipe = RECIPE) -> str:
    """The bake file of these environments."""
    wanted = [(e, Stack(desktop=recipe), compute_key(e, recipe, BASE)) for e in environments]
    return render_bake_file(TEMPLATE, bake_targets(wanted, options))


def printed(text: str, folder: Path, *words: str, **variables: str) -> dict[str, Any]:
    """What buildx reads in a bake file, asked for a group, `desktop` where none is named, and with flags."""
    (folder / "docker-bake.hcl").write_text(text)
    done = subprocess.run(
        ["docker", "buildx", "bake", "--print", *(words or ("desktop",))],
        cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, **variables},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    read: dict[str, Any] = json.loads(done.stdout)
    for target in read["target"].values():  # buildx prints these two escaped, to be read as a bake file again
        for field in ("args", "labels"):
            target[field] = {n: _unescaped(v) for n, v in target.get(field, {}).items()}
    return read


def _unescaped(text: str) -> str:
    return text.replace("$${", "${").replace("%%{", "%{")


def _with_defaults(entry: str) -> str:
    """An entry as buildx reads it where nobody sets our variables."""
    for name, value in VARIABLES.items():
        entry = entry.replace(f"${{{name}}}", value)
    return entry


def _entries(read: list[dict[str, str]]) -> set[str]:
    """Entries that buildx printed, in the form in which they are written."""
    order = ["type", "ref", "src", "dest", "mode", "generator", "compression", "oci-mediatypes", "image-manifest",
             "push", "ignore-error"]  # fmt: skip
    return {",".join(f"{n}={e[n]}" for n in sorted(e, key=order.index)) for e in read}


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str, tmp_path: Path) -> None:
    """Same inputs, same bytes; and buildx reads exactly the values that went in."""
    environments, options = CASES[case]
    text = rendered(environments, options)
    assert text == (GOLDEN / f"{case}.hcl").read_text()
    assert text == rendered(environments[::-1], options)
    read = printed(text, tmp_path)
    targets = bake_targets([(e, Stack(desktop=RECIPE), compute_key(e, RECIPE, BASE)) for e in environments], options)
    assert sorted(read["group"]["desktop"]["targets"]) == sorted(t.name for t in targets)
    for target in targets:
        got = read["target"][target.name]
        assert got["labels"] == target.labels
        assert got["tags"] == [_with_defaults(tag) for tag in target.tags]
        assert _entries(got.get("cache-from", [])) == {_with_defaults(entry) for entry in target.cache_from}
        assert _entries(got.get("cache-to", [])) == {_with_defaults(entry) for entry in target.cache_to}
        assert _entries(got.get("attest", [])) == set(target.attest)
        assert "output" not in got
        assert got.get("args", {}) == target.args
        assert got.get("platforms", []) == list(target.platforms)
        assert got["contexts"] == {"base": target.base}
        assert target.base == f"docker-image://lunamidori5/pixelarch:emerald@{BASE}"
        assert got["context"] == target.context


@pytest.mark.parametrize(
    ("words", "output", "wanted"),
    [
        ((), "", set()),
        (("--load",), "", {"type=docker"}),
        (("--push",), "", {"type=image,push=true"}),
        ((), OUTPUT, {OUTPUT}),
        (("--push",), OUTPUT, {f"{OUTPUT},push=true"}),
    ],
)
def test_outputs(words: tuple[str, ...], output: str, wanted: set[str], tmp_path: Path) -> None:
    """What is typed decides alone where an image goes, once; the variable adds how it is packed."""
    text = rendered(*CASES["one"])
    (target,) = printed(text, tmp_path, "desktop", *words, DESKTOP_BAKE_OUTPUT=output)["target"].values()
    assert _entries(target.get("output", [])) == wanted


@pytest.mark.parametrize(
    "entries", [("sbom",), ("type=sbm",), ("type=sbom,generator=a b",), ("type=sbom", "type=sbom"), ("type=sbom,",)]
)
def test_attestations_are_checked(entries: tuple[str, ...]) -> None:
    """What BuildKit would refuse or take in part is refused."""
    with pytest.raises(ConfigurationError, match="attest"):
        replace(TEAM, attest=entries)


LAYERED = {
    "layers": (
        [
            (ENVIRONMENT, Stack(desktop=RECIPE, preflight=PREFLIGHT)),
            (replace(ENVIRONMENT, env_id="same"), Stack(desktop=RECIPE, preflight=PREFLIGHT)),
            (replace(ENVIRONMENT, env_id="other"), Stack(desktop=RECIPE, preflight=replace(PREFLIGHT, script=b"2\n"))),
            (replace(ENVIRONMENT, env_id="plain"), Stack(desktop=RECIPE)),
            (replace(ENVIRONMENT, env_id="alone"), Stack(preflight=PREFLIGHT)),
        ],
        TEAM,
    ),
    "layer-alone": (
        [(ENVIRONMENT, Stack(preflight=PREFLIGHT))],
        BakeOptions(repository=ImageReference.parse("desktop-bake")),
    ),
}


def layered_targets(case: str) -> tuple[BakeTarget, ...]:
    """The targets of a case with layers."""
    stacks, options = LAYERED[case]
    return bake_targets([(e, stack, stack_key(e, stack, BASE)) for e, stack in stacks], options)


@pytest.mark.parametrize("case", LAYERED)
def test_golden_layers(case: str, tmp_path: Path) -> None:
    """A layer is a target of its own on its desktop's target, which is there once; both are what tasks need."""
    targets = layered_targets(case)
    text = render_bake_file(TEMPLATE, targets)
    assert text == (GOLDEN / f"{case}.hcl").read_text()
    read = printed(text, tmp_path)
    assert sorted(read["group"]["desktop"]["targets"]) == sorted(t.name for t in targets)
    for target in targets:
        got = read["target"][target.name]
        assert got["labels"] == target.labels
        assert got["tags"] == [_with_defaults(tag) for tag in target.tags]
        assert got["contexts"] == {"base": target.base}
        assert got["context"] == target.context
    if case == "layer-alone":
        assert "desktop-check" not in text.partition("group")[2]
        return
    desktop, *_, alone = targets
    layers = [t for t in targets if t.base == f"target:{desktop.name}"]
    assert [t.name.partition("-p")[0] for t in layers] == [desktop.name] * 2
    assert alone.name == f"preflight-{alone.key}"
    assert alone.base == desktop.base
    checks = printed(text, tmp_path, "desktop-check")["group"]["desktop-check"]["targets"]
    assert checks == [t.name.replace("desktop-", "desktop-check-") for t in (desktop, *layers)]


@pytest.mark.parametrize("case", ["one", "team"])
def test_golden_check(case: str, tmp_path: Path) -> None:
    """Each desktop has a check on top of it, in no other group; it makes no image, and exports inside the folder."""
    environments, options = CASES[case]
    text = rendered(environments, options)
    targets = bake_targets([(e, Stack(desktop=RECIPE), compute_key(e, RECIPE, BASE)) for e in environments], options)
    read = printed(text, tmp_path, "desktop-check")
    checks = read["group"]["desktop-check"]["targets"]
    assert checks == [t.name.replace("desktop-", "desktop-check-") for t in targets]
    assert not set(checks) & set(printed(text, tmp_path, "default")["target"])
    for check, target in zip(checks, targets, strict=True):
        got = read["target"][check]
        assert got["contexts"] == {"desktop": f"target:{target.name}"}
        assert got["context"] == "check"
        assert got["output"] == [{"type": "local", "dest": f"pictures/{target.key}"}]
        assert got.get("platforms", []) == list(target.platforms)
        assert "tags" not in got
        assert got["labels"] == {}


def test_two_environments_with_one_key_share_a_target() -> None:
    """A target a distinct key."""
    assert rendered([ENVIRONMENT, replace(ENVIRONMENT, env_id="b", name="n")], TEAM) == rendered([ENVIRONMENT], TEAM)


def test_variants_that_differ_in_a_dot_have_two_targets(tmp_path: Path) -> None:
    """Target names cannot hold dots; two keys still never share a name."""
    two = [replace(ENVIRONMENT, base_image=ImageReference.parse(f"x:{tag}")) for tag in ("a.b", "a_b")]
    assert len(printed(rendered(two, TEAM), tmp_path)["group"]["desktop"]["targets"]) == 2


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60) | st.lists(
    st.sampled_from(["${", "%{", '"', "\\", "\n", "\r", "\t", "$", "%", "{", "}", "~", "ü", "𝄞", "\x7f", "EOF", "//"])
).map("".join)
COMPOSED = TEXT.map(lambda text: unicodedata.normalize("NFC", text))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(COMPOSED, min_size=30, max_size=60))
def test_any_text_reaches_buildkit_as_it_is(values: list[str], tmp_path: Path) -> None:
    """Whatever a value holds, buildx reads exactly these characters and nothing more."""
    arguments = {f"A{i}": value for i, value in enumerate(values)}
    read = printed(rendered([replace(ENVIRONMENT, build_args=arguments)], TEAM), tmp_path)
    (target,) = read["target"].values()
    assert {n: v for n, v in target["args"].items() if not n.startswith("DESKTOP_BAKE_")} == arguments
    assert set(read["group"]) == {"default", "desktop"}


@pytest.mark.parametrize("value", ["\0", "\ud800", "\U0002f800", "e\u0301"])
def test_what_hcl_cannot_carry_is_refused(value: str) -> None:
    """A character that cannot be carried is refused, not changed."""
    with pytest.raises((ConfigurationError, UnicodeEncodeError)):
        rendered([replace(ENVIRONMENT, build_args={"A": value})], TEAM)


@pytest.mark.parametrize("name", ["a b", "", "1a", 'a"', "a\n"])
def test_build_argument_names_are_checked(name: str) -> None:
    """A name that Dockerfile cannot have is refused."""
    with pytest.raises(ConfigurationError, match="malformed build argument"):
        replace(ENVIRONMENT, build_args={name: "x"})


def test_our_own_build_arguments_are_nobody_elses() -> None:
    """A name by which the recipe's steps learn what to verify is refused."""
    with pytest.raises(ConfigurationError, match="one of desktop-bake's own"):
        replace(ENVIRONMENT, build_args={"DESKTOP_BAKE_SHA256_INSTALL": "x"})


@pytest.mark.parametrize("repository", ["a:t", f"a@{Digest.of(b'')}"])
def test_repository_has_no_tag(repository: str) -> None:
    """The key is the tag: a repository brings none."""
    with pytest.raises(ConfigurationError, match="carries a tag"):
        BakeOptions(repository=ImageReference.parse(repository))


@pytest.mark.parametrize("backend", ["", "disk", "type=", "type=gha\ntype=x"])
def test_unknown_backend(backend: str) -> None:
    """An unknown cache backend is refused."""
    with pytest.raises(ConfigurationError, match="unknown cache backend"):
        BakeOptions(repository=ImageReference.parse("a"), cache_backend=backend)
