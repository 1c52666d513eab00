"""What is baked for an environment, by its switches, and what its tasks need at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from desktop_bake import Environment, ImageReference, Layer, Stack
from desktop_bake.bake.config.stack_files import StackFiles
from desktop_bake.generator.script import Script
from tests.harness.every import every

ENVIRONMENT = Environment(env_id="e", base_image=ImageReference.parse("debian:bookworm"))
FILES = StackFiles(root=Path("/nowhere"), date="2026-11-27")
TRUE = Script.text("true\n")


def names(stack: Stack | None) -> str:
    """The parts by name, the lowest first."""
    if stack is None:
        return ""
    parts = [layer.name for layer in stack.below]
    parts += ["desktop"] if stack.desktop else []
    parts += [layer.name for layer in stack.above]
    return " ".join([*parts, *(["preflight"] if stack.preflight else [])])


def environment(switches: str, layers: str, **fields: object) -> Environment:
    """An environment of four parts.

    Args:
        switches: of desktop, its cache, and the preflight's cache, each `+`, `-`, or of the last `?` for unset.
        layers: those of a layer below the desktop, of one above it, and of packages, which have no other.
        fields: further fields.
    """
    switch = {"+": True, "-": False, "?": None}
    made = {
        "below": Layer(name="below", script=TRUE, below_desktop=True, cache=switch[layers[0]]),
        "above": Layer(name="above", script=TRUE, cache=switch[layers[1]]),
    }
    return replace(
        ENVIRONMENT,
        headless_desktop_enabled=bool(switch[switches[0]]),
        cache_desktop_build=bool(switch[switches[1]]),
        cache_preflight_build=switch[switches[2]],
        layers=tuple(made.values()),
        packages=("git",),
        preflight_script=TRUE,
        **fields,  # type: ignore[arg-type]
    )


@every(
    ("switches", "layers", "baked"),
    [
        ("++?", "??", "below desktop above packages preflight"),
        ("++?", "?-", "below desktop"),  # what lies on a layer that is not baked runs at start
        ("++?", "-+", ""),
        ("++-", "??", "below desktop above packages"),
        ("+-?", "??", ""),
        ("+-?", "+?", "below"),
        ("+-?", "++", "below above"),  # the desktop is installed at start, what is baked lies on the base
        ("+-+", "++", "below above"),
        ("-+?", "??", "below above packages preflight"),
        ("--+", "++", "below above"),
        ("--?", "??", ""),
    ],
)
def test_switches(switches: str, layers: str, baked: str) -> None:
    """Each part has its switch, and no layer or preflight is baked above a layer that is not."""
    asked = environment(switches, layers)
    assert asked.cache_enabled is bool(baked)
    assert names(FILES.stack(asked)) == (baked or names(FILES.whole(asked)))
    assert names(FILES.whole(asked)) == names(FILES.whole(environment("+++", "++"))).replace(
        *(("x", "x") if asked.headless_desktop_enabled else ("desktop ", ""))
    )
    assert asked.desktop_cache_enabled is ("desktop" in baked)
    assert asked.preflight_cache_enabled is ("preflight" in baked)


def test_why_nothing_is_baked() -> None:
    """For an environment with layers, the reason names the switch that keeps everything from being baked."""
    assert environment("++?", "-+").why_nothing_is_baked == "cache of the lowest layer, 'below', is off"
    assert environment("+-+", "??").why_nothing_is_baked == "cache_desktop_build is off"


def test_what_a_layer_is_read_into(tmp_path: Path) -> None:
    """A layer has its script, the files beside it, and with packages the program and the date of the lock."""
    (tmp_path / "tools.sh").write_text("make\n")
    (tmp_path / "Makefile").write_text("all:\n")
    layers = (
        Layer(name="tools", script="tools.sh", files=("Makefile",)),
        Layer(name="browser", packages=("chromium",)),
    )
    stack = replace(FILES, root=tmp_path).stack(replace(ENVIRONMENT, cache_desktop_build=True, layers=layers))
    tools, browser = stack.above
    assert (tools.script, list(tools.files), tools.installer, tools.date) == (b"make\n", ["Makefile"], b"", "")
    assert (browser.script, browser.packages, browser.date) == (None, ("chromium",), "2026-11-27")
    assert b"pacman" in browser.installer
    assert tools.dockerfile == browser.dockerfile


def test_nothing() -> None:
    """An environment that is its base needs nothing; what would be baked of it, were it asked for, is a desktop."""
    assert FILES.whole(ENVIRONMENT) is None
    assert names(FILES.stack(ENVIRONMENT)) == "desktop"
