"""What the kernel writes of opened files, by fanotify(7)."""

from __future__ import annotations

import struct

import pytest

from benchmarks.opened import Opened, events


def event(descriptor: int, extra: bytes = b"") -> bytes:
    """A struct fanotify_event_metadata, and what follows it."""
    return struct.pack("=IBBHQii", 24 + len(extra), 3, 0, 24, 0x20, descriptor, 1) + extra


def test_events() -> None:
    """Each event has its descriptor, whatever follows it; an overflow of the queue has none."""
    assert events(event(7) + event(-1) + event(8, b"x" * 8) + event(9)) == [7, 8, 9]
    assert events(b"") == []


def test_a_path_that_is_not_there() -> None:
    """The error names the path; without the right to listen, the kernel's refusal does."""
    with pytest.raises(OSError, match="/no/such/path"):
        Opened("/no/such/path")
