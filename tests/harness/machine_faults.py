"""The faults of a machine of `tests/harness/machines.py`, each by its real cause."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.harness.machines import Machine, Service, system, tool


@contextmanager
def full_disk(machine: Machine, left_bytes: int) -> Iterator[None]:
    """Leave the engine's own disk only this much room."""
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
    """Leave all its containers and build steps together only this much memory."""
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
    """A program that accepts connections and does nothing more."""
    assert service.process
    service.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        service.process.send_signal(signal.SIGCONT)


@contextmanager
def cut_off(machine: Machine) -> Iterator[None]:
    """Drop, without an error, what it sends beyond the first machine, as a broken line does."""
    iptables = (tool("iptables"), "-w", "-t", "raw")
    words = ("PREROUTING", "-i", machine.name, "!", "-d", machine.first_address, "-j", "DROP")
    system(*iptables, "-I", *words)
    try:
        yield
    finally:
        system(*iptables, "-D", *words)
