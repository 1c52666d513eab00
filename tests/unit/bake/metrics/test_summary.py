"""`--metrics` and `stats`: what is written, what it comes to, and that it never costs a command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_bake.bake.metrics.plot import plot
from desktop_bake.bake.metrics.summary import human_s, read_events, summarize
from tests.harness.events import event


def test_processes_never_mix_their_lines(tmp_path: Path) -> None:
    """Four processes that write at once: every line is whole."""
    program = (
        "import sys; from pathlib import Path; from desktop_bake.bake.metrics.recorder import Recorder\n"
        "r = Recorder(Path(sys.argv[1]), 'run')\n"
        "for n in range(200): r.fail('x' * 250, sys.argv[2])\n"
    )
    path = tmp_path / "m.jsonl"
    running = [subprocess.Popen([sys.executable, "-c", program, path, str(n)]) for n in range(4)]
    assert [p.wait() for p in running] == [0] * 4
    events, unread = read_events(path.read_text().splitlines())
    assert (len(events), unread) == (800, 0)


def test_summary() -> None:
    """Hits are compared with builds of the same environment; `resolve`, `warm` and `disabled` are no hits or misses."""
    told = [
        event("built", 10),
        event("built", 20),
        event("built", 60, "b"),
        event("built", 15, command="warm"),
        event("local-hit", 1),
        event("registry-hit", 5, "b"),
        event("local-hit", 1, "c"),
        event("fallback", 9),
        event("disabled", 1),
        event("local-hit", 1, command="resolve"),
        event("failed", 2),
        "{",
        "[]",
        '{"schema": 2}',
        "",
    ]
    events, unread = read_events(told)
    summary = summarize(events, unread)
    assert (summary.events, summary.unread) == (11, 4)
    assert summary.statuses == {"local-hit": 2, "registry-hit": 1, "built": 3, "fallback": 1, "failed": 1}
    assert summary.hit_rate == 3 / 8
    assert summary.saved_s == (15 - 1) + (60 - 5) + (17.5 - 1)
    assert [p.name for p in summary.phases] == ["build", "look"]
    assert summary.phases[0].max_s == 59.5


def test_nothing_to_compare_with() -> None:
    """Hits without any build save an unknown time, and an empty file is no error."""
    summary = summarize(read_events([event("local-hit", 1)])[0])
    assert (summary.hit_rate, summary.saved_s, summary.unknown_hits) == (1, 0, 1)
    nothing = summarize([])
    assert (nothing.hit_rate, nothing.first) == (None, None)
    assert ElementTree.fromstring(plot([], nothing)).tag.endswith("svg")


EVENTS = st.builds(
    event,
    st.sampled_from(["local-hit", "registry-hit", "built", "fallback", "failed", "disabled", "miss"]),
    st.floats(0.5, 1e6),
    st.sampled_from(["a", "b", "<&>"]),
    st.sampled_from(["run", "build", "warm", "resolve", "api"]),
    st.integers(1, 28),
)


@given(told=st.lists(EVENTS, max_size=30))
def test_law_of_summaries(told: list[str]) -> None:
    """Whatever was written: the rate is a rate, nothing saved is negative, order is no matter, the plot is SVG."""
    events, unread = read_events(told)
    summary = summarize(events, unread)
    assert unread == 0
    assert summary.hit_rate is None or 0 <= summary.hit_rate <= 1
    assert summary.saved_s >= 0
    assert summarize(events[::-1]).saved_s == pytest.approx(summary.saved_s)
    drawn = ElementTree.fromstring(plot(events, summary))
    bars = [
        r for r in drawn.iter("{http://www.w3.org/2000/svg}rect") if r.get("height") not in (None, drawn.get("height"))
    ]
    assert all(float(r.get("width", "0")) >= 0 and float(r.get("y", "0")) >= 0 for r in bars)


@pytest.mark.parametrize(("seconds", "said"), [(0.1234, "0.12 s"), (41.6, "41.6 s"), (720, "12 min"), (12240, "3.4 h")])
def test_human_seconds(seconds: float, said: str) -> None:
    """Seconds are said as people say them."""
    assert human_s(seconds) == said
