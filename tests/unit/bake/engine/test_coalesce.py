"""Questions that many threads ask at once."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from desktop_bake.bake.engine.coalesce import coalesced
from desktop_bake.generator.errors import EngineError

THREADS = 20


def at_once(one: Callable[[], object]) -> list[object]:
    """What this returns or raises in each of many threads that begin together."""
    begin = threading.Barrier(THREADS)

    def run(_: int) -> object:
        begin.wait()
        try:
            return one()
        except BaseException as error:  # noqa: BLE001  # what it raises is what is tested
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_one_answer_for_all() -> None:
    """Of twenty threads the first asks, and one more for all who came meanwhile."""
    asked = itertools.count(1)

    def ask() -> int:
        time.sleep(0.2)  # in which the others come
        return next(asked)

    answers = at_once(lambda: coalesced("question", ask))
    assert sorted(answers) == [1] + [2] * (THREADS - 1)  # type: ignore[type-var]
    assert coalesced("question", ask) == 3  # nothing is remembered


def test_no_answer_is_older_than_its_question() -> None:
    """Whenever one asks, the answer was asked for afterwards."""

    def ask() -> float:
        began = time.monotonic()
        time.sleep(0.003)
        return began

    def one() -> bool:
        return all(time.monotonic() <= coalesced("question", ask) for _ in range(50))

    assert at_once(one) == [True] * THREADS


def test_errors() -> None:
    """Our error is everybody's; an interrupt is only of who was interrupted."""
    asked = itertools.count(1)

    def fails() -> None:
        time.sleep(0.2)
        number = next(asked)
        if number == 1:
            raise KeyboardInterrupt
        raise EngineError(f"failed: {number}", "start it")

    failures = at_once(lambda: coalesced("question", fails))
    assert sorted(map(repr, failures)) == [repr(EngineError("failed: 2", "start it"))] * (THREADS - 1) + [
        repr(KeyboardInterrupt())
    ]


@pytest.mark.parametrize("other", ["another", ("question", 1)])
def test_other_questions_do_not_wait(other: object) -> None:
    """Who asks something else gets an answer at once, and so does a question within a question."""
    assert coalesced("question", lambda: coalesced(other, lambda: "answer")) == "answer"
