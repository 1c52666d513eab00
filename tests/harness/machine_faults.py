"""The faults that a machine of `tests/harness/machines.py` can have, each by its real cause."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.harness.machines import Machine, Service, system, tool


@contextmanager
def full_disk(machine: Machine, left_bytes: int) -> Iterator[None]:
    """The engine's own disk has no more room than this."""
    ballast = machine.data / "ballast"
    room = os.statvfs(machine.data)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - left_bytes)
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def memory_limit(machine: Machine, limit_bytes: int) -> Iterator[None]:
    """All its containers and build steps together have no more memory than this."""
    first, second = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
    root, name, none = (first, "memory.limit_in_bytes", "-1") if first.exists() else (second, "memory.max", "max")
    group = root / f"desktop-{machine.name}"
    group.mkdir(exist_ok=True)
    (group / name).write_text(str(limit_bytes))
    try:
        yield
    finally:
        (group / name).write_text(none)


@contextmanager
def hanging(service: Service) -> Iterator[None]:
    """A program takes connections and does nothing more."""
    assert service.process
    service.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        service.process.send_signal(signal.SIGCONT)


@contextmanager
def cut_off(machine: Machine) -> Iterator[None]:
    """What it sends beyond the first machine is swallowed on the way, as by a broken line: nobody tells it."""
    iptables = (tool("iptables"), "-w", "-t", "raw")
    words = ("PREROUTING", "-i", machine.name, "!", "-d", machine.first_address, "-j", "DROP")
    system(*iptables, "-I", *words)
    try:
        yield
    finally:
        system(*iptables, "-D", *words)
