"""`desktop-bake run`: a task with a live desktop, from flags to the command's exit status."""

from __future__ import annotations

import contextlib
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from ....generator.errors import ConfigurationError, TimeLimitError
from ...ensure import ensured
from ...system.lazy import lazy
from ...task.ending import FOREVER_S
from ...task.environment_options import check
from ..container_flags import options_of
from ..context import no_effect, print_json

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from ....generator.environment import Environment
    from ...context import Context
    from ...task import start
    from ...task.options import TaskOptions
    from ...task.task import DesktopTask
    from .. import pictures, streams, watching
else:  # not needed by a task without flags
    start = lazy("...task.start", __package__)
    pictures = lazy("..pictures", __package__)
    streams = lazy("..streams", __package__)
    watching = lazy("..watching", __package__)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Run a command in a task with a live desktop, and exit with its status."""
    settings, reporter = context.settings, context.reporter
    env_id, command = _split(arguments.words, settings.environments)
    options = options_of(arguments)
    _check_together(arguments)
    environment = settings.environment(env_id)
    if options.platform:
        environment = replace(environment, platform=options.platform)
    check(environment, options, settings.root, here=not context.engine.is_remote())
    seen = arguments.screenshot or arguments.screenshot_every or arguments.record
    wishes = pictures.wishes_of(arguments, environment) if seen else None
    for warning in _warnings(environment, options):
        reporter.say(f"[desktop] WARNING: {warning}")
    camera = wishes.camera(environment, context) if wishes else None
    threading.Thread(target=lambda: start.started, name="loading", daemon=True).start()  # while the engine answers
    image = ensured(environment, context)
    reporter.phase("start")
    task = start.started(environment, image, context, options, command if options.detach else ())
    if arguments.recorder:
        arguments.recorder.record(image, context.engine)
    if options.detach:
        return _leave(task, as_json=arguments.json)
    limit_s, status = arguments.timeout, 0
    try:
        if arguments.is_own and not (command or camera or limit_s or arguments.recorder):
            watching.hand_over(task, _address(task))
        _show(task)
        with camera(task) if camera else contextlib.nullcontext():
            status = streams.run_task(task, command, limit_s) if command else _stay(task, limit_s)
    finally:
        task.stop(status)
    return status


def _warnings(environment: Environment, options: TaskOptions) -> Iterator[str]:
    """What is allowed, but perhaps not meant."""
    for name in (name for name, value in options.variables.items() if value is None):
        yield f"-e {name}: it is not set here, so the task does not have it"
    if environment.caches_nothing:
        yield no_effect(environment)
    if not options.auth:
        yield "--no-auth: every user of this machine can see and use this desktop"


def _check_together(arguments: argparse.Namespace) -> None:
    """Refuse flags that do not go together.

    Raises:
        ConfigurationError: `-it`, and standard input is a file or a pipe, as docker has it; a limit for a detached
            task, which nobody would enforce; or `--json` for any other task.
    """
    if arguments.tty and arguments.interactive and not arguments.detach and not sys.stdin.isatty():
        raise ConfigurationError(
            "--tty and --interactive read a terminal, and standard input is none",
            "leave out -t for a command that reads a file or a pipe, or -i for one that reads nothing",
        )
    if arguments.timeout and arguments.detach:
        raise ConfigurationError(
            "--timeout needs a program that stays, which --detach leaves out", "let the task end itself: timeout 2h CMD"
        )
    if arguments.json and not arguments.detach:
        raise ConfigurationError("--json tells how to reach a detached task", "add --detach, or leave it out")


def _show(task: DesktopTask) -> None:
    if task.novnc_url:
        print(_address(task), file=sys.stderr, flush=True)


def _address(task: DesktopTask) -> str:
    return f"[desktop] {task.novnc_url}" if task.novnc_url else ""


def _stay(task: DesktopTask, limit_s: float | None) -> int:
    while True:
        try:
            return task.wait(limit_s or FOREVER_S)
        except TimeLimitError:
            if limit_s:
                raise


def _leave(task: DesktopTask, *, as_json: bool) -> int:
    if as_json:
        print_json({"schema": 1, "container_id": task.container_id, "name": task.name, "novnc_url": task.novnc_url})
    else:
        _show(task)
        print(task.container_id)
    return 0


def _split(words: list[str], known: object) -> tuple[str | None, list[str]]:
    """Split `[ENV] [--] CMD…`: the first word is the environment if it names one; before `--` it must."""
    if "--" in words[:2]:
        at = words.index("--")
        return (words[0] if at else None), words[at + 1 :]
    has_name = bool(words) and words[0] in known  # type: ignore[operator]
    env_id, command = (words[0], words[1:]) if has_name else (None, words)
    if command and command[0].startswith("-"):
        raise ConfigurationError(
            f"{command[0]} comes where the command should begin", "flags go first: desktop-bake run FLAGS ENV -- CMD"
        )
    return env_id, command
