"""The main process of a task's container."""

from __future__ import annotations

from dataclasses import replace

import pytest

from desktop_bake import Environment, TaskOptions
from desktop_bake.bake.task.main_process import main_process
from desktop_bake.bake.task.program import on_terminal, program
from tests.harness.recipes import OFFICE

PLAIN = replace(OFFICE, headless_desktop_enabled=False)


@pytest.mark.parametrize(
    ("detach", "command", "end"),
    [(False, [], ["held", program("command")]), (True, [], ["held"]), (True, ["a"], ["held", program("command"), "a"])],
)
def test_a_desktop(detach: bool, command: list[str], end: list[str]) -> None:
    """It is held by its program or its command, unless it is detached without one."""
    words = main_process(OFFICE, TaskOptions(detach=detach), command)
    assert words[-len(end) :] == end
    waits = main_process(OFFICE, TaskOptions(detach=detach), command, waits=True)
    assert waits == ["/bin/sh", "-c", program("at_start"), "at_start", *words]


@pytest.mark.parametrize("environment", [OFFICE, PLAIN])
def test_a_terminal(environment: Environment) -> None:
    """A detached task's command has one if it is requested; one that only stays has no use for it."""
    on_one = main_process(environment, TaskOptions(detach=True, tty=True), ["a"])
    assert on_one == main_process(environment, TaskOptions(detach=True), on_terminal(["a"]))
    stays = main_process(environment, TaskOptions(detach=True, tty=True))
    assert stays == main_process(environment, TaskOptions(detach=True))


def test_without_a_desktop() -> None:
    """It waits for its program's word, or for good."""
    told = ["/bin/sh", "-c", program("command"), "command"]
    assert main_process(PLAIN, TaskOptions()) == told
    assert main_process(PLAIN, TaskOptions(detach=True), command=["a"]) == [*told, "a"]
    assert main_process(PLAIN, TaskOptions(detach=True)) == ["sleep", "infinity"]
