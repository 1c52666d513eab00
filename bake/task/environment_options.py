"""What an environment says of its tasks' containers, put to what was asked for at a start. Pure, but for `check`."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from ..system.lazy import lazy
from .options import NOVNC_PORT, TaskOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...generator.environment import Environment
    from . import mounts, ports
    from .mounts import Mount
    from .ports import Port
else:  # what a task without any does not need
    mounts = lazy(".mounts", __package__)
    ports = lazy(".ports", __package__)


def with_environment(options: TaskOptions, environment: Environment) -> TaskOptions:
    """The options of a task, with its environment's variables, mounts and ports.

    As Agents Runner has it: of several mounts at one target the first counts, and what is asked for at the start comes
    before the environment's; ports that would publish noVNC's of a desktop are left out, since that is published.

    Args:
        options: what is asked for.
        environment: whose `env_vars`, `extra_mounts` and `ports`.

    Raises:
        ConfigurationError: one of them is malformed, or in the way of the desktop.
    """
    own = _own(environment)
    taken = {mount.target for mount in options.mounts}
    return replace(
        options,
        variables={**own.variables, **options.variables},
        mounts=(*options.mounts, *(mount for mount in own.mounts if mount.target not in taken)),
        ports=(*options.ports, *(port for port in own.ports if port not in options.ports)),
    )


def check(environment: Environment, options: TaskOptions, *, here: bool) -> None:
    """Check what an environment says of its tasks before anything is built for one.

    Args:
        environment: as `with_environment`.
        options: as `with_environment`.
        here: whether mounts are of this machine.

    Raises:
        ConfigurationError: as `with_environment`, or what is to be mounted is missing.
    """
    own = [mount for mount in with_environment(options, environment).mounts if mount not in options.mounts]
    if here and own:
        with _named(environment, "extra_mounts"):
            mounts.check_sources(own)


def left_out(environment: Environment) -> list[str]:
    """Those of an environment's ports that are left out for noVNC's sake, as they are written."""
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
    """What the environment alone asks for."""
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
    return replace(own, ports=tuple(dict.fromkeys(port for parsed in kept for port in parsed)))


def _ports(environment: Environment) -> list[tuple[str, tuple[Port, ...]]]:
    with _named(environment, "ports"):
        return [(text, ports.parse_ports(text)) for text in environment.ports]


def _is_novnc(parsed: tuple[Port, ...]) -> bool:
    return NOVNC_PORT in (port.container for port in parsed)
