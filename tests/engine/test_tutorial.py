"""The first page of the tutorial, as it is typed, on the desktop that all tests share."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from desktop_bake import Settings, ensure_desktop_image
from tests.harness.tutorial import Shell, Step, steps

if TYPE_CHECKING:
    from pathlib import Path

    from desktop_bake import Environment


def test_the_first_page(tmp_path: Path, base: str, desktop: Environment, desktop_settings: Settings) -> None:
    """Each command succeeds and prints what the page shows; without the lock, whose date would reinstall everything.

    tests/soak runs all three pages with the lock.
    """
    assert ensure_desktop_image(desktop, desktop_settings).image_id
    shell = Shell(folder=tmp_path, instead={"debian:bookworm": base, "built": "local-hit"}, variables={}, times=[])
    try:
        for step in steps("first-desktop.md"):
            shell.run(step)
            (shell.folder / "desktop-bake.lock").unlink(missing_ok=True)
    finally:
        subprocess.run(["docker", "rm", "-f", "first"], capture_output=True, check=False)
    assert len(shell.times) >= 8
    assert (shell.folder / "first.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_not_printed_is_found() -> None:
    """Lines are compared in order; `…` stands for anything in a line, or for any lines."""
    step = Step(place="x", command="y", shown=("a  …c", "…", "d"))
    assert step.missing("z\na bc\nd\n") == []
    assert step.missing("d\na bc\n") == ["d"]
    assert step.missing("a b\nd\n") == ["a  …c"]
    step = Step(place="x", command="y", shown=("c884024c60c2  plain  4 seconds",))
    assert step.missing("0123456789ab plain   a moment") == step.missing("0123456789ab plain 1 second") == []
    assert step.missing("0123456789a plain 1 second") == step.missing("0123456789ab plain") == [*step.shown]
