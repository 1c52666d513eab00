"""If several threads ask the same question at once, it is asked once; no answer is older than its question.

Twenty tasks that start together ask the engine for the same image twenty times; with containerd's store, each
answer costs the engine some 15 ms of processor time.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

from ...generator.errors import DesktopBakeError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


_Answer = TypeVar("_Answer")


class _Question:
    """A question that some thread is asking now.

    Attributes:
        turn: held by the thread that asks.
        begun: how often it has been asked so far.
        outcome: the number of an attempt, and what it answered or raised.
    """

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.begun = 0
        self.outcome: tuple[int, Any] = (0, None)


_questions: WeakValueDictionary[Hashable, _Question] = WeakValueDictionary()
_guard = threading.Lock()


def coalesced(key: Hashable, ask: Callable[[], _Answer]) -> _Answer:
    """What `ask` answers here, or answered in another thread that called it after this call began.

    Args:
        key: the question, and to whom it is put.
        ask: asks it. It has its own time limit; a caller waits for at most two calls of it.

    Raises:
        DesktopBakeError: `ask` raised it, here or in that other thread.
    """
    with _guard:
        question = _questions.setdefault(key, _Question())
    earliest = question.begun + 1  # a call that is already running may have an outdated answer
    with question.turn:
        number, outcome = question.outcome
        if number < earliest:
            question.begun += 1
            try:
                outcome = ask()
            except DesktopBakeError as error:
                outcome = error
            question.outcome = question.begun, outcome
    if isinstance(outcome, DesktopBakeError):
        raise outcome
    answer: _Answer = outcome
    return answer
