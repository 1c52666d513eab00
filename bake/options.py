"""What people expect of a task's container, as values, and the engine's container that they make. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from posixpath import normpath
from typing import TYPE_CHECKING, Any

from generator.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TASK_LABEL = "desktop-bake-task"
NOVNC_PORT = 6080
DISPLAY = "1"
X_SOCKETS = "/tmp/.X11-unix"
DEPTHS = (16, 24)
_GEOMETRY = re.compile(r"([1-9][0-9]{1,4})x([1-9][0-9]{1,4})")
_LARGEST = 16384  # pixels; Xvnc has no larger screen
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_VARIABLE = re.compile(r"[^=\0]+")


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A folder, file, volume or memory file system in the container.

    Args:
        kind: `bind`, `volume` or `tmpfs`.
        source: absolute path for a bind, name for a volume, empty for `tmpfs` and a new volume.
        target: absolute path in the container.
        read_only: whether it cannot be written.
    """

    kind: str
    source: str = ""
    target: str
    read_only: bool = False

    def __post_init__(self) -> None:
        if self.kind not in ("bind", "volume", "tmpfs"):
            raise ConfigurationError(f"unknown kind of mount {self.kind!r}", "use bind, volume or tmpfs")
        if self.target.startswith("/"):
            object.__setattr__(self, "target", normpath("/" + self.target.lstrip("/")))  # as the engine reads it
        if not self.target.startswith("/") or self.target == "/":
            raise ConfigurationError(
                f"the mount's target {self.target!r} is no path in the container",
                "write an absolute path: /work",
            )
        if self.kind == "bind" and not self.source.startswith("/"):
            raise ConfigurationError(
                f"the mount's source {self.source!r} is not absolute", "write an absolute path, such as /home/me/work"
            )


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port of the container on the engine's machine.

    Args:
        container: the port in the container.
        host: the port outside; 0 for any that is free.
        address: the address outside; the loopback, unless somebody wants others to reach it.
        protocol: `tcp`, `udp` or `sctp`.
    """

    container: int
    host: int = 0
    address: str = "127.0.0.1"
    protocol: str = "tcp"

    def __post_init__(self) -> None:
        if not (0 < self.container < 65536 and 0 <= self.host < 65536):
            raise ConfigurationError(f"bad port {self.host}:{self.container}", "ports are 1 to 65535")
        if self.protocol not in ("tcp", "udp", "sctp"):
            raise ConfigurationError(f"unknown protocol {self.protocol!r}", "use tcp, udp or sctp")
        if self.container == NOVNC_PORT:
            raise ConfigurationError(
                f"port {NOVNC_PORT} is noVNC's, and published already", "let your service listen on another port"
            )


@dataclass(frozen=True, kw_only=True)
class TaskOptions:
    """How a task's container is started.

    Args:
        geometry: screen size in pixels, `WIDTHxHEIGHT`.
        depth: bits a pixel, 16 or 24.
        auth: whether the screen needs the task's secret. Without, every user of this machine gets to it.
        mounts, ports: see there.
        variables: environment variables of everything in the container; never printed by us.
        workdir: working directory in the container.
        user: `user[:group]`, names or numbers.
        gpus: as `docker run --gpus`: `all`, a number, or `device=0,1`.
        network: name of a network of the engine, or `none`.
        name: the container's name; one that nobody has where None.
        detach: whether the task outlives the program that starts it.
        keep: whether the container is left, stopped, instead of removed.
        extra: what of the engine's container body `docker run` options ask for; from `option_text.docker_options`.

    Raises:
        ConfigurationError: a value is malformed, or would open the screen.
    """

    geometry: str = "1280x800"
    depth: int = 24
    auth: bool = True
    mounts: tuple[Mount, ...] = ()
    ports: tuple[Port, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    workdir: str | None = None
    user: str | None = None
    gpus: str | None = None
    network: str | None = None
    name: str | None = None
    detach: bool = False
    keep: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        size = _GEOMETRY.fullmatch(self.geometry)
        if not size or max(int(size[1]), int(size[2])) > _LARGEST:
            raise ConfigurationError(
                f"bad geometry {self.geometry!r}", "write WIDTHxHEIGHT in pixels, such as 1280x800"
            )
        if self.depth not in DEPTHS:
            raise ConfigurationError(f"bad depth {self.depth}", "use 24, or 16")
        if self.name is not None and not _NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"bad container name {self.name!r}", "use letters, digits, '_', '.' and '-', at least two characters"
            )
        if self.workdir is not None and not self.workdir.startswith("/"):
            raise ConfigurationError(f"the working directory {self.workdir!r} is not absolute", "write /a/path")
        for name, value in self.variables.items():
            if not _VARIABLE.fullmatch(name) or "\0" in value:
                raise ConfigurationError(f"malformed environment variable {name!r}", "write NAME=VALUE")
        targets = [m.target for m in self.mounts]
        twice = next((t for t in targets if targets.count(t) > 1), None)
        if twice:
            raise ConfigurationError(f"two mounts at {twice}", "give each its own target")
        device_request(self.gpus)

    def check_desktop(self) -> None:
        """Refuse what would share the desktop with others.

        Raises:
            ConfigurationError: the network is another machine's or container's, or a mount is for the X sockets.
        """
        for target in (*(mount.target for mount in self.mounts), *self.extra.get("HostConfig", {}).get("Tmpfs", ())):
            if f"{normpath(target)}/".startswith(f"{X_SOCKETS}/"):
                raise ConfigurationError(
                    f"a mount at {target} is in the way of the desktop's own X sockets",
                    "leave it out; for the X display of this machine, use an environment without a desktop",
                )
        network = self.network or ""
        if network == "host" or network.startswith("container:"):
            raise ConfigurationError(
                f"network {network!r} would share the desktop's ports and X sockets with others",
                "use a network of the engine and publish ports by -p",
            )


def device_request(gpus: str | None) -> list[dict[str, Any]]:
    """The engine's device request for `--gpus`.

    Raises:
        ConfigurationError: it is malformed.
    """
    if gpus is None:
        return []
    request: dict[str, Any] = {"Capabilities": [["gpu"]]}
    if gpus == "all":
        return [{**request, "Count": -1}]
    if re.fullmatch(r"[1-9][0-9]{0,3}", gpus):
        return [{**request, "Count": int(gpus)}]
    if gpus.startswith("device=") and gpus != "device=":
        return [{**request, "DeviceIDs": gpus.removeprefix("device=").split(",")}]
    raise ConfigurationError(f"bad value of gpus: {gpus!r}", "use all, a number, or device=ID,ID")


# Mounted after whatever is mounted on /tmp: the engine goes by the depth of the targets.
_OWN_SOCKETS = {
    "Type": "tmpfs", "Target": X_SOCKETS, "TmpfsOptions": {"Mode": 0o1777, "SizeBytes": 64 << 20},
}  # fmt: skip


def container_body(
    image: str, command: Sequence[str], env_id: str, options: TaskOptions, *, desktop: bool, publish: bool
) -> dict[str, Any]:
    """The body of the engine's "create a container" request (Docker Engine API).

    Args:
        image: image ID or reference.
        command: the main process's program and arguments.
        env_id: the environment's id, for the label.
        options: what people asked for.
        desktop: whether it gets a desktop.
        publish: whether noVNC's port is published, on the loopback and nowhere else.
    """
    variables = dict(options.variables)
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in options.ports:
        entry = {"HostIp": port.address, "HostPort": str(port.host) if port.host else ""}
        bindings.setdefault(f"{port.container}/{port.protocol}", []).append(entry)
    if desktop:
        variables |= {
            "DISPLAY": f":{DISPLAY}",
            "DESKTOP_DISPLAY": DISPLAY,
            "DESKTOP_GEOMETRY": options.geometry,
            "DESKTOP_DEPTH": str(options.depth),
            "DESKTOP_NOVNC_PORT": str(NOVNC_PORT),
        }
        if publish:
            bindings[f"{NOVNC_PORT}/tcp"] = [{"HostIp": "127.0.0.1", "HostPort": ""}]
    extra = {name: value for name, value in options.extra.items() if name not in ("HostConfig", "Labels")}
    body: dict[str, Any] = {
        "Image": image,
        "Entrypoint": [command[0]],
        "Cmd": list(command[1:]),
        "Env": [f"{name}={value}" for name, value in variables.items()],
        "Labels": {**options.extra.get("Labels", {}), TASK_LABEL: env_id},
        "ExposedPorts": {port: {} for port in bindings},
        "OpenStdin": True,
        "StdinOnce": True,  # the process's standard input ends with our connection
        "HostConfig": {
            "Init": True,
            "AutoRemove": not options.keep,
            "PortBindings": bindings,
            "Mounts": [
                *(
                    {"Type": m.kind, "Source": m.source, "Target": m.target, "ReadOnly": m.read_only}
                    for m in options.mounts
                ),
                *[_OWN_SOCKETS] * desktop,
            ],
            "DeviceRequests": device_request(options.gpus),
            **({"NetworkMode": options.network} if options.network else {}),
            **options.extra.get("HostConfig", {}),
        },
        **({"User": options.user} if options.user else {}),
        **({"WorkingDir": options.workdir} if options.workdir else {}),
        **extra,
    }
    return body
