"""A run of tests that is ended by a signal while a further machine starts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.harness.machines import tool, tool_environment

ROOT = Path(__file__).parents[2]
WORDS = [sys.executable, "-m", "pytest", "--soak", "-p", "no:cacheprovider", "tests/soak/test_machines.py"]


def processes(folder: Path) -> list[bytes]:
    """The command lines that name this folder, or a file in it."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes()
        except OSError:  # it has just ended
            continue
        if os.fsencode(folder) in line:
            found.append(line)
    return found


def forwarded(link: str) -> int:
    """The number of rules that let this link through."""
    rules = [tool("iptables"), "-w", "-S", "FORWARD"]
    said = subprocess.run(rules, env=tool_environment(), capture_output=True, text=True, check=True).stdout
    return said.count(f"-i {link} ")


@pytest.mark.parametrize(
    ("number", "workers", "group"),
    [
        (signal.SIGTERM, "0", False),
        (signal.SIGTERM, "2", False),
        (signal.SIGTERM, "2", True),
        (signal.SIGINT, "2", True),
    ],
)
def test_nothing_is_left(tmp_path: Path, number: signal.Signals, workers: str, group: bool) -> None:
    """No engine, registry, network link, rule, mount or folder of the machine is left, be it that `kill` ends pytest
    alone, or `timeout` or Ctrl-C its whole group, with workers or without."""
    folder = tmp_path / "run"
    words = [*WORDS, "--basetemp", str(folder), "-n", workers]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    with subprocess.Popen(words, cwd=ROOT, env=variables, stdout=subprocess.DEVNULL, start_new_session=True) as run:
        try:
            while not any(b"dockerd" in line for line in processes(folder)):  # pytest-timeout limits it
                assert run.poll() is None
                time.sleep(0.02)
            (file,) = folder.rglob("daemon.json")
            machine = json.loads(file.read_text())
            (os.killpg if group else os.kill)(run.pid, number)
            assert run.wait(120) == pytest.ExitCode.INTERRUPTED
        finally:
            run.kill()
    link, root = machine["cgroup-parent"].removeprefix("/desktop-"), Path(machine["exec-root"]).parent
    assert processes(folder) == []
    assert not root.exists()
    assert not file.parent.exists()
    assert str(folder) not in Path("/proc/mounts").read_text()
    assert (
        forwarded(link) == Path("/sys/class/net", link).exists()
    )  # another run may have a machine of that name by now
