"""When a question has to be answered, and what may put that off."""

from __future__ import annotations

import time

import pytest

from desktop_bake.bake.registry.deadline import Deadline


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in seconds: `clock[0] += 3`."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_what_is_left(clock: list[float]) -> None:
    """The time that is left becomes less, and is never below 0."""
    deadline = Deadline(10)
    assert deadline.left_s() == 10
    clock[0] += 4
    assert deadline.left_s() == 6
    clock[0] += 100
    assert deadline.left_s() == 0


@pytest.mark.parametrize(("takes_s", "left_s"), [(0, 10), (2, 10), (5, 10), (7, 8)])
def test_put_off(clock: list[float], takes_s: float, left_s: float) -> None:
    """What has its own limit takes none of the question's time, unless it takes longer than its own."""
    deadline = Deadline(10)
    with deadline.put_off(5):
        assert deadline.left_s() == 15
        clock[0] += takes_s
    assert deadline.left_s() == left_s


def test_put_off_by_what_fails(clock: list[float]) -> None:
    """The time that is not needed is taken back after a failure, too."""
    deadline = Deadline(10)

    def fail() -> None:
        with deadline.put_off(5):
            clock[0] += 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert deadline.left_s() == 10
