"""Questions that many threads ask at once."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from desktop_bake.bake.engine import coalesce
from desktop_bake.bake.engine.coalesce import coalesced
from desktop_bake.generator.errors import EngineError

THREADS = 20


@pytest.fixture
def all_came(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set once every thread waits for its turn to ask, or has it."""
    event = threading.Event()

    class Turn:
        def __init__(self) -> None:
            self._lock, self._came = threading.Lock(), itertools.count(1)

        def __enter__(self) -> None:
            if next(self._came) == THREADS:
                event.set()
            self._lock.acquire()

        def __exit__(self, *_: object) -> None:
            self._lock.release()

    monkeypatch.setattr(coalesce, "threading", SimpleNamespace(Lock=Turn))
    return event


def at_once(one: Callable[[], object]) -> list[tuple[str, object]]:
    """The results and errors of this in many threads that begin together."""
    begin = threading.Barrier(THREADS)

    def run(_: int) -> tuple[str, object]:
        begin.wait()
        try:
            return "returned", one()
        except BaseException as error:  # noqa: BLE001  # what it raises is what is tested
            return "raised", error

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_one_answer_for_all(all_came: threading.Event) -> None:
    """The first of twenty threads asks, and one more for all who came meanwhile."""
    asked = itertools.count(1)

    def ask() -> int:
        assert all_came.wait(20)
        return next(asked)

    answers = at_once(lambda: coalesced("question", ask))
    assert sorted(map(repr, answers)) == [repr(("returned", 1))] + [repr(("returned", 2))] * (THREADS - 1)
    assert coalesced("question", ask) == 3  # nothing is remembered


def test_no_answer_is_older_than_its_question() -> None:
    """Whenever one asks, the answer was asked for afterwards."""

    def ask() -> float:
        began = time.monotonic()
        time.sleep(0.003)
        return began

    def one() -> bool:
        return all(time.monotonic() <= coalesced("question", ask) for _ in range(10))

    assert at_once(one) == [("returned", True)] * THREADS


def test_errors(all_came: threading.Event) -> None:
    """Our error is raised to everybody; an interrupt only to who was interrupted."""
    asked = itertools.count(1)

    def fails() -> None:
        assert all_came.wait(20)
        number = next(asked)
        if number == 1:
            raise KeyboardInterrupt
        raise EngineError(f"failed: {number}", "start it")

    failures = at_once(lambda: coalesced("question", fails))
    ours = ("raised", EngineError("failed: 2", "start it"))
    assert sorted(map(repr, failures)) == [repr(ours)] * (THREADS - 1) + [repr(("raised", KeyboardInterrupt()))]


@pytest.mark.parametrize("other", ["another", ("question", 1)])
def test_other_questions_do_not_wait(other: object) -> None:
    """Another question gets an answer at once, and so does a question within a question."""
    assert coalesced("question", lambda: coalesced(other, lambda: "answer")) == "answer"
