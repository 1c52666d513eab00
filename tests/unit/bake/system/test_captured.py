"""What a short-lived program prints: both streams, within a time and a size."""

from __future__ import annotations

import subprocess

import pytest

from desktop_bake.bake.system.captured import TooMuchError, captured


def test_both_streams() -> None:
    """Each stream and the status are as the program left them; it has nothing to read."""
    done = captured(["sh", "-c", "echo out; echo err >&2; cat; exit 3"], limit_s=60, limit_bytes=100)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"out\n", b"err\n")


@pytest.mark.parametrize("stream", [1, 2])
@pytest.mark.parametrize(("size", "is_too_much"), [(100, False), (101, True)])
def test_too_much(stream: int, size: int, is_too_much: bool) -> None:
    """The limit itself is allowed on either stream; a byte more is not, and ends the program."""
    words = ["sh", "-c", f"printf %{size}s >&{stream}" + ("; sleep 60" if is_too_much else "")]
    if is_too_much:
        with pytest.raises(TooMuchError):
            captured(words, limit_s=60, limit_bytes=100)
    else:
        done = captured(words, limit_s=60, limit_bytes=100)
        assert (len(done.stdout), len(done.stderr)) == ((size, 0) if stream == 1 else (0, size))


@pytest.mark.parametrize("command", ["exec sleep 60", "exec >&- 2>&-; exec sleep 60"])
def test_too_long(command: str) -> None:
    """One that does not end is killed at the limit, even if it closed both streams."""
    with pytest.raises(subprocess.TimeoutExpired):
        captured(["sh", "-c", command], limit_s=0.05, limit_bytes=9)


def test_no_such_program() -> None:
    """A program that is not there is distinguished from one that fails."""
    with pytest.raises(FileNotFoundError):
        captured(["no-such-program"], limit_s=1, limit_bytes=1)
