"""A question that a thread asks meanwhile: its answer, or what it raised, where that is wanted."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self


_Answer = TypeVar("_Answer")


class Asked(Generic[_Answer]):
    """A question for a thread of its own, which ends with the process.

    It is waited for by an event: an interrupted `Thread.join` treats its thread as ended (Python 3.11).

    Args:
        ask: asks the question, within a time limit.
        name: the thread's name.
    """

    _answer: _Answer

    def __init__(self, ask: Callable[[], _Answer], name: str) -> None:
        self._ask = ask
        self._error: BaseException | None = None
        self._answered = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def begin(self) -> Self:
        """Ask, once."""
        self._thread.start()
        return self

    def _run(self) -> None:
        try:
            self._answer = self._ask()
        except BaseException as error:  # noqa: BLE001 (it is raised where the answer is wanted)
            self._error = error
        finally:
            self._answered.set()

    @property
    def has_begun(self) -> bool:
        """Whether the thread runs or has run; `begin` may be interrupted before it does."""
        return self._thread.ident is not None

    def wait(self, limit_s: float | None = None) -> bool:
        """Wait for the answer or the error; return whether it is there."""
        return self._answered.wait(limit_s)

    def answer(self) -> _Answer:
        """The answer, once it is there.

        Raises: as `ask` did.
        """
        self._answered.wait()
        if self._error:
            raise self._error
        return self._answer
