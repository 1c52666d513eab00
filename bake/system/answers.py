"""What was asked already: each question once, whoever asks and from whatever thread, until it is forgotten."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


_Answer = TypeVar("_Answer")


class Answers:
    """Answers by their questions.

    Args:
        kept: errors that are answers, too, and are raised again; after any other the same is asked again.
    """

    def __init__(self, *kept: type[Exception]) -> None:
        self._kept = kept
        self._known: dict[Hashable, tuple[bool, Any]] = {}
        self._turns: dict[Hashable, threading.Lock] = {}
        self._guard = threading.Lock()

    def once(self, question: Hashable, ask: Callable[[], _Answer]) -> _Answer:
        """What `ask` answers, or answered when the same was asked before.

        Args:
            question: what the question is, and of whom.
            ask: asks it, with a time limit of its own.

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
        """Ask everything again; what is being asked now is not remembered either."""
        with self._guard:
            self._known, self._turns = {}, {}
