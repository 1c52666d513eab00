"""What people expect of a task's container, as values. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from posixpath import normpath
from typing import TYPE_CHECKING, Any

from ...generator.described import check_types
from ...generator.environment_values import check_platform
from ...generator.errors import ConfigurationError
from .docker_values import bytes_of, fields_of, nano_cpus_of, pair_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .mounts import Mount
    from .ports import Port


NOVNC_PORT = 6080
DISPLAY = "1"
X_SOCKETS = "/tmp/.X11-unix"
COOKIE, SECRET = f"{X_SOCKETS}/cookie", f"{X_SOCKETS}/secret"  # written by desktop_run.sh, for its user alone
GEOMETRY = "1280x800"
DEPTHS = (16, 24)
_GEOMETRY = re.compile(r"([1-9][0-9]{1,4})x([1-9][0-9]{1,4})")
_SMALLEST, _LARGEST = 64, 16384  # pixels; Xvnc has no other screen
_LEAST_MEMORY = 6 << 20  # the engine takes no less
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_VARIABLE = re.compile(r"[^=\0]+")


def size_of(geometry: str) -> tuple[int, int]:
    """Width and height of a screen.

    Args:
        geometry: `WIDTHxHEIGHT`, in pixels.

    Raises:
        ConfigurationError: it has another form, or is not a size of a screen.
    """
    found = _GEOMETRY.fullmatch(geometry)
    size = (int(found[1]), int(found[2])) if found else (0, 0)
    if not all(_SMALLEST <= side <= _LARGEST for side in size):
        raise ConfigurationError(
            f"bad geometry {geometry[:40]!r}",
            f"write WIDTHxHEIGHT in pixels, such as {GEOMETRY}; each is {_SMALLEST} to {_LARGEST}",
        )
    return size


@dataclass(frozen=True, kw_only=True)
class TaskOptions:
    """How to start a task's container.

    Args:
        geometry: screen size in pixels, `WIDTHxHEIGHT`.
        fixed_size: whether the size is fixed, for commands that depend on it. Otherwise the desktop takes the size of
            the browser window in which somebody opens the task's URL.
        depth: bits per pixel, 16 or 24.
        auth: whether the screen requires the task's secret. Without it, every user of this machine can reach the
            screen.
        mounts, ports: as `Mount` and `Port` describe them.
        variables: environment variables of everything in the container, never printed; None unsets a variable of the
            image.
        workdir: working directory in the container.
        user: `user[:group]`, names or numbers.
        gpus: as `docker run --gpus`: `all`, a number, `device=0,1`, or keys such as `count=2,capabilities=utility`.
        memory: the most memory that it may have, in bytes or as `docker run --memory`: `512m`, `2g`; no limit if None.
        cpus: how much of processors' time it may take, as `docker run --cpus`: `1.5`; no limit if None.
        shm_size: the size of `/dev/shm`, in bytes or as `docker run --shm-size`; the environment's, or `1g`, if None.
        platform: what its image has to be for, `os/architecture[/variant]`, before that of environment and settings.
        network: name of a network of the engine, or `none`.
        novnc_port: the port in the desktop's URL, on this machine's loopback; a free port if None.
        name: the container's name; a unique name if None.
        tty: whether the command has a terminal, of 24 lines and 80 columns, at which nobody types. What it prints is
            all standard output then, as a terminal gets it. The image needs Python, which every desktop has.
        detach: whether the task outlives the program that starts it.
        keep: whether the stopped container is kept instead of removed.
        extra: further parts of the engine's container body (Docker Engine API, "ContainerCreate"), such as
            `{"HostConfig": {"CapAdd": ["SYS_PTRACE"]}}`.

    Raises:
        ConfigurationError: a value is malformed, or would open the screen.
    """

    geometry: str = GEOMETRY
    fixed_size: bool = False
    depth: int = 24
    auth: bool = True
    mounts: tuple[Mount, ...] = ()
    ports: tuple[Port, ...] = ()
    variables: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    workdir: str | None = None
    user: str | None = None
    gpus: str | None = None
    memory: int | str | None = None
    cpus: float | str | None = None
    shm_size: int | str | None = None
    platform: str | None = None
    network: str | None = None
    novnc_port: int | None = None
    name: str | None = None
    tty: bool = False
    detach: bool = False
    keep: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_types(self)
        size_of(self.geometry)
        if self.depth not in DEPTHS:
            raise ConfigurationError(f"bad depth {self.depth}", "use 24, or 16")
        if self.novnc_port is not None and not 1 <= self.novnc_port <= 65535:
            raise ConfigurationError(f"bad noVNC port {self.novnc_port}", "use 1 to 65535")
        if self.name is not None and not _NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"bad container name {self.name!r}", "use letters, digits, '_', '.' and '-', at least two characters"
            )
        if self.workdir is not None and not self.workdir.startswith("/"):
            raise ConfigurationError(f"the working directory {self.workdir!r} is not absolute", "write /a/path")
        for name, value in self.variables.items():
            if not _VARIABLE.fullmatch(name) or "\0" in (value or ""):
                raise ConfigurationError(f"malformed environment variable {name!r}", "write NAME=VALUE")
        targets = self._targets()
        twice = next((t for t in targets if targets.count(t) > 1), None)
        if twice:
            raise ConfigurationError(
                f"two mounts have the target {twice}: one would hide the other", "give each its own target"
            )
        device_request(self.gpus)
        if self.platform is not None:
            check_platform(self.platform)
        _ = self.limits

    def _targets(self) -> list[str]:
        """The targets of mounts, from `mounts` and from `--tmpfs`."""
        return [*(mount.target for mount in self.mounts), *map(normpath, self._host.get("Tmpfs", ()))]

    @property
    def _host(self) -> Mapping[str, Any]:
        """The engine's host configuration in `extra`."""
        return dict(self.extra.get("HostConfig", {}))

    @property
    def limits(self) -> dict[str, int]:
        """What `memory`, `cpus` and `shm_size` mean in the engine's host configuration.

        Raises:
            ConfigurationError: one of them is malformed.
        """
        found: dict[str, int] = {}
        if self.memory is not None:
            found["Memory"] = _size("memory", self.memory)
            if 0 < found["Memory"] < _LEAST_MEMORY:
                raise ConfigurationError(f"memory {self.memory!r} is too little", "the engine takes 6m or more")
        if self.shm_size is not None:
            found["ShmSize"] = _size("shm_size", self.shm_size)
        if self.cpus is not None:
            try:
                found["NanoCpus"] = nano_cpus_of(self.cpus)
            except (ValueError, ZeroDivisionError) as error:
                raise ConfigurationError(
                    f"bad cpus {self.cpus!r}", "write a number of processors, such as 2 or 1.5"
                ) from error
        return found

    def check_desktop(self) -> None:
        """Refuse options that would expose the desktop to others, or conflict with it.

        Raises:
            ConfigurationError: the network is another machine's or container's, a mount is for the X sockets, or a port
                is noVNC's.
        """
        for target in self._targets():
            if f"{target}/".startswith(f"{X_SOCKETS}/"):
                raise ConfigurationError(
                    f"a mount at {target} is in the way of the desktop's own X sockets",
                    "leave it out; for the X display of this machine, use an environment without a desktop",
                )
        if f"{NOVNC_PORT}/tcp" in (port.inside for port in self.ports):
            raise ConfigurationError(
                f"port {NOVNC_PORT} is noVNC's, and published already, at a free port that the task's URL names",
                f"leave it out, or let your service listen on another port than {NOVNC_PORT}",
            )
        network = self.network or ""
        if network == "host" or network.startswith("container:"):
            raise ConfigurationError(
                f"network {network!r} would share the desktop's ports and X sockets with others",
                "use a network of the engine and publish ports by -p",
            )


def _size(name: str, value: int | str) -> int:
    try:
        return bytes_of(value)
    except (ValueError, OverflowError) as error:
        raise ConfigurationError(f"bad {name} {value!r}", "write bytes, or a size such as 512m or 2g") from error


def _count(text: str) -> int:
    if not re.fullmatch(r"all|[1-9][0-9]{0,3}", text):
        raise ValueError(text)
    return -1 if text == "all" else int(text)


# key of --gpus → field of the engine's device request, and how its value is read
_GPU_KEYS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "count": ("Count", _count),
    "driver": ("Driver", str),
    "device": ("DeviceIDs", lambda text: text.split(",")),
    "capabilities": ("Capabilities", lambda text: [[*text.split(","), "gpu"]]),
    "options": ("Options", lambda text: dict(map(pair_of, fields_of(text)))),
}


def device_request(gpus: str | None) -> list[dict[str, Any]]:
    """The engine's device request for `--gpus`.

    Raises:
        ConfigurationError: it is malformed.
    """
    if gpus is None:
        return []
    request: dict[str, Any] = {"Capabilities": [["gpu"]]}
    try:
        # docker wants quotes around this one, because of its comma
        parts = [gpus] if re.fullmatch("device=[^=]+", gpus) else fields_of(gpus)
        for part in parts:
            name, given, value = part.partition("=")
            field_name, read = _GPU_KEYS[name if given else "count"]
            request[field_name] = read(value if given else name)
    except (KeyError, ValueError) as error:
        raise ConfigurationError(f"bad value of gpus: {gpus!r}", "use all, a number, or device=ID,ID") from error
    return [request if request.keys() & {"Count", "DeviceIDs"} else {**request, "Count": 1}]
