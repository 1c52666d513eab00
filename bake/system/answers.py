"""Remembered answers: each question is asked once, from any thread, until it is forgotten."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


_Answer = TypeVar("_Answer")


class Answers:
    """Answers by their questions.

    Args:
        kept: errors that count as answers and are raised again; after any other error, the question is asked again.
    """

    def __init__(self, *kept: type[Exception]) -> None:
        self._kept = kept
        self._known: dict[Hashable, tuple[bool, Any]] = {}
        self._turns: dict[Hashable, threading.Lock] = {}
        self._guard = threading.Lock()

    def once(self, question: Hashable, ask: Callable[[], _Answer]) -> _Answer:
        """The answer of `ask`, now or when the same question was asked before.

        Args:
            question: the question and whom it is put to.
            ask: asks the question, within a time limit.

        Raises: as `ask` does, or did.
        """
        with self._guard:
            known, turn = self._known, self._turns.setdefault(question, threading.Lock())
        with turn:
            if question not in known:
                try:
                    known[question] = True, ask()
                except self._kept as error:
                    known[question] = False, error
            is_answer, answer = known[question]
        if not is_answer:
            raise answer
        found: _Answer = answer
        return found

    def forget(self) -> None:
        """Forget all answers; questions being asked now are not remembered either."""
        with self._guard:
            self._known, self._turns = {}, {}
