"""`desktop-bake run`: a task with a live desktop, from flags to the command's exit status."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ....generator.errors import ConfigurationError, TimeLimitError
from ...ensure import ensured
from ...system.files import LIMIT_BYTES
from ...system.lazy import lazy
from ...task.docker_flags import docker_options, parse_env_file, parse_environment, profile_of, with_profile
from ...task.ending import FOREVER_S
from ...task.environment_options import check
from ...task.options import GEOMETRY, TaskOptions
from ..context import no_effect, print_json, work_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from ....generator.environment import Environment
    from ...system import durations
    from ...task import film as films
    from ...task import mounts, platforms, ports, start
    from ...task.task import DesktopTask
    from .. import pictures, streams, watching
else:  # not needed by a task without flags
    durations = lazy("...system.durations", __package__)
    mounts = lazy("...task.mounts", __package__)
    platforms = lazy("...task.platforms", __package__)
    ports = lazy("...task.ports", __package__)
    start = lazy("...task.start", __package__)
    films = lazy("...task.film", __package__)
    pictures = lazy("..pictures", __package__)
    streams = lazy("..streams", __package__)
    watching = lazy("..watching", __package__)


def run(arguments: argparse.Namespace) -> int:
    """Run a command in a task with a live desktop, and exit with its status."""
    context = work_of(arguments)
    settings, engine, reporter = context.settings, context.engine, context.reporter
    env_id, command = _split(arguments.words, settings.environments)
    options = options_of(arguments)
    _check_terminal(arguments)
    environment = platforms.on_platform(settings.environment(env_id), options)
    wish = None
    if arguments.screenshot or arguments.screenshot_every:
        wish = pictures.wish_of(arguments, environment)
    film = pictures.film_of(arguments, environment) if arguments.record else None
    limit_s = _limit_of(arguments)
    if arguments.json and not options.detach:
        raise ConfigurationError("--json tells how to reach a detached task", "add --detach, or leave it out")
    if options.mounts and not engine.is_remote():
        mounts.check_sources(options.mounts)
    check(environment, options, settings.root, here=not engine.is_remote())
    for warning in _warnings(environment, options):
        reporter.say(f"[desktop] WARNING: {warning}")
    camera = films.recorder_image(environment, context) if film else ""
    threading.Thread(target=lambda: start.started, name="loading", daemon=True).start()  # while the engine answers
    image = ensured(environment, context)
    reporter.phase("start")
    task = start.started(environment, image, context, options, command if options.detach else ())
    if arguments.recorder:
        arguments.recorder.record(image, engine)
    if options.detach:
        return _leave(task, as_json=arguments.json)
    status = 0
    try:
        if arguments.is_own and not (command or wish or film or limit_s or arguments.recorder):
            watching.hand_over(task, _address(task))
        _show(task)
        nothing = contextlib.nullcontext()
        with (
            films.filmed(task, film, camera, reporter.warn) if film else nothing,
            pictures.taken(task, wish, reporter.warn) if wish else nothing,
        ):
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


def _limit_of(arguments: argparse.Namespace) -> float | None:
    """How long the task may run, in seconds; None for no limit.

    Raises:
        ConfigurationError: the limit is malformed, or nobody would enforce it.
    """
    limit = arguments.timeout
    if limit is None:
        return None
    if limit.isdecimal() and int(limit):
        raise ConfigurationError(
            f"--timeout {limit} has no unit: it is the task's limit",
            f"write --timeout {limit}s, or for the build's limit --build-timeout {limit}",
        )
    if arguments.detach:
        raise ConfigurationError(
            "--timeout needs a program that stays, which --detach leaves out", "let the task end itself: timeout 2h CMD"
        )
    limit_s = durations.duration_s(limit)
    if not limit_s:
        raise ConfigurationError(f"--timeout {limit} leaves a task no time", "write 1s or more")
    return limit_s


def _check_terminal(arguments: argparse.Namespace) -> None:
    """Like docker, refuse `-it` if standard input is not a terminal.

    Raises:
        ConfigurationError: `-it`, and standard input is a file or a pipe.
    """
    if arguments.tty and arguments.interactive and not arguments.detach and not sys.stdin.isatty():
        raise ConfigurationError(
            "--tty and --interactive read a terminal, and standard input is none",
            "leave out -t for a command that reads a file or a pipe, or -i for one that reads nothing",
        )


def options_of(arguments: argparse.Namespace) -> TaskOptions:
    """The task's options that these flags ask for.

    Raises:
        ConfigurationError: a flag's value is malformed.
    """
    variables: dict[str, str | None] = {}
    for file in arguments.env_file:
        variables |= parse_env_file(str(file), _read(file, "--env-file"), os.environ)
    variables |= parse_environment(arguments.env_variables, os.environ)
    return TaskOptions(
        geometry=arguments.geometry or GEOMETRY,
        fixed_size=arguments.geometry is not None,
        depth=arguments.depth,
        auth=arguments.auth,
        mounts=(
            *(mounts.parse_volume(text) for text in dict.fromkeys(arguments.volume)),
            *(mounts.parse_mount(text) for text in arguments.mount),
        ),
        ports=tuple(port for text in arguments.publish for port in ports.parse_ports(text)),
        variables=variables,
        workdir=arguments.workdir,
        user=arguments.user,
        gpus=arguments.gpus,
        memory=arguments.memory,
        cpus=arguments.cpus,
        shm_size=arguments.shm_size,
        platform=arguments.platform,
        network=arguments.network,
        novnc_port=arguments.novnc_port,
        name=arguments.name,
        tty=arguments.tty,
        detach=arguments.detach,
        keep=arguments.keep,
        extra=docker_options(map(_whole, arguments.docker)),
    )


def _read(file: Path, flag: str) -> bytes:
    try:
        with file.open("rb") as opened:  # also a pipe, such as a shell's <(…)
            return opened.read(LIMIT_BYTES)
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {file}: {error.strerror}", f"name a file that you may read: {flag} FILE"
        ) from error


def _whole(word: str) -> str:
    """A docker option, with the content of the file that it names."""
    name = profile_of(word)
    return with_profile(word, _read(Path(name), "--security-opt")) if name else word


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
