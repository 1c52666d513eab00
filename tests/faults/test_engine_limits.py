"""Faults that a client meets: every time limit, a clock that jumps, a vanished image, a network that is cut.

Most of their time is waiting, and each concerns only one task: so they happen at the same time, one to each task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.harness.engine_limits import FAULTS, ROWS, forget_clocks
from tests.harness.engine_task import INSTALLED, task_on, tidy

if TYPE_CHECKING:
    from tests.harness.engine_limits import Outcome
    from tests.harness.machines import Machine, Registry


SIDE_BY_SIDE = 4


@pytest.fixture(scope="module")
def outcomes(
    equipped: Machine, team: Registry, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[dict[str, list[Future[Outcome]]]]:
    """The outcome of each requested fault; all of them happen at the same time."""
    many = 5 if request.config.getoption("--soak") else 1
    ours = [item for item in request.session.items if isinstance(item, pytest.Function) and item.path == request.path]
    asked = [item.callspec.params["fault"] for item in ours]
    with ExitStack() as after, ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        after.callback(forget_clocks)
        after.callback(tidy, equipped, team)
        yield {
            fault: [pool.submit(act, task_on(equipped, tmp_path_factory.mktemp("task"), team)) for _ in range(many)]
            for fault, act in FAULTS.items()
            if fault in asked
        }


@pytest.mark.parametrize("fault", FAULTS)
def test_fault(outcomes: dict[str, list[Future[Outcome]]], fault: str, figure: Callable[[str], None]) -> None:
    """One line reports the fault, and the task runs or is clearly refused, as docs/faults.md says."""
    for outcome in outcomes[fault]:
        status, printed = outcome.result()
        ROWS[fault].compare(status, printed)
        assert (INSTALLED in printed) is (status == 0)
    figure(f"{fault}: {len(outcomes[fault])} tasks as docs/faults.md has it")
