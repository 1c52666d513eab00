"""A desktop without a command, watched by a shell: what the shell becomes in the end, and what is done then."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from desktop_bake import EngineError
from desktop_bake.bake.cli import watching
from desktop_bake.bake.task.container import Container

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from desktop_bake import DesktopTask

WATCH = str(Path(watching.__file__).with_name("watch.sh"))
HOST = "unix:///run/engine"
CONNECTION = 777


class Watched:
    """A shell that watches a connection, and prints its words in the end.

    Args:
        shell: which one.

    Attributes:
        theirs: the desktop's end of the connection.
        process: the shell.
    """

    def __init__(self, shell: str) -> None:
        ours, self.theirs = socket.socketpair()
        reading, writing = os.pipe()
        os.write(writing, b"[desktop] http://it\n")
        os.close(writing)
        with ours:
            self.process = subprocess.Popen(
                [shell, WATCH, str(reading), "printf", "<%s>"],
                stdin=ours.fileno(),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                pass_fds=[reading],
            )
        os.close(reading)
        assert self.process.stderr
        assert self.process.stderr.readline() == "[desktop] http://it\n"

    def ended(self) -> str:
        """What it printed in the end."""
        output, errors = self.process.communicate(timeout=60)
        assert errors == ""
        return output


@pytest.fixture(params=["/bin/sh", "/bin/bash"])
def watched(request: pytest.FixtureRequest) -> Iterator[Watched]:
    """A shell that has printed the line, and so heeds signals."""
    watched = Watched(str(request.param))
    with watched.theirs, watched.process:
        yield watched
        watched.process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_interrupted(watched: Watched, number: signal.Signals) -> None:
    """A signal that comes once the line is there makes it what it was told to become, whatever bytes came before."""
    watched.theirs.sendall(b"\1\0\0\0\0\0\0\5hell\n\1\0\0\0")
    watched.process.send_signal(number)
    assert watched.ended() == "<interrupted>"


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
def test_no_signal_is_lost(shell: str, rounds: Callable[[int, int], int]) -> None:
    """A signal counts whatever the shell does at that moment: one that begins to read could lose it."""
    for _ in range(rounds(10, 1000)):
        watched = Watched(shell)
        with watched.theirs, watched.process:
            watched.theirs.sendall(b"\1\0\0\0\0\0\0\5hell\n")
            watched.process.send_signal(signal.SIGINT)
            try:
                assert watched.ended() == "<interrupted>"
            finally:
                watched.process.kill()


def test_ended(watched: Watched) -> None:
    """With the connection it ends, and hands on what the desktop said of its end, out of the engine's frames."""
    said = b"[desktop] Xvnc exited with status 1: no `$(touch x)` room\n"
    for text in (b"something else\n", said):
        watched.theirs.sendall(b"\2\0\0\0\0\0\0" + bytes([len(text)]) + text)
    watched.theirs.close()
    output = watched.ended()
    assert output.startswith("<ended>")
    assert said.decode() in output
    assert "something else" not in output


class Idle:
    """A task that nobody reads.

    Args:
        host: its engine.
        keep, forward, ended: as of a task, its options and its console.
    """

    def __init__(self, host: str = HOST, *, keep: bool = False, forward: bool = False, ended: bool = False) -> None:
        self.engine = SimpleNamespace(endpoint=SimpleNamespace(host=host))
        self.options, self.forward, self.container_id = SimpleNamespace(keep=keep), forward, "c0ffee"
        self.console = SimpleNamespace(fileno=lambda: CONNECTION, ended=ended)


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was done with this process."""
    done: list[Any] = []
    dup2 = os.dup2  # pytest has descriptors of its own
    monkeypatch.setattr(os, "dup2", lambda *them: done.append(them) if them[0] == CONNECTION else dup2(*them))
    monkeypatch.setattr(os, "execv", lambda *call: done.append(call))
    return done


def test_hand_over(done: list[Any]) -> None:
    """The shell gets the connection, the line, and the words of the end, which find this package."""
    watching.hand_over(cast("DesktopTask", Idle()), "secret")
    numbers, (shell, words) = done
    assert (numbers, shell, words[:2]) == ((CONNECTION, 0), "/bin/sh", ["/bin/sh", WATCH])
    assert "secret" not in str(words)
    assert os.get_inheritable(int(words[2]))
    with os.fdopen(int(words[2])) as line:
        assert line.read() == "secret\n"
    assert (words[3:6], words[7:]) == ([sys.executable, "-I", "-c"], [HOST, "c0ffee"])
    program = words[6].replace("sys.exit(end())", "print(end.__name__)")
    assert subprocess.run([*words[3:6], program], capture_output=True, text=True, check=True).stdout == "end\n"


@pytest.mark.parametrize(
    "task", [Idle("ssh://far"), Idle("tcp://here:1"), Idle(keep=True), Idle(forward=True), Idle(ended=True)]
)
def test_no_hand_over(done: list[Any], task: Idle) -> None:
    """A process that carries the connection, or has more to do than to remove a container, stays."""
    watching.hand_over(cast("DesktopTask", task), "")
    assert done == []


def test_no_shell(done: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a shell, this process stays."""
    monkeypatch.setattr(watching, "_SHELL", "/nowhere/sh")
    watching.hand_over(cast("DesktopTask", Idle()), "")
    assert done == []


@pytest.mark.parametrize(
    ("words", "fails", "status", "said"),
    [
        (["interrupted"], None, 130, "interrupted\n"),
        (["ended", ""], None, 7, "the task c0ffee is gone: it was stopped or removed"),
        (
            ["ended", "\2\ufffd[desktop] Xvnc exited with status 1: oh\nmore\n"],
            None,
            7,
            "the desktop of the task c0ffee ended: Xvnc exited with status 1: oh\n",
        ),
        (["interrupted"], EngineError("no engine", "start Docker"), 4, "error: no engine\n  start Docker\n"),
    ],
)
def test_the_end(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    fails: EngineError | None,
    status: int,
    said: str,
) -> None:
    """The container is removed, and message and status are those of a `run` that never was away."""
    removed: list[str] = []

    def remove(container: Container) -> None:
        removed.append(container.container_id)
        if fails:
            raise fails

    monkeypatch.setattr(Container, "remove", remove)
    monkeypatch.setattr(sys, "argv", ["-c", HOST, "c0ffee", *words])
    assert watching.end() == status
    assert removed == ["c0ffee"]
    assert said in capsys.readouterr().err
