"""Notes of containers that are being started: what is written, and which containers go by what is left."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from desktop_bake import EngineError
from desktop_bake.bake.engine.api import Answer
from desktop_bake.bake.system.folders import cache_folder
from desktop_bake.bake.task.start_note import StartNote, remove_abandoned

if TYPE_CHECKING:
    from desktop_bake.bake.engine.api import Endpoint

HOST = "unix:///var/run/docker.sock"
NAME = "desktop-bake-a-1"
ID = "c0ffee" * 10 + "beef"


class Removing:
    """An engine that is asked to remove containers.

    Attributes:
        host: its address.
        asked: which of them.
        answer: a status, or an error.
    """

    host = HOST

    def __init__(self, answer: int | EngineError = 204) -> None:
        self.asked: list[str] = []
        self.answer = answer

    def ask(self, method: str, path: str, query: Any) -> Answer:
        """As `Endpoint.ask`."""
        assert (method, query) == ("DELETE", {"force": "1", "v": "1"})
        self.asked.append(path.removeprefix("/containers/"))
        if isinstance(self.answer, EngineError):
            raise self.answer
        return Answer(status=self.answer, content=None)


def endpoint(engine: Removing) -> Endpoint:
    """The same, as its callers know it."""
    return cast("Endpoint", engine)


@pytest.fixture
def folder() -> Path:
    """Where the notes lie."""
    folder = cache_folder() / "starting"
    folder.mkdir()
    return folder


def test_a_note_that_is_held(folder: Path) -> None:
    """A note has the engine, the name and then the ID; while it is held, nothing goes by it; in the end it is gone."""
    engine = Removing()
    note = StartNote(endpoint(engine), NAME)
    note.add(ID)
    assert (folder / NAME).read_text() == f"{HOST}\n{NAME}\n{ID}\n"
    remove_abandoned(endpoint(engine))
    assert engine.asked == []
    note.close()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "status", "asked", "stays"),
    [
        (f"{HOST}\n{NAME}\n{ID}\n", 204, [ID], False),
        (f"{HOST}\n{NAME}\n{ID}\n", 404, [ID], False),
        (f"{HOST}\n{NAME}\n{ID}\n", 409, [ID], False),
        (f"{HOST}\n{NAME}\n{ID}\n", 500, [ID], True),
        (f"{HOST}\n{NAME}\n", 204, [NAME], False),
        (f"{HOST}\n{NAME}\n", 404, [NAME], True),
        (f"{HOST}\n{NAME}\n{ID[:20]}", 204, [NAME], False),
        (f"{HOST}\n{NAME}\n{ID[:20]}", 404, [NAME], True),
        (f"{HOST}\nc0ffee\n", 204, [], True),
        (f"{HOST}\n\n", 204, [], True),
        (f"tcp://other:1\n{NAME}\n{ID}\n", 204, [], True),
        ("", 204, [], True),
        ("\0\xff", 204, [], True),
    ],
)
def test_what_is_left(folder: Path, content: str, status: int, asked: list[str], stays: bool) -> None:
    """A container goes by its whole name or ID, of its own engine; what may still be made is asked for again."""
    (folder / NAME).write_bytes(content.encode("latin-1"))
    engine = Removing(status)
    remove_abandoned(endpoint(engine))
    assert engine.asked == asked
    assert (folder / NAME).exists() is stays


@pytest.mark.parametrize(
    ("content", "goes"), [(f"{HOST}\n{NAME}\n", True), ("", True), (f"tcp://other:1\n{NAME}\n{ID}\n", False)]
)
def test_an_old_note(folder: Path, content: str, goes: bool) -> None:
    """What cannot be in flight any more is forgotten; another engine's note stays until that one is asked."""
    (folder / NAME).write_text(content)
    old = time.time() - 601
    os.utime(folder / NAME, (old, old))
    remove_abandoned(endpoint(Removing(404)))
    assert (folder / NAME).exists() is not goes


def test_an_engine_that_is_gone(folder: Path) -> None:
    """Without an engine every note stays, and nobody is troubled."""
    for name in ("a", "b"):
        (folder / name).write_text(f"{HOST}\n{NAME}\n{ID}\n")
    engine = Removing(EngineError("no Docker Engine answers", "start it"))
    remove_abandoned(endpoint(engine))
    assert engine.asked == [ID, ID]
    assert len(list(folder.iterdir())) == 2


def test_a_note_that_cannot_be_written(folder: Path) -> None:
    """A start goes on without its note."""
    (folder / NAME).mkdir()
    note = StartNote(endpoint(Removing()), NAME)
    note.add(ID)
    note.close()
    assert (folder / NAME).is_dir()
