"""What a task does, from the engine's description of its container."""

from __future__ import annotations

from typing import Any

import pytest

from desktop_bake import Environment, ImageReference, TaskOptions
from desktop_bake.bake.task.command_words import command_of, command_of_commands, shown
from desktop_bake.bake.task.main_process import main_process
from desktop_bake.bake.task.program import on_terminal, with_logs

DEBIAN = ImageReference.parse("debian:bookworm")
WORDS = ("sh", "-c", "echo held; exec xterm")


def described(words: list[str]) -> dict[str, Any]:
    """A container of this main process."""
    return {"Config": {"Entrypoint": words[:1], "Cmd": words[1:]}}


@pytest.mark.parametrize("has_desktop", [True, False])
@pytest.mark.parametrize("waits", [False, True])
def test_detached(has_desktop: bool, waits: bool) -> None:
    """A detached task's command is what was requested; one that only stays, or whose program runs it, has none."""
    environment = Environment(env_id="a", base_image=DEBIAN, headless_desktop_enabled=has_desktop)
    detached, held = TaskOptions(detach=True), TaskOptions()
    on_one = main_process(environment, TaskOptions(detach=True, tty=True), WORDS, waits=waits)
    assert command_of(described(on_one)) == WORDS
    assert command_of(described(main_process(environment, detached, WORDS, waits=waits))) == WORDS
    assert command_of(described(main_process(environment, detached, waits=waits))) == ()
    assert command_of(described(main_process(environment, held, waits=waits))) == ()


@pytest.mark.parametrize("container", [{}, {"Config": None}, {"Config": {"Entrypoint": None, "Cmd": None}}])
def test_others(container: dict[str, Any]) -> None:
    """A container that was made otherwise has none that we know of."""
    assert command_of(container) == ()


def test_run_in_it() -> None:
    """The command that a task's program runs is told from others that run there, and from one that has ended."""

    def command(words: list[str], *, running: bool = True) -> dict[str, Any]:
        return {"Running": running, "ProcessConfig": {"entrypoint": words[0], "arguments": words[1:]}}

    commands = [
        {},
        command(["import", "-window", "root"]),
        command(["/bin/sh", "-c", "true", "preflight"]),
        command(with_logs(["ended"]), running=False),
        command(with_logs(["make", "test"])),
    ]
    assert command_of_commands(commands) == ("make", "test")
    assert command_of_commands([command(with_logs(on_terminal(["top"])))]) == ("top",)
    assert command_of_commands(commands[:-1]) == ()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["sh", "-c", "echo a b\nmore"], "sh -c 'echo a b more'"),
        (
            ["tool", "--password=abc", "--api-key", "abc", "-x", "TOKEN=abc", "--secret", "-v"],
            "tool --password=*** --api-key *** -x TOKEN=*** --secret -v",
        ),
        (["curl", "https://me:abc@host/x?sig=abc"], "curl https://***@host/x?***"),
        (["x" * 500], "x" * 399 + "…"),
        (["<b>"], "'<b>'"),
        ([], ""),
    ],
)
def test_shown(words: list[str], line: str) -> None:
    """One line, without what looks like a secret, and not for ever."""
    assert shown(words) == line
