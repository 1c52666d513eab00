"""A command on its own terminal: signals reach it, and it is waited for however it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from recipe import task_terminal

WORDS = (sys.executable, "-I", "-S", "-c", Path(task_terminal.__file__).read_text(encoding="utf-8"), "/usr/bin:/bin")


@pytest.mark.parametrize("number", task_terminal.HANDED_ON)
def test_signals(number: signal.Signals) -> None:
    """A signal is the command's, which decides what becomes of it."""
    script = f"trap 'echo told; exit 7' {number.name[3:]}; echo up; while :; do sleep 0.02; done"
    process = subprocess.Popen([*WORDS, "sh", "-c", script], stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"up\r\n"
    process.send_signal(number)
    assert process.communicate(timeout=60)[0] == b"told\r\n"
    assert process.returncode == 7


def test_a_signal_that_ends_it() -> None:
    """A command that a signal ends has the status that a shell reports of it."""
    process = subprocess.Popen([*WORDS, "sh", "-c", "echo up; exec sleep 100"], stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"up\r\n"
    process.terminate()
    assert (process.wait(60), process.stdout.read()) == (143, b"")
    process.stdout.close()


def test_what_cannot_run() -> None:
    """A file that is no program is reported as a shell reports it."""
    done = subprocess.run([*WORDS, "/dev/null"], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (126, b"[desktop] cannot run /dev/null: Permission denied\r\n")


def test_nobody_types() -> None:
    """What reads its terminal waits, as in docker run -t: its input does not end."""
    process = subprocess.Popen(
        [*WORDS, "sh", "-c", "echo up; read x"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    assert process.stdout
    assert process.stdout.readline() == b"up\r\n"
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.1)
    process.kill()
    process.communicate(timeout=60)
