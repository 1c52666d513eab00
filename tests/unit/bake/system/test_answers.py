"""Each question is asked once, until it is forgotten."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from desktop_bake.bake.system.answers import Answers


def test_once() -> None:
    """An answer is remembered by its question, also one that is nothing, until all are forgotten."""
    asked: list[str] = []

    def ask(question: str) -> None:
        asked.append(question)

    answers = Answers()
    for question in ("a", "b", "a", "b"):
        answers.once(question, lambda question=question: ask(question))  # type: ignore[misc]
    answers.forget()
    answers.once("a", lambda: ask("a"))
    assert asked == ["a", "b", "a"]


def test_threads() -> None:
    """Threads that ask the same at once wait for one of them; others do not."""
    asked: list[int] = []
    other = threading.Event()
    answers = Answers()

    def ask() -> int:
        asked.append(1)
        assert other.wait(60)
        return len(asked)

    with ThreadPoolExecutor(5) as threads:
        found = [threads.submit(answers.once, "a", ask) for _ in range(4)]
        threads.submit(answers.once, "b", other.set).result(60)
        assert [future.result(60) for future in found] == [1] * 4


def test_errors() -> None:
    """An error of a kind that is kept is raised again; after another the same is asked again."""
    asked: list[type[Exception]] = []
    answers = Answers(KeyError)

    def fail(kind: type[Exception]) -> None:
        asked.append(kind)
        raise kind

    for kind in (KeyError, ValueError):
        for _ in range(2):
            with pytest.raises(kind):
                answers.once(kind, lambda kind=kind: fail(kind))  # type: ignore[misc]
    assert asked == [KeyError, ValueError, ValueError]


def test_forgotten_meanwhile() -> None:
    """What was asked before something changed, and is answered after, is not remembered."""
    answers = Answers()

    def ask() -> str:
        answers.forget()
        return "old"

    assert answers.once("a", ask) == "old"
    assert answers.once("a", lambda: "new") == "new"
