"""A question that several threads ask at once is asked once for all of them, and no answer is older than its question.

Twenty tasks that start together ask the engine for the same image twenty times; with containerd's store each answer
costs it some 15 ms of processor time.
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
    """One that somebody asks at the moment.

    Attributes:
        turn: held by who asks.
        begun: how often it was asked so far.
        outcome: of which asking, and what was answered or raised.
    """

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.begun = 0
        self.outcome: tuple[int, Any] = (0, None)


_questions: WeakValueDictionary[Hashable, _Question] = WeakValueDictionary()
_guard = threading.Lock()


def coalesced(key: Hashable, ask: Callable[[], _Answer]) -> _Answer:
    """What `ask` answers, or answered to another thread that began to ask after this call.

    Args:
        key: what the question is, and of whom.
        ask: asks it. It has a time limit of its own; at most two of them are waited for.

    Raises:
        DesktopBakeError: `ask` raised it, here or in that other thread.
    """
    with _guard:
        question = _questions.setdefault(key, _Question())
    earliest = question.begun + 1  # one that is under way by now may answer what was
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
