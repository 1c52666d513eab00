"""The request for a task's container to the engine, made from the task's options. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .labels import FIXED_SIZE_LABEL
from .options import COOKIE, DISPLAY, NOVNC_PORT, X_SOCKETS, TaskOptions, device_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_RUNTIME = f"{X_SOCKETS}/run"
# Variables that programs on a desktop look for, unless the image or the task sets them.
_SESSION = {
    "XDG_RUNTIME_DIR": _RUNTIME,
    "DBUS_SESSION_BUS_ADDRESS": f"unix:path={_RUNTIME}/bus",
    "QT_QPA_PLATFORM": "xcb",
    "XAPPLRESDIR": "/etc/desktop-bake/app-defaults",
}
_LOCALE = {"LANG", "LC_ALL", "LC_CTYPE"}
# Chromium dies with Docker's 64 MB, and with 256 MB on large canvases: it took 400. It has about 100 processes and
# threads.
_LIMITS = {"ShmSize": 1 << 30, "PidsLimit": 4096}
# Mounted after any mount on /tmp: the engine goes by the depth of the targets.
_OWN_SOCKETS = {
    "Type": "tmpfs",
    "Target": X_SOCKETS,
    "TmpfsOptions": {"Mode": 0o1777, "SizeBytes": 64 << 20},
}


@dataclass(frozen=True, kw_only=True)
class ContainerRequest:
    """The container that a task asks the engine for.

    Args:
        image: image ID or reference.
        command: the main process's program and arguments.
        labels: our labels, by which the task is found again.
        options: the task's options.
        desktop: whether it gets a desktop.
        publish: whether noVNC's port is published, on the loopback and nowhere else.
        inherited: the image's own variables, `NAME=value`. If neither they nor the options set a locale, programs get
            a UTF-8 locale, as on any desktop.
        title: the environment's title, for the desktop.
    """

    image: str
    command: Sequence[str]
    labels: Mapping[str, str]
    options: TaskOptions
    desktop: bool
    publish: bool
    inherited: Sequence[str] = ()
    title: str = ""

    def body(self) -> dict[str, Any]:
        """The body of the engine's "create a container" request (Docker Engine API)."""
        options, bindings = self.options, self._bindings()
        variables = self._variables().items()
        fixed = {FIXED_SIZE_LABEL: "1"} if options.fixed_size else {}
        return {
            "Image": self.image,
            "Entrypoint": [self.command[0]],
            "Cmd": list(self.command[1:]),
            "Env": [name if value is None else f"{name}={value}" for name, value in variables],
            "Labels": {**options.extra.get("Labels", {}), **self.labels, **fixed},
            "ExposedPorts": {port: {} for port in bindings},
            "OpenStdin": True,
            "StdinOnce": True,  # the process's standard input ends with our connection
            "HostConfig": self._host_config(bindings),
            **({"User": options.user} if options.user else {}),
            **({"WorkingDir": options.workdir} if options.workdir else {}),
            **{name: value for name, value in options.extra.items() if name not in ("HostConfig", "Labels")},
        }

    def _variables(self) -> dict[str, str | None]:
        variables: dict[str, str | None] = dict(self.options.variables)
        known = {*variables, *(variable.partition("=")[0] for variable in self.inherited)}
        if not _LOCALE & known:
            variables["LANG"] = "C.UTF-8"
        if self.desktop:
            variables |= {name: value for name, value in _SESSION.items() if name not in known}
            variables |= {
                "DISPLAY": f":{DISPLAY}",
                "XAUTHORITY": COOKIE,
                "DESKTOP_DISPLAY": DISPLAY,
                "DESKTOP_GEOMETRY": self.options.geometry,
                "DESKTOP_DEPTH": str(self.options.depth),
                "DESKTOP_NOVNC_PORT": str(NOVNC_PORT),
                **({"DESKTOP_NAME": self.title} if self.title else {}),
            }
        return variables

    def _bindings(self) -> dict[str, list[dict[str, str]]]:
        bindings: dict[str, list[dict[str, str]]] = {}
        for port in self.options.ports:
            bindings.setdefault(port.inside, []).append(port.binding)
        if self.desktop and self.publish:
            bindings[f"{NOVNC_PORT}/tcp"] = [{"HostIp": "127.0.0.1", "HostPort": str(self.options.novnc_port or "")}]
        return bindings

    def _host_config(self, bindings: Mapping[str, object]) -> dict[str, Any]:
        options = self.options
        return {
            **_LIMITS,
            "Init": True,
            "AutoRemove": not options.keep,
            "PortBindings": bindings,
            "Binds": [mount.bind for mount in options.mounts if mount.flags] or None,
            "Mounts": [
                *(mount.description for mount in options.mounts if not mount.flags),
                *[_OWN_SOCKETS] * self.desktop,
            ],
            "DeviceRequests": device_request(options.gpus),
            **({"NetworkMode": options.network} if options.network else {}),
            **options.extra.get("HostConfig", {}),
            **options.limits,
        }
