"""The end of a container: its status, however the engine's answer comes, and who waits for it."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any, cast

import pytest

from desktop_bake import CancelledError, TaskGoneError, TimeLimitError
from desktop_bake.bake.engine.api import Answer
from desktop_bake.bake.task.ending import Ending, LaterEnding

if TYPE_CHECKING:
    from desktop_bake.bake.engine.api import Endpoint


class Waiting:
    """An engine that was asked to wait, and its other end."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.asked: list[Any] = []
        self._answer = answer
        self.sock, self.theirs = socket.socketpair()

    def hijack(self, *words: Any) -> Any:
        """As `Endpoint.hijack`."""
        self.asked.append(words)
        return self._answer or self

    def close(self) -> None:
        """As `Connection.close`."""
        self.sock.close()


@pytest.mark.parametrize("said", [[b'{"StatusCode":7}\n'], [b"11\r\n{", b'"Status', b'Code":7', b"}\r\n"]])
def test_its_status(said: list[bytes]) -> None:
    """It is what the engine says, in whatever pieces it comes, and can be asked for again."""
    engine = Waiting()
    ending = Ending(cast("Endpoint", engine), "abc")
    for piece in said:
        engine.theirs.sendall(piece)
    assert (ending.wait(10), ending.wait(0)) == (7, 7)
    assert engine.asked == [("/containers/abc/wait", {"condition": "not-running"})]
    engine.theirs.close()


def test_gone() -> None:
    """One that is not there, or that an engine forgets as it goes, has its own error."""
    with pytest.raises(TaskGoneError, match=r"^the task abc is gone: it ended and was removed$"):
        Ending(cast("Endpoint", Waiting(Answer(status=404, content=None))), "abc")
    engine = Waiting()
    engine.theirs.close()
    with pytest.raises(TaskGoneError):
        LaterEnding(cast("Endpoint", engine), "abc").wait(10)


def test_it_still_runs() -> None:
    """A limit and a cancellation end the wait."""
    engine, cancel = Waiting(), threading.Event()
    ending = Ending(cast("Endpoint", engine), "abc")
    with pytest.raises(TimeLimitError, match=r"^the task still runs after 0\.01 s$"):
        ending.wait(0.01)
    cancel.set()
    with pytest.raises(CancelledError):
        ending.wait(10, cancel)
    engine.theirs.close()
