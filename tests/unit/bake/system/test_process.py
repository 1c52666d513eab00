"""A child that works for long: its lines, its limit, and that nothing of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from desktop_bake import CancelledError
from desktop_bake.bake.system.process import Child, ended_by
from desktop_bake.generator.errors import BuildFailedError

FAR_S = 30.0


def gone(pid: int) -> bool:
    """Whether a process ends within some seconds."""
    end = time.monotonic() + FAR_S
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.01)
    return False


def shell(script: str, **more: object) -> Child:
    """A child that runs a script."""
    return Child(["sh", "-c", script], draw=False, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("script", "status", "wanted"),
    [
        ("echo out; echo err >&2; echo last", 0, ("out", "err", "last")),
        ("printf 'a  \\n\\nb'; exit 3", 3, ("a", "", "b")),
        ("printf '\\377\\n'", 0, ("\ufffd",)),
        ("exit 7", 7, ()),
        ("seq 300", 0, tuple(map(str, range(101, 301)))),
    ],
)
def test_lines_and_status(lines: list[str], script: str, status: int, wanted: tuple[str, ...]) -> None:
    """Every line of both streams goes to the log, the last of them are kept, and the status is the program's own."""
    with shell(script) as child:
        ended = child.follow(FAR_S, lines.append)
    assert (ended.status, ended.lines, ended.timed_out) == (status, wanted, False)
    assert tuple(lines[-len(wanted) :] if wanted else lines) == wanted
    assert len(lines) == (300 if "seq" in script else len(wanted))


def test_killed(lines: list[str]) -> None:
    """A program that a signal ended has the status that a shell gives it."""
    with shell("kill -KILL $$") as child:
        assert child.follow(FAR_S, lines.append).status == 137


def test_where_and_with_what(tmp_path: Path, lines: list[str]) -> None:
    """It runs in its folder, with its environment, and reads what it is given."""
    with shell("pwd; echo $A; cat", cwd=tmp_path, env={"PATH": os.environ["PATH"], "A": "b"}) as child:
        child.follow(FAR_S, lines.append, given=b"given\n")
    assert lines == [str(tmp_path), "b", "given"]


def test_what_nobody_may_read(lines: list[str]) -> None:
    """What is hidden is neither logged nor kept."""
    with shell("echo a SECRET") as child:
        ended = child.follow(FAR_S, lines.append, hide=lambda line: line.replace("SECRET", "***"))
    assert lines == list(ended.lines) == ["a ***"]


def test_a_child_that_reads_nothing(lines: list[str]) -> None:
    """Input that it does not read is not an error."""
    with shell("exec 0<&-; exit 5") as child:
        assert child.follow(FAR_S, lines.append, given=b"x" * (1 << 20)).status == 5


def test_no_such_program() -> None:
    """A program that is not there is reported before anything is started."""
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        Child(["no-such-program"], draw=False)


# --- ends ------------------------------------------------------------------------------------------------------------

FAMILY = "sleep 60 & echo $!; sleep 60 & echo $!; wait"


def test_limit(lines: list[str]) -> None:
    """At its limit it is ended with all that it started, and the result says so."""
    with shell(FAMILY) as child:
        ended = child.follow(0.3, lines.append)
    assert (ended.timed_out, ended.status != 0, len(lines)) == (True, True, 2)
    assert all(gone(int(pid)) for pid in lines)


def test_what_it_leaves_behind(lines: list[str]) -> None:
    """What it started and did not wait for ends with it, and keeps nobody waiting."""
    began = time.monotonic()
    with shell("sleep 60 & echo $!; exit 4") as child:
        ended = child.follow(FAR_S, lines.append)
    assert (ended.status, ended.timed_out) == (4, False)
    assert time.monotonic() - began < FAR_S / 2
    assert gone(int(lines[0]))


def test_leaving(tmp_path: Path) -> None:
    """Whoever leaves without following it leaves nothing running."""
    file = tmp_path / "pid"
    with shell(f"echo $$ >{file}.new; mv {file}.new {file}; sleep 60"):
        while not file.exists():
            time.sleep(0.005)
    assert gone(int(file.read_text()))


def test_asked_first(lines: list[str]) -> None:
    """A child that is followed is interrupted first, so that it can cancel what it began elsewhere."""
    with shell("trap 'echo cancelled; exit 9' INT; echo ready; while :; do sleep 0.05; done") as child:

        def log(line: str) -> None:
            lines.append(line)
            if line == "ready":
                threading.Thread(target=child.end).start()

        child.follow(FAR_S, log)
    assert lines == ["ready", "cancelled"]


def test_killed_with_us(tmp_path: Path) -> None:
    """If we are killed, it and all that it started end too."""
    program = (
        "from desktop_bake.bake.system.process import Child\n"
        f"with Child(['sh', '-c', {FAMILY!r}], draw=False) as child:\n"
        "    child.follow(60, lambda line: print(line, flush=True))\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as us:
        assert us.stdout
        pids = [int(us.stdout.readline()) for _ in range(2)]
        us.send_signal(signal.SIGKILL)
    assert all(gone(pid) for pid in pids)


def test_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    """A program that draws gets a terminal; its last lines are kept without cursor movements."""
    script = "test -t 1 && printf '\\033[1mone\\033[0m\\rtwo\\n \\nthree'; exit 2"
    with Child(["sh", "-c", script], draw=True) as child:
        ended = child.follow(FAR_S, lambda line: pytest.fail(line))
    assert (ended.status, ended.lines) == (2, ("one", "two", "three"))
    assert "\x1b[1mone\x1b[0m\rtwo\n" in capfd.readouterr().err


def test_interrupted_while_it_draws(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle of a picture leaves the terminal with a cursor and without a colour."""
    write = os.write

    def interrupted(descriptor: int, piece: bytes) -> int:
        write(descriptor, piece)
        if piece.endswith(b"building"):
            raise KeyboardInterrupt
        return len(piece)

    monkeypatch.setattr(os, "write", interrupted)
    # it ends itself: a shell that is about to start a program may lose an interrupt
    script = "trap 'exit 1' INT; printf '\\033[?25l\\033[34mbuilding'; sleep 60 & wait"
    with pytest.raises(KeyboardInterrupt), Child(["sh", "-c", script], draw=True) as child:
        child.follow(FAR_S, print)
    assert capfd.readouterr().err.endswith("\x1b[0m\x1b[?25h")


def test_no_descriptor_is_left(lines: list[str]) -> None:
    """Hundreds of children cost no descriptor."""
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(3):
        with shell("true") as child:
            child.follow(FAR_S, lines.append)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


# --- cancelling ------------------------------------------------------------------------------------------------------


def test_ended_by(lines: list[str]) -> None:
    """A cancellation ends the child, and is what the caller gets."""
    cancel = threading.Event()
    with pytest.raises(CancelledError), shell("echo ready; exec sleep 60") as child, ended_by(cancel, child.end):
        child.follow(FAR_S, lambda _: cancel.set())
    assert cancel.is_set()


@pytest.mark.parametrize("is_set", [True, False])
def test_what_fails_meanwhile(is_set: bool) -> None:
    """A failure after a cancellation is a cancellation with its cause; else it is itself."""
    cancel, error = threading.Event(), BuildFailedError("no")

    def fail() -> None:
        if is_set:
            cancel.set()
        raise error

    with pytest.raises(CancelledError if is_set else BuildFailedError) as caught, ended_by(cancel, lambda: None):
        fail()
    assert (caught.value.__cause__ if is_set else caught.value) is error


def test_not_cancelled() -> None:
    """Without a cancellation nothing is ended, and no thread is left; without anybody who could, none is made."""
    calls: list[None] = []
    before = threading.active_count()
    for cancel in (threading.Event(), None):
        with ended_by(cancel, lambda: calls.append(None)):
            assert threading.active_count() == before + (cancel is not None)
    assert (calls, threading.active_count()) == ([], before)
