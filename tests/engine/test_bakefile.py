"""The bake file, with `docker buildx bake --print` as the oracle."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desktop_bake import (
    BakeOptions,
    BakeTarget,
    Environment,
    ImageReference,
    Stack,
    bake_targets,
    compute_key,
    render_bake_file,
    stack_key,
)
from desktop_bake.generator.bakefile import OUTPUT
from desktop_bake.generator.variables import CACHE_DIR_VARIABLE, CACHE_SCOPE_VARIABLE, REPOSITORY_VARIABLE
from tests.harness.bake_files import TEAM, TEMPLATE, TEXT, printed, rendered
from tests.harness.recipes import BASE, BROWSER, CERTS, ENVIRONMENT, PREFLIGHT, RECIPE, TOOLS

GOLDEN = Path(__file__).parents[1] / "golden"

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


def _with_defaults(entry: str, options: BakeOptions) -> str:
    """An entry as buildx reads it if none of our variables is set."""
    repository = str(options.repository)
    for name, value in (
        (REPOSITORY_VARIABLE, repository),
        (CACHE_DIR_VARIABLE, "./.desktop-cache"),
        (CACHE_SCOPE_VARIABLE, "main"),
    ):
        entry = entry.replace(f"${{{name}}}", value)
    return entry


def _entries(read: list[dict[str, str]]) -> set[str]:
    """Entries that buildx printed, in the form of the file."""
    order = [
        "type",
        "ref",
        "src",
        "dest",
        "mode",
        "generator",
        "compression",
        "oci-mediatypes",
        "image-manifest",
        "push",
        "ignore-error",
    ]
    return {",".join(f"{n}={e[n]}" for n in sorted(e, key=order.index)) for e in read}


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str, tmp_path: Path) -> None:
    """Same inputs, same bytes; and buildx reads exactly the values that went in."""
    environments, options = CASES[case]
    text = rendered(environments, options)
    assert text == (GOLDEN / f"{case}.hcl").read_text()
    read = printed(text, tmp_path)
    targets = bake_targets([(e, Stack(desktop=RECIPE), compute_key(e, RECIPE, BASE)) for e in environments], options)
    assert sorted(read["group"]["desktop"]["targets"]) == sorted(t.name for t in targets)
    for target in targets:
        got = read["target"][target.name]
        assert got["labels"] == target.labels
        assert got["tags"] == [_with_defaults(tag, options) for tag in target.tags]
        assert _entries(got.get("cache-from", [])) == {_with_defaults(entry, options) for entry in target.cache_from}
        assert _entries(got.get("cache-to", [])) == {_with_defaults(entry, options) for entry in target.cache_to}
        assert _entries(got.get("attest", [])) == set(options.attest)
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
    """The command line alone decides where an image goes, once; the variable adds how it is packed."""
    text = rendered(*CASES["one"])
    (target,) = printed(text, tmp_path, "desktop", *words, DESKTOP_BAKE_OUTPUT=output)["target"].values()
    assert _entries(target.get("output", [])) == wanted


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
    "named-layers": (
        [
            (ENVIRONMENT, Stack(below=(CERTS,), desktop=RECIPE, above=(BROWSER, TOOLS))),
            (replace(ENVIRONMENT, env_id="small"), Stack(below=(CERTS,), above=(TOOLS,), preflight=PREFLIGHT)),
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
    """A layer is a separate target on its desktop's target, which exists once; tasks need both."""
    targets, options = layered_targets(case), LAYERED[case][1]
    text = render_bake_file(TEMPLATE, targets, options)
    assert text == (GOLDEN / f"{case}.hcl").read_text()
    read = printed(text, tmp_path)
    assert sorted(read["group"]["desktop"]["targets"]) == sorted(t.name for t in targets)
    for target in targets:
        got = read["target"][target.name]
        assert got["labels"] == target.labels
        assert got["tags"] == [_with_defaults(tag, options) for tag in target.tags]
        assert got["contexts"] == {"base": target.base}
        assert got["context"] == target.context
    if case == "layer-alone":
        assert "desktop-check" not in text.partition("group")[2]
    if case != "layers":
        return
    desktop, *layers, alone = targets
    assert [t.name for t in targets] == ["desktop-e", "preflight-e", "preflight-other", "preflight-alone"]
    assert {t.base for t in layers} == {"target:desktop-e"}
    assert alone.base == desktop.base
    checks = printed(text, tmp_path, "desktop-check")
    assert checks["group"]["desktop-check"]["targets"] == [f"desktop-check-{name}" for name in ("plain", "e", "other")]
    assert [checks["target"][f"desktop-check-{name}"]["contexts"] for name in ("plain", "e", "other")] == [
        {"desktop": f"target:{t.name}"} for t in (desktop, *layers)
    ]


def test_named_layers(tmp_path: Path) -> None:
    """Each layer is a target on the target below it; one that environments share exists once."""
    targets = layered_targets("named-layers")
    assert {t.name: t.base.removeprefix("target:") for t in targets[1:]} == {
        "desktop-e": "layer-certs-e",
        "layer-browser-e": "desktop-e",
        "layer-tools-e": "layer-browser-e",
        "layer-tools-small": "layer-certs-e",
        "preflight-small": "layer-tools-small",
    }
    text = render_bake_file(TEMPLATE, targets, LAYERED["named-layers"][1])
    for env_id, wanted in (("e", {"layer-tools-e"}), ("small", {"preflight-small"})):
        read = printed(text, tmp_path, env_id)
        assert set(read["group"][env_id]["targets"]) == wanted
    checks = printed(text, tmp_path, "desktop-check")
    assert checks["target"]["desktop-check-e"]["contexts"] == {"desktop": "target:layer-tools-e"}


@pytest.mark.parametrize("env_id", ["e", "same", "other", "plain", "alone"])
def test_an_environments_own_name_builds_what_it_uses(env_id: str, tmp_path: Path) -> None:
    """`docker buildx bake ENVIRONMENT` loads the image that tasks of this environment use, and those below it."""
    stacks, options = LAYERED["layers"]
    (environment, stack) = next((e, s) for e, s in stacks if e.env_id == env_id)
    text = render_bake_file(TEMPLATE, layered_targets("layers"), options)
    read = printed(text, tmp_path, env_id)
    (name,) = read["group"]["default"]["targets"] if env_id not in read["group"] else read["group"][env_id]["targets"]
    assert read["target"][name]["tags"] == [f"{options.repository}:{stack_key(environment, stack, BASE)}"]


@pytest.mark.parametrize("case", ["one", "team"])
def test_golden_check(case: str, tmp_path: Path) -> None:
    """Each desktop has a check on top, in no other group; it makes no image, and exports only inside the folder."""
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
        assert got["output"] == [{"type": "local", "dest": f"./pictures/{target.name.removeprefix('desktop-')}"}]
        assert got.get("platforms", []) == list(target.platforms)
        assert "tags" not in got
        assert got["labels"] == {}


COMPOSED = TEXT.map(lambda text: unicodedata.normalize("NFC", text))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(COMPOSED, min_size=30, max_size=60))
def test_any_text_reaches_buildkit_as_it_is(values: list[str], tmp_path: Path) -> None:
    """Whatever characters a value has, buildx reads exactly these and nothing more."""
    arguments = {f"A{i}": value for i, value in enumerate(values)}
    read = printed(rendered([replace(ENVIRONMENT, build_args=arguments)], TEAM), tmp_path)
    (target,) = read["target"].values()
    assert {n: v for n, v in target["args"].items() if not n.startswith("DESKTOP_BAKE_")} == arguments
    assert set(read["group"]) == {"default", "desktop"}
