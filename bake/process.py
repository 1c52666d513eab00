"""A child process that works for long: its lines go to a log, it has a time limit, and it is gone when we leave."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_KEPT_LINES = 200


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a child ended.

    Attributes:
        status: its exit status.
        lines: the last lines that it printed; empty where it drew on the terminal.
        timed_out: whether it was ended at its limit.
    """

    status: int
    lines: tuple[str, ...]
    timed_out: bool


class Child:
    """A process in a session of its own, so that one signal ends it and all that it started.

    Args:
        words: program and arguments.
        draw: whether it draws on this process's standard error instead of being logged.
        cwd: its working directory.
        env: its environment; this process's own where None.
    """

    def __init__(
        self, words: Sequence[str], *, draw: bool, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        self._process = subprocess.Popen(
            words, cwd=cwd, env=env, start_new_session=True, stdin=subprocess.PIPE,
            stdout=sys.stderr.fileno() if draw else subprocess.PIPE,
            stderr=None if draw else subprocess.STDOUT,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()

    def end(self) -> None:
        """End it: docker and buildx cancel their work in the engine on SIGINT, and on SIGKILL where that hangs."""
        for number, patience_s in ((signal.SIGINT, 10), (signal.SIGKILL, 10)):
            if self._process.poll() is None:
                with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                    os.killpg(self._process.pid, number)
                    self._process.wait(patience_s)

    def follow(self, limit_s: float, log: Callable[[str], None], given: bytes = b"") -> Ended:
        """Wait for its end.

        Args:
            limit_s: after so many seconds it is ended.
            log: gets each line that it prints.
            given: what it reads on standard input.
        """
        timed_out = threading.Event()

        def stop() -> None:
            timed_out.set()
            self.end()

        clock = threading.Timer(limit_s, stop)
        clock.daemon = True
        clock.start()
        lines: list[str] = []
        try:
            if self._process.stdin:
                with contextlib.suppress(BrokenPipeError):  # it died at once; its status tells
                    self._process.stdin.write(given)
                    self._process.stdin.close()
            for raw in self._process.stdout or ():
                line = raw.decode(errors="replace").rstrip()
                lines = [*lines[1 - _KEPT_LINES :], line]
                log(line)
            status = self._process.wait()
        finally:
            clock.cancel()
        return Ended(status=status, lines=tuple(lines), timed_out=timed_out.is_set())
