"""The flags of `run` for a task's container, whose values the parser makes, and the options that they make.

Parsing opens no file; `options_of` reads those that flags name.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from ..system.files import LIMIT_BYTES
from ..system.lazy import lazy

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from ..task import docker_flags, mounts, options, ports
    from ..task.mounts import Mount
    from ..task.options import TaskOptions
    from ..task.ports import Port
else:  # a module of each kind of flag is needed if there is such a flag
    docker_flags = lazy("..task.docker_flags", __package__)
    mounts = lazy("..task.mounts", __package__)
    options = lazy("..task.options", __package__)
    ports = lazy("..task.ports", __package__)


def add_to(run: argparse.ArgumentParser) -> None:
    """Add the options that people expect for a task's container, with the names of `docker run`.

    Args:
        run: the parser of `run`.
    """
    for flags in (_screen, _shared, _process, _life, _others):
        flags(run.add_argument)


def options_of(arguments: argparse.Namespace) -> TaskOptions:
    """The task's options that these flags ask for.

    Raises:
        ConfigurationError: a flag's value is wrong.
    """
    variables: dict[str, str | None] = {}
    for file in arguments.env_file:
        variables |= docker_flags.parse_env_file(str(file), _content(file, "--env-file"), os.environ)
    for some in arguments.env_variables:
        variables |= some
    bound = arguments.volume
    return options.TaskOptions(
        geometry=arguments.geometry or options.GEOMETRY,
        fixed_size=arguments.geometry is not None,
        depth=arguments.depth,
        auth=arguments.auth,
        mounts=(*(mount for at, mount in enumerate(bound) if mount not in bound[:at]), *arguments.mount),
        ports=tuple(port for some in arguments.publish for port in some),
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
        extra=docker_flags.docker_options(map(_whole, arguments.docker)) if arguments.docker else {},
    )


def _volume(text: str) -> Mount:
    return mounts.parse_volume(text)


def _mount(text: str) -> Mount:
    return mounts.parse_mount(text)


def _ports(text: str) -> tuple[Port, ...]:
    return ports.parse_ports(text)


def _variable(text: str) -> dict[str, str | None]:
    return docker_flags.parse_environment([text], os.environ)


def _whole(word: str) -> str:
    """An option of docker, with the content of the file that it names."""
    name = docker_flags.profile_of(word)
    return docker_flags.with_profile(word, _content(Path(name), "--security-opt")) if name else word


def _content(file: Path, flag: str) -> bytes:
    try:
        with file.open("rb") as opened:  # also a pipe, such as a shell's <(…)
            return opened.read(LIMIT_BYTES)
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {file}: {error.strerror}", f"name a file that you may read: {flag} FILE"
        ) from error


def _screen(add: Callable[..., argparse.Action]) -> None:
    """The screen."""
    size = "fixed screen size; default: 1280x800, until somebody opens the URL in a window of another size"
    add("--geometry", metavar="WxH", help=size)
    add("--depth", type=int, default=24, metavar="BITS", help="bits per pixel: 24 (default) or 16")


def _shared(add: Callable[..., argparse.Action]) -> None:
    """What the container has of this machine: files, ports and variables."""
    add(
        "-v",
        "--volume",
        type=_volume,
        action="append",
        default=[],
        metavar="SRC:DST[:FLAGS]",
        help="mount a folder or volume; FLAGS are docker's: ro, z, nocopy, …",
    )
    add(
        "--mount",
        type=_mount,
        action="append",
        default=[],
        metavar="KEY=VALUE,…",
        help="the same, in the syntax of docker run --mount",
    )
    add(
        "-p",
        "--publish",
        type=_ports,
        action="append",
        default=[],
        metavar="[[IP:]HOST:]PORT",
        help="publish a port, on the loopback unless IP says otherwise",
    )
    add(
        "-e",
        "--env",
        type=_variable,
        action="append",
        default=[],
        dest="env_variables",
        metavar="NAME[=VALUE]",
        help="a variable; NAME without a value takes the value from here, and no process list shows it",
    )
    add("--env-file", action="append", default=[], type=Path, metavar="FILE", help="lines of NAME=VALUE or NAME")


def _process(add: Callable[..., argparse.Action]) -> None:
    """What the task runs as, with which limits, and how it is reached."""
    add("-w", "--workdir", metavar="DIR", help="working directory in the container")
    add("-u", "--user", metavar="USER[:GROUP]", help="user that the task runs as")
    add("-m", "--memory", metavar="SIZE", help="limit of memory, such as 2g")
    add("--cpus", metavar="N", help="limit of processor time, such as 1.5")
    add("--shm-size", metavar="SIZE", help="size of /dev/shm, default: 1g")
    add("--gpus", metavar="WHICH", help="all, a number, or device=ID,ID")
    add(
        "--novnc-port",
        type=int,
        metavar="N",
        help="port in the desktop's URL, for example for a tunnel; default: a free one",
    )
    add("--network", metavar="NAME", help="a network of the engine, or none")
    add("--name", metavar="NAME", help="the container's name")


def _life(add: Callable[..., argparse.Action]) -> None:
    """Who is at the task, and how long it stays."""
    add("-t", "--tty", action="store_true", help="a terminal for the command, which it has anyway if there is one here")
    add("-i", "--interactive", action="store_true", help="standard input for the command, which it has anyway")
    add("-d", "--detach", action="store_true", help="start the task, say how to reach it, and leave it running")
    add("--json", action="store_true", help="with --detach: one JSON object on standard output")
    add("--keep", action="store_true", help="leave the stopped container instead of removing it")
    add("--rm", action="store_false", dest="keep", help="remove it, which is the default")
    add(
        "--no-auth",
        action="store_false",
        dest="auth",
        help="no secret: every user of this machine can reach the desktop",
    )


def _others(add: Callable[..., argparse.Action]) -> None:
    """What else `docker run` takes."""
    add(
        "--docker",
        action="append",
        default=[],
        metavar="=--OPTION=VALUE",
        help="another option of docker run, as in --docker=--memory=4g",
    )
    for name, metavar, text in (
        ("--pids-limit", "N", "limit of processes and threads, default: 4096; -1 for no limit"),
        ("--security-opt", "OPTION", "such as no-new-privileges, under which sudo does not work"),
    ):
        add(name, action="append", default=[], dest="docker", type=f"{name}={{}}".format, metavar=metavar, help=text)
