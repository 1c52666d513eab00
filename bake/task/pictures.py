"""Pictures while a command runs, and the last one with its windows: a watcher in the task, and what it sends."""

from __future__ import annotations

import contextlib
import re
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ...generator.errors import ConfigurationError, DesktopBakeError
from ..engine.engine import no_client
from ..system.files import cannot_write
from .screen import PICTURE_BYTES, picture
from .screen_program import screen_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .task import DesktopTask


STANDARD_OUTPUT = "-"
BEGIN_S, LAST_S = 15.0, 20.0
_NUMBER = re.compile(r"%(0?[1-9]?)d")
_BEGUN, _PICTURE, _LAST = b"B", b"P", b"L"  # from recipe/screen_pictures.py
_HEAD_BYTES = 5


@dataclass(frozen=True, kw_only=True)
class PictureWish:
    """Which pictures are wanted.

    Args:
        file: where they go, `-` for standard output. With `%d` or `%04d` in it, each picture of a series has its own
            file, counted from 1; otherwise each picture replaces the one before.
        every_s: how often one is taken while the command runs, if something changed; 0 for only the last one.

    Raises:
        ConfigurationError: the two do not fit together.
    """

    file: str
    every_s: float = 0.0

    def __post_init__(self) -> None:
        numbers = len(_NUMBER.findall(self.file))
        if self.file == STANDARD_OUTPUT and self.every_s:
            raise ConfigurationError("several pictures do not fit into standard output", "name a file, such as %d.png")
        if numbers > 1:
            raise ConfigurationError(f"{self.file!r} has more than one number", "write %d once, such as shot-%04d.png")

    def path(self, number: int) -> Path:
        """Where a picture goes.

        Args:
            number: from 1.
        """
        if not self.every_s:
            return Path(self.file)
        return Path(_NUMBER.sub(lambda found: f"{number:{found[1]}d}", self.file))

    def check(self) -> None:
        """Check before anything runs that there is a folder for them.

        Raises:
            ConfigurationError: there is none.
        """
        folder = self.path(1).parent
        if self.file != STANDARD_OUTPUT and not folder.is_dir():
            raise ConfigurationError(f"there is no folder {folder} for the screenshot", "make it, or name another file")


class Watcher:
    """A program in the task that sees each change of the screen, until it is asked for the last picture.

    Args:
        container_id: the task's container.
        every_s: as in `PictureWish`.
        taken: gets each picture, in a thread.

    Raises:
        EngineError: the docker client does not start.
    """

    def __init__(self, container_id: str, every_s: float, taken: Callable[[bytes], None]) -> None:
        self._taken = taken
        self._last = b""
        self._begun, self._ended = threading.Event(), threading.Event()
        words = screen_program("screen_pictures", f"{every_s:g}")
        try:
            self._process = subprocess.Popen(
                ["docker", "exec", "-i", container_id, *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C must not end it: the last picture is taken after that
            )
        except OSError as error:
            raise no_client(error) from error
        threading.Thread(target=self._read, name="pictures", daemon=True).start()

    def _read(self) -> None:
        try:
            output = self._process.stdout
            assert output
            while len(head := output.read(_HEAD_BYTES)) == _HEAD_BYTES:
                length = int.from_bytes(head[1:], "big")
                data = output.read(length) if length <= 4 * PICTURE_BYTES else b""
                if len(data) < length:
                    return
                if head[:1] == _PICTURE:
                    self._taken(data)
                elif head[:1] == _LAST:
                    self._last = data
                self._begun.set()
        finally:
            self._ended.set()
            self._begun.set()

    def begins(self) -> bool:
        """Wait until it is known whether it watches, and return that."""
        return self._begun.wait(BEGIN_S) and not self._ended.is_set()

    def last(self) -> bytes:
        """The last picture; nothing if the desktop is gone."""
        with contextlib.suppress(OSError):
            assert self._process.stdin
            self._process.stdin.write(b"\n")
            self._process.stdin.flush()
        self._ended.wait(LAST_S)
        return self._last

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._ended.wait(LAST_S)
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                assert stream
                stream.close()


class _Album:
    """Where pictures go.

    Attributes:
        error: why one could not be written.
    """

    def __init__(self, wish: PictureWish, output: IO[bytes] | None) -> None:
        self._wish = wish
        self._output = output
        self._number = 0
        self.error: ConfigurationError | None = None

    def add(self, taken: bytes) -> None:
        self._number += 1
        path = self._wish.path(self._number)
        try:
            if self._output:
                self._output.write(taken)
                self._output.flush()
            elif self._wish.every_s and path == self._wish.path(0) and not (path.exists() and not path.is_file()):
                part = path.with_name(f".{path.name}.part")  # a reader of the newest picture never sees half of it
                part.write_bytes(taken)
                part.replace(path)
            else:
                path.write_bytes(taken)
        except OSError as error:
            self.error = cannot_write(path, error, "--screenshot")


@contextlib.contextmanager
def pictured(
    task: DesktopTask, wish: PictureWish, say: Callable[[str], None], output: IO[bytes] | None = None
) -> Iterator[None]:
    """Take pictures during the `with` block, and the last one however that ends: by itself, at a limit or by Ctrl-C.

    Args:
        task: a task with a desktop.
        wish: which pictures.
        say: called with the reason why there is no last picture, if something else went wrong before.
        output: where they go instead of a file.

    Raises:
        TaskError: the desktop was gone at the end.
        ConfigurationError: a file cannot be written.
    """
    album = _Album(wish, output)
    watcher = Watcher(task.container_id, wish.every_s, album.add)
    try:
        watcher.begins()
        try:
            yield
        except BaseException:
            try:
                _finish(task, watcher, album)
            except DesktopBakeError as error:
                say(str(error))
            raise
        _finish(task, watcher, album)
    finally:
        watcher.close()


def _finish(task: DesktopTask, watcher: Watcher, album: _Album) -> None:
    album.add(watcher.last() or picture(task.engine, task.container_id))
    if album.error:
        raise album.error
