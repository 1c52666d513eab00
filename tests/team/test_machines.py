"""The second machine of other tests is gone without a trace; tests/soak has what it does.

`make soak` runs these: while one does, no other test may run.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.harness.machines import MachineError, Registry, machine, tool, tool_environment

pytestmark = pytest.mark.soak


def left(folder: Path) -> set[str]:
    """All parts of machines in this folder; other engines may be busy meanwhile, other machines may not."""
    mounts = Path("/proc/self/mounts").read_text()
    found = set(re.findall(rf"\S*(?:/run/desktop-bake-|/run/netns|{folder})\S*", mounts))
    listening = Path("/proc/net/unix").read_text()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if re.search(rf"/run/desktop-bake-|{folder}|docker-proxy.*-host-port 7777|sleep 4321", command):
                found.add(f"{process.name} {command}")
    for name in ("iptables-save", "ip6tables-save"):
        rules = subprocess.run([tool(name)], env=tool_environment(), capture_output=True, text=True, check=True).stdout
        for line in rules.splitlines():
            # Not the packet counters, nor the rules of the first engine's containers: both change by themselves.
            if not re.match(r"#|-A DOCKER |.* 172\.17\.\d+\.\d+/32 |.* --dport (?!7777 )", line):
                found.add(f"{name} {line.split(' [')[0]}")
    for pattern in ("/sys/class/net/bake*", "/run/*", "/run/netns/*", "/sys/fs/cgroup/**/desktop-*"):
        found |= {str(path) for path in Path("/").glob(pattern[1:])}
    found |= {str(path) for path in Path("/run/containerd/s").glob("*") if str(path) not in listening}
    for state in Path("/run/runc").glob("*/state.json"):
        with suppress(OSError):  # a build step of another engine has ended
            if "/desktop-" in state.read_text():
                found.add(str(state))
    found.add("forwarding " + Path("/proc/sys/net/ipv4/ip_forward").read_text())
    return found


@pytest.mark.alone
def test_nothing_is_left_after_ctrl_c(base: str, tmp_path: Path) -> None:
    """Interrupted with a container, a published port and a running build, a machine leaves nothing at all."""
    before = left(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.harness.busy", tmp_path, base],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as user:
        assert user.stdout
        assert user.stderr
        assert user.stdout.readline() == "busy\n", user.stderr.read()
        during = left(tmp_path)
        user.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in user.stderr.read()
    for what in (
        "sleep 4321",
        "docker-proxy",
        "docker-registry",
        "/run/containerd/s/",
        "/run/runc/",
        "iptables-save -A FORWARD -i bake",
        "/sys/class/net/bake",
        "/desktop-",
    ):
        assert any(what in found for found in during - before), what
    assert left(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["Dockerfile"]


@pytest.mark.alone
def test_nothing_is_left_of_a_failed_start(team: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose registry cannot start, after its engine did, says why and leaves nothing."""
    before = left(tmp_path)
    broken = Registry(storage=team.storage, port=70000, service=team.service)
    with pytest.raises(MachineError, match="registry"), machine(tmp_path / "machine", team=broken):
        pass
    assert left(tmp_path) == before
    assert list(tmp_path.iterdir()) == []
