"""Where work is reported: lines as they are, warnings, and phases for whoever takes their times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop_bake.bake.system.reporter import Reporter

if TYPE_CHECKING:
    from desktop_bake.bake.system.reporter import Phase


def test_lines_and_phases() -> None:
    """A line is passed on, from a log's caller too; a phase begins by its name and by no line."""
    lines, phases = list[str](), list["Phase"]()
    reporter = Reporter(lines.append, phases.append)
    reporter.say("[desktop-cache] building x")
    reporter("a line")
    reporter.warn("odd")
    reporter.phase("build")
    assert lines == ["[desktop-cache] building x", "a line", "[desktop-cache] WARNING: odd"]
    assert phases == ["build"]


def test_silent() -> None:
    """Without a log nothing is said, and nothing fails."""
    reporter = Reporter()
    reporter.warn("x")
    reporter.phase("pull")


def test_of() -> None:
    """A reporter is a log that stays itself; any other log gets the lines."""
    lines = list[str]()
    reporter = Reporter()
    assert Reporter.of(reporter) is reporter
    Reporter.of(lines.append).say("x")
    assert lines == ["x"]
