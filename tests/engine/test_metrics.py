"""`--metrics` and `stats`: what is written, what it adds up to, and that it never fails a command."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from tests.harness.events import event, lines

if TYPE_CHECKING:
    from tests.harness.project import Run


def test_events(cli: Run, project: Path) -> None:
    """A miss, a build, a hit and a failure are one line each, with key, size and the seconds of each phase."""
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
    """`warm` writes a line for each environment, failed ones too; `run` records how long the task took to start."""
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
    """A full disk, a missing folder, a folder, a pipe without a reader: a WARNING, and the same status."""
    os.mkfifo(project / "pipe")
    done = cli("resolve", "--metrics", where)
    assert done.returncode == 3
    assert f"WARNING: no metrics in {where}: " in done.stderr
    assert json.loads(cli("resolve", "--json", "--quiet", "--metrics", where).stdout)["status"] == "miss"


def test_stats_of_odd_files(cli: Run, project: Path) -> None:
    """An empty file is reported, foreign lines are counted, a missing file is wrong usage."""
    (project / "m.jsonl").write_bytes(b"")
    assert cli("stats", "m.jsonl").stdout == "no events\n"
    (project / "m.jsonl").write_bytes(b"\xff\x00\nplain\n" + event("built", 3).encode() + b"\n")
    assert cli("stats", "m.jsonl").stderr == "note: 2 lines are no events\n"
    missing = cli("stats", "nowhere.jsonl")
    assert missing.returncode == 2
    assert "cannot read nowhere.jsonl" in missing.stderr
