"""A question that a thread asks meanwhile."""

from __future__ import annotations

import signal
import threading

import pytest

from desktop_bake.bake.system.asked import Asked


def test_an_answer() -> None:
    """The answer comes from a thread of that name, which ends with the process, and may be read again."""
    asked = Asked(threading.current_thread, "a name").begin()
    thread = asked.answer()
    assert (thread.name, thread.daemon) == ("a name", True)
    assert asked.answer() is thread


def test_nothing_is_asked_before_it_begins() -> None:
    """A question that has not begun has no answer yet; one whose answer is None has one."""
    asked = Asked(lambda: None, "none")
    assert not asked.has_begun
    assert not asked.wait(0)
    asked.begin()
    assert asked.has_begun
    assert asked.wait()
    assert asked.answer() is None


@pytest.mark.parametrize("error", [ValueError("a fault"), SystemExit(3)])
def test_what_it_raises(error: BaseException) -> None:
    """An error of any kind is raised, as it is, each time the answer is read."""

    def fail() -> None:
        raise error

    asked = Asked(fail, "fails").begin()
    for _ in range(2):
        with pytest.raises(type(error)) as caught:
            asked.answer()
        assert caught.value is error


def test_a_limit() -> None:
    """A wait with a limit says whether the answer is there; a later one finds it."""
    may_end = threading.Event()
    asked = Asked(may_end.wait, "slow").begin()
    assert not asked.wait(0.001)
    may_end.set()
    assert asked.wait(60)
    assert asked.answer() is True


def test_an_interrupted_wait() -> None:
    """After Ctrl-C during a wait the question is still being asked, and its answer can be waited for again."""
    may_end, main = threading.Event(), threading.main_thread()

    def ask() -> str:
        assert main.ident
        signal.pthread_kill(main.ident, signal.SIGINT)
        may_end.wait()
        return "an answer"

    asked = Asked(ask, "interrupted")
    with pytest.raises(KeyboardInterrupt):
        asked.begin().answer()
    assert asked.has_begun
    assert not asked.wait(0)
    may_end.set()
    assert asked.answer() == "an answer"
