"""`desktop-bake stats`: what a file comes to, and its plot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from tests.harness.events import event

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_stats(typed: Callable[..., tuple[int, str, str]], project: Path) -> None:
    """The summary as text or as JSON; lines that are no events are counted."""
    (project / "m.jsonl").write_text("\n".join([event("built", 10), event("local-hit", 1), "nonsense", ""]))
    status, output, errors = typed("stats", "m.jsonl")
    assert (status, errors) == (0, "note: 1 lines are no events\n")
    assert "50" in output
    status, output, _ = typed("stats", "m.jsonl", "--json")
    assert (status, json.loads(output)["hit_rate"]) == (0, 0.5)


def test_plot(typed: Callable[..., tuple[int, str, str]], project: Path) -> None:
    """--plot draws it."""
    (project / "m.jsonl").write_text(event("built", 10))
    assert typed("stats", "m.jsonl", "--plot", "out.svg")[0] == 0
    assert ElementTree.parse(project / "out.svg").getroot().tag.endswith("svg")


def test_refused(typed: Callable[..., tuple[int, str, str]], project: Path) -> None:
    """A file that cannot be read, or written, is reported."""
    status, _, errors = typed("stats", "gone")
    assert (status, errors.splitlines()[0]) == (2, "error: cannot read gone: No such file or directory")
    (project / "m.jsonl").touch()
    status, _, errors = typed("stats", "m.jsonl", "--plot", "gone/x")
    assert (status, errors.splitlines()[0]) == (2, "error: cannot write gone/x: No such file or directory")
