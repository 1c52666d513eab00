"""A command on its own terminal: signals reach it, and it is waited for however it ends."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from recipe import task_terminal

WORDS = (sys.executable, "-I", "-S", "-c", Path(task_terminal.__file__).read_text(encoding="utf-8"), "/usr/bin:/bin")


@contextlib.contextmanager
def running(script: str, **more: Any) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """A shell's script on a terminal of its own, once it says that it is up, and what it prints; gone afterwards."""
    with subprocess.Popen([*WORDS, "sh", "-c", script], stdout=subprocess.PIPE, **more) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == b"up\r\n"
            yield process, process.stdout
        finally:
            process.kill()


@pytest.mark.parametrize("number", task_terminal.HANDED_ON)
def test_signals(number: signal.Signals) -> None:
    """A signal is the command's, which decides what becomes of it."""
    script = f"trap 'echo told; exit 7' {number.name[3:]}; echo up; while :; do sleep 0.02; done"
    with running(script) as (process, out):
        process.send_signal(number)
        assert process.wait(60) == 7
        assert out.read() == b"told\r\n"


def test_a_signal_that_ends_it() -> None:
    """A command that a signal ends has the status that a shell reports of it."""
    with running("echo up; exec sleep 100") as (process, out):
        process.terminate()
        assert (process.wait(60), out.read()) == (143, b"")


def test_what_cannot_run() -> None:
    """A file that is no program is reported as a shell reports it."""
    done = subprocess.run([*WORDS, "/dev/null"], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (126, b"[desktop] cannot run /dev/null: Permission denied\r\n")


def test_nobody_types() -> None:
    """What reads its terminal waits, as in docker run -t: its input does not end."""
    with (
        running("echo up; read x", stdin=subprocess.DEVNULL) as (process, _),
        pytest.raises(subprocess.TimeoutExpired),
    ):
        process.wait(0.1)
