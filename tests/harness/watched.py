"""Programs that a test watches: it waits for their lines, not for a time."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterable
from typing import Any


class Watched:
    """A process with both outputs piped; its lines on standard error are kept as they come."""

    def __init__(self, process: subprocess.Popen[str], heard: threading.Condition) -> None:
        self.process, self.lines = process, list[str]()
        self._heard, self._output = heard, list[str]()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._listen, self._read)]
        for thread in self._threads:
            thread.start()

    def _listen(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            with self._heard:
                self.lines.append(line.rstrip("\n"))
                self._heard.notify_all()
        with self._heard:
            self._heard.notify_all()

    def _read(self) -> None:
        assert self.process.stdout
        self._output.append(self.process.stdout.read())

    def says(self, beginning: str) -> list[str]:
        """Its lines with this prefix, which is removed."""
        return [line.removeprefix(beginning) for line in tuple(self.lines) if line.startswith(beginning)]

    def ended(self, timeout_s: float = 120) -> int:
        """Its exit status, at its end."""
        status = self.process.wait(timeout_s)
        for thread in self._threads:
            thread.join(timeout_s)
        return status

    def images(self) -> list[dict[str, Any]]:
        """The images in the output of `build --json`, which exited with 0."""
        assert self.ended() == 0, self.lines
        return [dict(image) for image in json.loads(self._output[0])["images"]]

    def answer(self) -> dict[str, Any]:
        """The only one of them."""
        (image,) = self.images()
        return image


class Watch:
    """Several such processes, ended on leaving."""

    def __init__(self) -> None:
        self.heard, self.all = threading.Condition(), list[Watched]()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        for one in self.all:
            one.process.kill()
            one.ended()

    def add(self, process: subprocess.Popen[str]) -> Watched:
        """Watch another process."""
        self.all.append(Watched(process, self.heard))
        return self.all[-1]

    def until(self, true: Callable[[], bool], timeout_s: float = 120) -> None:
        """Wait until a condition on lines is true."""
        with self.heard:
            if not self.heard.wait_for(true, timeout_s):
                raise AssertionError([(one.process.pid, one.process.poll(), one.lines[-5:]) for one in self.all])

    def saying(self, beginning: str, among: Iterable[Watched] | None = None) -> list[Watched]:
        """The processes that printed a line with this prefix."""
        return [one for one in (self.all if among is None else among) if one.says(beginning)]
