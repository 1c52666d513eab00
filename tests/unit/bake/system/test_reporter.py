"""Where work is reported: lines as they are, warnings, and phases for whoever takes their times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop_bake import Exited, Ready
from desktop_bake.bake.system.reporter import Reporter

if TYPE_CHECKING:
    from desktop_bake import TaskEvent
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
    """Without a log nothing is reported, and nothing fails."""
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


def test_events() -> None:
    """Events go to listeners, besides lines and phases; without a listener none is made."""
    lines, phases, events = list[str](), list["Phase"](), list["TaskEvent"]()
    quiet = Reporter(lines.append, phases.append)
    quiet.tell(lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    reporter = quiet.telling(events.append)
    reporter.say("a line")
    reporter.phase("pull")
    reporter.tell(lambda: Exited(3))
    assert (lines, phases, events) == (["a line"], ["pull"], [Exited(3)])


def test_a_listener_that_fails() -> None:
    """Its error goes no further than one line, and it gets the next event, too."""
    lines, got = list[str](), list["TaskEvent"]()

    def listen(event: TaskEvent) -> None:
        got.append(event)
        raise ValueError("no such window")

    reporter = Reporter(lines.append).telling(listen)
    reporter.tell(lambda: Ready("http://127.0.0.1/#secret"))
    reporter.tell(lambda: Exited(0))
    assert got == [Ready("http://127.0.0.1/#secret"), Exited(0)]
    assert lines == ["[desktop-cache] WARNING: on_event failed at Ready: ValueError: no such window; the task goes on"]
    assert "secret" not in repr(got[0])


def test_a_warning_about_an_odd_path() -> None:
    """No folder's name moves the cursor: control characters of a warning are escaped."""
    lines: list[str] = []
    Reporter(lines.append).warn("/tmp/\x1b[2J\n: it stays")
    assert lines == [r"[desktop-cache] WARNING: /tmp/\x1b[2J\n: it stays"]
