"""What an environment says about its tasks' containers, added to the options of a start.

Pure, except for `check` and `with_profiles`, which read files.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from ..config.script_file import inside
from ..system.files import read_regular_file
from ..system.lazy import lazy
from .options import NOVNC_PORT, TaskOptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from ...generator.environment import Environment
    from . import docker_flags, mounts, ports
    from .mounts import Mount
    from .ports import Port
else:  # not needed by a task without these
    docker_flags = lazy(".docker_flags", __package__)
    mounts = lazy(".mounts", __package__)
    ports = lazy(".ports", __package__)


_SECURITY = "--security-opt="


def with_environment(options: TaskOptions, environment: Environment) -> TaskOptions:
    """The options of a task, with what its environment says about its container.

    As in Agents Runner, the first of several mounts at one target counts, and the options of the start come before the
    environment's. Ports that would publish a desktop's noVNC port are left out, since it is published already.

    Args:
        options: the options of the start.
        environment: its `env_vars`, `extra_mounts`, `ports`, `user`, `security_opt` and `shm_size` count. A seccomp
            profile is still a file's name: see `with_profiles`.

    Raises:
        ConfigurationError: one of them is malformed, or conflicts with the desktop.
    """
    own = _own(environment)
    taken = {mount.target for mount in options.mounts}
    return replace(
        options,
        variables={**own.variables, **options.variables},
        mounts=(*options.mounts, *(mount for mount in own.mounts if mount.target not in taken)),
        ports=(*options.ports, *(port for port in own.ports if port not in options.ports)),
        user=options.user or own.user,
        extra=_merged(own.extra, options.extra),
    )


def _merged(own: Mapping[str, Any], asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """An environment's `extra`, overridden by that of the start; security options are overridden by name."""
    if not own:
        return asked
    host = {**own["HostConfig"], **asked.get("HostConfig", {})}
    wanted = asked.get("HostConfig", {}).get("SecurityOpt", [])
    names = {_name(word) for word in wanted}
    security = [*(word for word in own["HostConfig"].get("SecurityOpt", []) if _name(word) not in names), *wanted]
    return {**asked, "HostConfig": {**host, **({"SecurityOpt": security} if security else {})}}


def _name(word: str) -> str:
    return re.split("[=:]", word, maxsplit=1)[0]


def with_profiles(options: TaskOptions, environment: Environment, root: Path) -> TaskOptions:
    """The options of a task, with the content of seccomp profiles instead of their files' names.

    Args:
        options: from `with_environment`.
        environment: its environment, for messages.
        root: the configuration's folder, which contains the files.

    Raises:
        ConfigurationError: a file is missing, outside the folder, or not a seccomp profile.
    """
    host = options.extra.get("HostConfig", {})
    words: list[str] = host.get("SecurityOpt", [])
    if not words:
        return options
    with _named(environment, "security_opt"):
        whole = [_whole(word, root) for word in words]
    return replace(options, extra={**options.extra, "HostConfig": {**host, "SecurityOpt": whole}})


def _whole(word: str, root: Path) -> str:
    name = docker_flags.profile_of(_SECURITY + word)
    if not name:
        return word
    path = inside(root, "", "seccomp", name)
    try:
        content = read_regular_file(path)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError(f"cannot read {name}: {why}", "see docs/browser.md for a profile") from error
    return docker_flags.with_profile(_SECURITY + word, content).removeprefix(_SECURITY)


def check(environment: Environment, options: TaskOptions, root: Path, *, here: bool) -> None:
    """Check a task's options, and what its environment says about its tasks, before anything is built for one.

    Args:
        environment: as `with_environment`.
        options: as `with_environment`.
        root: as `with_profiles`.
        here: whether mounts are of this machine.

    Raises:
        ConfigurationError: as `with_environment` and `with_profiles`, or the source of a mount is missing.
    """
    if here and options.mounts:
        mounts.check_sources(options.mounts)
    whole = with_environment(options, environment)
    with_profiles(whole, environment, root)
    own = [mount for mount in whole.mounts if mount not in options.mounts]
    if here and own:
        with _named(environment, "extra_mounts"):
            mounts.check_sources(own)


def left_out(environment: Environment) -> list[str]:
    """The environment's ports that are left out because of noVNC's, as they are written."""
    if not environment.headless_desktop_enabled:
        return []
    return [text for text, parsed in _ports(environment) if _is_novnc(parsed)]


@contextmanager
def _named(environment: Environment, field: str) -> Iterator[None]:
    try:
        yield
    except ConfigurationError as error:
        raise ConfigurationError(f"environment {environment.env_id!r}: {field}: {error}", error.remedy) from error


def _own(environment: Environment) -> TaskOptions:
    """The options of the environment alone."""
    with _named(environment, "env_vars"):
        variables = TaskOptions(variables=environment.env_vars).variables
    found: dict[str, Mount] = {}
    with _named(environment, "extra_mounts"):
        for text in environment.extra_mounts:
            if ":" not in text:
                raise ConfigurationError(f"malformed mount {text!r}", "write SOURCE:TARGET, or SOURCE:TARGET:ro")
            mount = mounts.parse_volume(text)
            found.setdefault(mount.target, mount)
        own = TaskOptions(variables=variables, mounts=tuple(found.values()))
        if environment.headless_desktop_enabled:
            own.check_desktop()
    skips = environment.headless_desktop_enabled
    kept = [parsed for _, parsed in _ports(environment) if not (skips and _is_novnc(parsed))]
    return replace(
        own,
        ports=tuple(dict.fromkeys(port for parsed in kept for port in parsed)),
        user=environment.user,
        extra=_extra(environment),
    )


def _extra(environment: Environment) -> Mapping[str, Any]:
    """Its size of `/dev/shm` and its security options, as the engine's container body has them."""
    host: dict[str, Any] = {}
    if environment.shm_size:
        with _named(environment, "shm_size"):
            host |= docker_flags.docker_options([f"--shm-size={environment.shm_size}"])["HostConfig"]
    if environment.security_opt:
        words = [_SECURITY + text for text in environment.security_opt]
        with _named(environment, "security_opt"):
            docker_flags.docker_options(word for word in words if not docker_flags.profile_of(word))
        host["SecurityOpt"] = [*environment.security_opt]
    return {"HostConfig": host} if host else {}


def _ports(environment: Environment) -> list[tuple[str, tuple[Port, ...]]]:
    with _named(environment, "ports"):
        return [(text, ports.parse_ports(text)) for text in environment.ports]


def _is_novnc(parsed: tuple[Port, ...]) -> bool:
    return NOVNC_PORT in (port.container for port in parsed)
