"""`--metrics` and `stats`: what is written, what it comes to, and that it never costs a command."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bake.metrics import Recorder
from bake.plot import plot
from bake.resolve import ImageResult, Status
from bake.stats import human_s, read_events, summarize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bake.engine import Engine
    from tests.conftest import Run


def lines(path: Path) -> list[dict[str, Any]]:
    """The events in a file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_events(cli: Run, project: Path) -> None:
    """A miss, a build, a hit and a failure are a line each, with key, size and the seconds of each phase."""
    words = ("--metrics", "m.jsonl")
    assert cli("resolve", *words).returncode == 3
    assert cli("build", *words).returncode == 0
    assert cli("build", "--quiet", DESKTOP_BAKE_METRICS="m.jsonl").returncode == 0
    (project / "setup.sh").write_text("exit 9\n")
    assert cli("build", *words).returncode == 6
    assert cli("key", *words).returncode == 0
    miss, built, hit, failed = lines(project / "m.jsonl")
    assert [e["status"] for e in (miss, built, hit, failed)] == ["miss", "built", "local-hit", "failed"]
    assert [e["command"] for e in (miss, built)] == ["resolve", "build"]
    assert miss["cache_key"] == built["cache_key"] == hit["cache_key"]
    assert (miss["bytes"], miss["error"]) == (None, None)
    assert built["bytes"] == hit["bytes"] > 1_000_000
    assert set(built["seconds"]) == {"look", "build", "total"}
    assert built["seconds"]["build"] > hit["seconds"]["total"]
    assert built["seconds"]["total"] == pytest.approx(sum(built["seconds"].values()) / 2, abs=0.001)
    assert failed["error"].startswith("build failed: ")
    said = cli("stats", "m.jsonl", "--plot", "out.svg")
    assert said.returncode == 0
    assert "hit rate  33% (1 local-hit, 1 built, 1 failed)" in said.stdout
    assert ElementTree.parse(project / "out.svg").getroot().tag.endswith("svg")
    assert json.loads(cli("stats", "m.jsonl", "--json").stdout)["hit_rate"] == pytest.approx(1 / 3)


def test_warm_and_run(cli: Run, project: Path) -> None:
    """`warm` leaves a line an environment, also of one that failed; `run` tells how long the task took to start."""
    added = ("base_image=127.0.0.1:9/nowhere:1", "headless_desktop_enabled=on", "cache_desktop_build=on")
    assert cli("env", "set", "--create", "bad", *added).returncode == 0
    assert cli("warm", "--metrics", "m.jsonl").returncode == 5
    built, failed = lines(project / "m.jsonl")
    assert (built["status"], failed["status"], failed["environment"]) == ("built", "failed", "bad")
    assert cli("env", "set", "default", "headless_desktop_enabled=off").returncode == 0
    assert cli("run", "--metrics", "m.jsonl", "default", "--", "true").returncode == 0
    ran = lines(project / "m.jsonl")[2]
    assert (ran["command"], ran["status"]) == ("run", "disabled")
    assert ran["seconds"]["start"] > 0


@pytest.mark.parametrize("where", ["/dev/full", "nowhere/m.jsonl", ".", "pipe"])
def test_a_file_that_cannot_be_written(cli: Run, project: Path, where: str) -> None:
    """A full disk, a folder that is missing, a folder, a pipe that nobody reads: a WARNING, and the same status."""
    os.mkfifo(project / "pipe")
    done = cli("resolve", "--metrics", where)
    assert done.returncode == 3
    assert f"WARNING: no metrics in {where}: " in done.stderr
    assert json.loads(cli("resolve", "--json", "--quiet", "--metrics", where).stdout)["status"] == "miss"


def test_processes_never_mix_their_lines(tmp_path: Path) -> None:
    """Four processes that write at once: every line is whole."""
    program = (
        "import sys; from pathlib import Path; from bake.metrics import Recorder\n"
        "r = Recorder(Path(sys.argv[1]), 'run')\n"
        "for n in range(200): r.fail('x' * 250, sys.argv[2])\n"
    )
    path = tmp_path / "m.jsonl"
    running = [subprocess.Popen([sys.executable, "-c", program, path, str(n)]) for n in range(4)]
    assert [p.wait() for p in running] == [0] * 4
    events, unread = read_events(path.read_text().splitlines())
    assert (len(events), unread) == (800, 0)


def test_phases_begin_at_log_lines(tmp_path: Path, engine: Engine) -> None:
    """The log's own lines begin the phases; BuildKit's lines do not; the log gets every line."""
    ticks: Iterator[int] = itertools.count()
    heard: list[str] = []
    recorder = Recorder(tmp_path / "m.jsonl", "api", clock=lambda: next(ticks))
    log = recorder.listening(heard.append)
    cache = "[desktop-cache]"
    said = [
        f"{cache} miss: x",
        f"{cache} building x",
        f"#5 {cache} pushing",
        f"{cache} pushing x",
        f"{cache} pushing y",
    ]
    for line in said:
        log(line)
    result = ImageResult(environment="a", status=Status.BUILT, image="x", image_id=None, cache_key=None, reason="")
    recorder.record(result, engine)
    assert heard == said
    (event,) = lines(tmp_path / "m.jsonl")
    assert event["seconds"] == {"look": 1, "build": 1, "push": 2, "total": 4}


def event(status: str, total: float, environment: str = "a", command: str = "run", day: int = 1) -> str:
    """A line of a file."""
    return json.dumps({"schema": 1, "at": f"2026-03-{day:02}T12:00:00+00:00", "command": command, "bytes": None,
                       "environment": environment, "status": status, "cache_key": None, "error": None,
                       "seconds": {"look": 0.5, "build": total - 0.5, "total": total}})  # fmt: skip


def test_summary() -> None:
    """Hits are compared with builds of the same environment; `resolve`, `warm` and `disabled` are no hits or misses."""
    told = [
        event("built", 10), event("built", 20), event("built", 60, "b"), event("built", 15, command="warm"),
        event("local-hit", 1), event("registry-hit", 5, "b"), event("local-hit", 1, "c"), event("fallback", 9),
        event("disabled", 1), event("local-hit", 1, command="resolve"), event("failed", 2),
        "{", "[]", '{"schema": 2}', "",
    ]  # fmt: skip
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


def test_stats_of_odd_files(cli: Run, project: Path) -> None:
    """An empty file says so, foreign lines are counted, a missing file is wrong usage."""
    (project / "m.jsonl").write_bytes(b"")
    assert cli("stats", "m.jsonl").stdout == "no events\n"
    (project / "m.jsonl").write_bytes(b"\xff\x00\nplain\n" + event("built", 3).encode() + b"\n")
    assert cli("stats", "m.jsonl").stderr == "note: 2 lines are no events\n"
    missing = cli("stats", "nowhere.jsonl")
    assert missing.returncode == 2
    assert "cannot read nowhere.jsonl" in missing.stderr


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
