"""Further commands in a task's container: their output is captured, or they run on this process's own streams."""

from __future__ import annotations

import subprocess
import threading
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, TypedDict

from ...generator.described import check_keywords
from ...generator.errors import ConfigurationError, TaskError, TaskGoneError, TimeLimitError
from ..engine.engine import no_client
from .program import found

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..engine.engine import Engine
    from ..system.events import Stream


COMMAND_TIMEOUT_S = 86400.0
_MOST_BYTES = 64 << 20  # the most that is kept of a stream
_LONGEST_LINE_BYTES = 1 << 20  # a longer line comes in pieces


@dataclass(frozen=True, kw_only=True)
class Completed:
    """A command that has ended.

    Attributes:
        status: its exit status; 127 if the image has no such command.
        stdout, stderr: what it printed.
    """

    status: int
    stdout: bytes
    stderr: bytes


class Execution(TypedDict, total=False):
    """How to run a command; every key is optional.

    Keys:
        stdin: what it reads; nothing if left out.
        output: receives each line as it arrives, from two threads: `stdout` or `stderr`, and the line without its end.
        timeout_s: limit in seconds.
        user: `user[:group]`; the task's own if left out.
        workdir: its working directory; the task's own if left out.
        terminal: whether it has this process's terminal and streams, and what it prints is not kept.
    """

    stdin: bytes
    output: Callable[[Stream, str], None]
    timeout_s: float
    user: str
    workdir: str
    terminal: bool


def execute(engine: Engine, container_id: str, command: Sequence[str], how: Execution) -> Completed:
    """Run a command in a container.

    Raises:
        TaskGoneError: the container no longer runs.
        TimeLimitError: it did not end in time; it ends with the task.
        TaskError: it printed more than 64 MiB on one stream.
        EngineError: the docker client is not installed.
        ConfigurationError: the command is not a sequence of words.
    """
    if isinstance(command, str | bytes) or not command or not all(isinstance(word, str) for word in command):
        raise ConfigurationError(f"the command is {command!r}", "write a list of words: ['sh', '-c', '…']")
    check_keywords(Execution, how)
    folder = how.get("workdir", "")
    if how.get("terminal"):
        status = on_our_streams(container_id, found(command, folder), how, terminal=True)
        done = Completed(status=status, stdout=b"", stderr=b"")
    else:
        done = _captured(words_of(container_id, found(command, folder), how, ["-i"] * ("stdin" in how)), how)
    check_runs(engine, container_id, done.status)
    return done


def check_runs(engine: Engine, container_id: str, status: int) -> None:
    """Check that a command's status is its own, not due to its container's end.

    Raises:
        TaskGoneError: it has failed, and its container no longer runs.
    """
    if status and not _runs(engine, container_id):
        raise TaskGoneError(
            f"the task {container_id[:12]} has ended, and the command with it", "start another: desktop-bake run"
        )


def on_our_streams(container_id: str, command: Sequence[str], how: Execution, *, terminal: bool) -> int:
    """Run a command on this process's own streams, without a limit if `how` has none; its exit status.

    Raises:
        TimeLimitError, EngineError: as `execute`.
    """
    words = words_of(container_id, command, how, ["-i", *["-t"] * terminal])
    limit_s = how.get("timeout_s")
    try:
        return subprocess.run(words, check=False, timeout=limit_s).returncode
    except subprocess.TimeoutExpired as error:
        raise late(limit_s or error.timeout) from error
    except OSError as error:
        raise no_client(error) from error


def words_of(container_id: str, command: Sequence[str], how: Execution, flags: list[str]) -> list[str]:
    """The docker client's words that run a command in a container, with these flags and those of `how`."""
    if user := how.get("user"):
        flags = [*flags, "-u", user]
    return ["docker", "exec", *flags, container_id, *command]


class _Kept:
    """The output on a stream, which a thread keeps and passes on line by line."""

    def __init__(self, pipe: IO[bytes], name: Stream, output: Callable[[Stream, str], None] | None) -> None:
        self.content = bytearray()
        self.failed: Exception | None = None
        self._pipe, self._name, self._output = pipe, name, output
        self.thread = threading.Thread(target=self._follow, name=name, daemon=True)
        self.thread.start()

    def _follow(self) -> None:
        while piece := self._pipe.readline(_LONGEST_LINE_BYTES):
            if len(self.content) <= _MOST_BYTES:
                self.content += piece
            if self._output and not self.failed:
                try:
                    self._output(self._name, piece.decode(errors="replace").rstrip("\r\n"))
                except Exception as error:  # noqa: BLE001 (it is raised where the caller waits)
                    self.failed = error


def _captured(words: list[str], how: Execution) -> Completed:
    limit_s, pipe = how.get("timeout_s", COMMAND_TIMEOUT_S), subprocess.PIPE
    try:
        child = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe)
    except OSError as error:
        raise no_client(error) from error
    with child:
        assert child.stdin
        assert child.stdout
        assert child.stderr
        kept = [_Kept(child.stdout, "stdout", how.get("output")), _Kept(child.stderr, "stderr", how.get("output"))]
        threading.Thread(target=_write, args=(child.stdin, how.get("stdin", b"")), daemon=True).start()
        try:
            status = child.wait(limit_s)
        except subprocess.TimeoutExpired as error:
            raise late(limit_s) from error
        finally:
            child.kill()  # no effect if it has ended
            for stream in kept:
                stream.thread.join()
    for stream in kept:
        if stream.failed:
            raise stream.failed
        if len(stream.content) > _MOST_BYTES:
            raise TaskError(f"the command printed more than {_MOST_BYTES >> 20} MiB", "let it write a file, and get it")
    return Completed(status=status, stdout=bytes(kept[0].content), stderr=bytes(kept[1].content))


def _write(stdin: IO[bytes], content: bytes) -> None:
    try:
        with stdin:
            stdin.write(content)
    except OSError:  # it does not read everything
        pass


def _runs(engine: Engine, container_id: str) -> bool:
    answer = engine.ask("GET", f"/containers/{container_id}/json")
    return answer.status == 200 and bool(answer.content["State"]["Running"])


def late(limit_s: float) -> TimeLimitError:
    """What to raise if a command did not end in time."""
    return TimeLimitError(
        f"the command did not end within {limit_s:g} s", "wait longer: a larger timeout_s, or --timeout"
    )
