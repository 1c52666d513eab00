"""Options of a task's container as people write them, by the grammar of `docker run`. Pure, but for `check_sources`."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bake.options import Mount, Port
from generator.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_PORT = re.compile(
    r"(?:(?:(?P<ip>\[[^]]+\]|[^:]+):)?(?P<host>[0-9]{0,5}):)?(?P<container>[0-9]{1,5})(?:/(?P<protocol>[a-z]+))?"
)
_SIZE = re.compile(r"([0-9]+)([bkmgt]?)b?", re.IGNORECASE)


def parse_volume(text: str) -> Mount:
    """`-v SOURCE:TARGET[:ro]`: a source with a slash, or that begins with a dot or ~, is a path, else a volume.

    Raises:
        ConfigurationError: it is malformed.
    """
    parts = text.split(":")
    if len(parts) == 1 and text:
        return Mount(kind="volume", target=text)
    if not (2 <= len(parts) <= 3 and parts[0]) or parts[2:3] not in ([], ["ro"], ["rw"]):
        raise ConfigurationError(f"malformed volume {text!r}", "write SOURCE:TARGET, or SOURCE:TARGET:ro")
    read_only = parts[2:3] == ["ro"]
    if parts[0][0] in "./~" or "/" in parts[0]:
        source = _absolute(parts[0])
        return Mount(kind="bind", source=source, target=parts[1], read_only=read_only)
    return Mount(kind="volume", source=parts[0], target=parts[1], read_only=read_only)


def parse_mount(text: str) -> Mount:
    """`--mount type=bind,source=…,target=…,readonly`.

    Raises:
        ConfigurationError: it is malformed or asks for what is not known.
    """
    names = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}
    values: dict[str, str] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        values[names.get(name, name)] = value
    unknown = sorted(values.keys() - {"type", "source", "target", "readonly"})
    if unknown:
        raise ConfigurationError(f"--mount: unknown key {unknown[0]!r}", "use type, source, target, readonly")
    if "target" not in values or values.get("readonly", "") not in ("", "true", "false"):
        raise ConfigurationError(f"malformed mount {text!r}", "write type=bind,source=/a/folder,target=/work")
    kind, source = values.get("type", "volume"), values.get("source", "")
    if kind == "bind" and source:
        source = _absolute(source)
    read_only = values.get("readonly", "false") != "false"
    return Mount(kind=kind, source=source, target=values["target"], read_only=read_only)


def _absolute(path: str) -> str:
    try:
        return str(Path(path).expanduser().absolute())
    except (RuntimeError, ValueError) as error:
        raise ConfigurationError(f"no folder has the name {path!r}", "write the whole path") from error


def check_sources(mounts: Iterable[Mount]) -> None:
    """Check that what is mounted from this machine is here; for an engine of this machine.

    Raises:
        ConfigurationError: a source is missing.
    """
    for mount in mounts:
        if mount.kind == "bind" and not Path(mount.source).exists():
            raise ConfigurationError(f"cannot mount {mount.source}: it does not exist", f"mkdir -p {mount.source}")


def parse_port(text: str) -> Port:
    """`-p [[IP:]HOST:]PORT[/PROTOCOL]`; the loopback where no address is given.

    Raises:
        ConfigurationError: it is malformed.
    """
    found = _PORT.fullmatch(text)
    remedy = "write 8080:80, or 127.0.0.1:8080:80/tcp"
    if not found:
        raise ConfigurationError(f"malformed port {text!r}", remedy)
    address = (found["ip"] or "127.0.0.1").strip("[]")
    try:
        ipaddress.ip_address(address)
    except ValueError as error:
        raise ConfigurationError(f"malformed port {text!r}: {address!r} is no IP address", remedy) from error
    return Port(
        container=int(found["container"]), host=int(found["host"] or 0), address=address,
        protocol=found["protocol"] or "tcp",
    )  # fmt: skip


def parse_environment(lines: Iterable[str], ours: Mapping[str, str]) -> dict[str, str]:
    """`NAME=VALUE`, or `NAME` for this process's own value, which then stands in no process list.

    Args:
        lines: one variable each.
        ours: this process's environment.

    Raises:
        ConfigurationError: a name is malformed, or stands alone and is not set here.
    """
    variables = {}
    for line in lines:
        name, given, value = line.partition("=")
        name = name.strip()
        if not name or " " in name:
            raise ConfigurationError("malformed environment variable", "write NAME=VALUE, or NAME")
        if not given and name not in ours:
            raise ConfigurationError(f"the environment variable {name} is not set here", f"write {name}=VALUE")
        variables[name] = value if given else ours[name]
    return variables


def _text(text: str) -> str:
    if not text:
        raise ValueError(text)
    return text


def _flag(text: str) -> bool:
    if text:
        raise ValueError(text)
    return True


def _size(text: str) -> int:
    found = _SIZE.fullmatch(text)
    if not found:
        raise ValueError(text)
    return int(found[1]) << (10 * "bkmgt".index(found[2].lower() or "b"))


def _cpus(text: str) -> int:
    return int(float(text) * 1e9)


def _pair(text: str) -> tuple[str, str]:
    name, given, value = text.partition("=")
    if not (name and given):
        raise ValueError(text)
    return name, value


def _label(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not name or name.startswith("desktop-bake"):
        raise ValueError(text)
    return name, value


def _tmpfs(text: str) -> tuple[str, str]:
    path, _, options = text.partition(":")
    if not path.startswith("/"):
        raise ValueError(text)
    return path, options


def _ulimit(text: str) -> dict[str, Any]:
    name, values = _pair(text)
    soft, _, hard = values.partition(":")
    return {"Name": name, "Soft": int(soft), "Hard": int(hard or soft)}


def _device(text: str) -> dict[str, str]:
    parts = text.split(":")
    if not parts[0].startswith("/") or len(parts) > 3:
        raise ValueError(text)
    inside = parts[1] if len(parts) > 1 else parts[0]
    return {"PathOnHost": parts[0], "PathInContainer": inside, "CgroupPermissions": (*parts, "", "")[2] or "rwm"}


def _security(text: str) -> str:
    if text.startswith("seccomp=") and text != "seccomp=unconfined":
        raise ValueError(text)  # a file, whose content the docker client would send
    return text


# option of `docker run` → name in the engine's container body, kind of value, how it is read
_OPTIONS: dict[str, tuple[str, str, Callable[[str], Any]]] = {
    "shm-size": ("ShmSize", "one", _size),
    "memory": ("Memory", "one", _size),
    "memory-swap": ("MemorySwap", "one", _size),
    "cpus": ("NanoCpus", "one", _cpus),
    "cpuset-cpus": ("CpusetCpus", "one", _text),
    "pids-limit": ("PidsLimit", "one", int),
    "privileged": ("Privileged", "one", _flag),
    "cap-add": ("CapAdd", "list", _text),
    "cap-drop": ("CapDrop", "list", _text),
    "security-opt": ("SecurityOpt", "list", _security),
    "group-add": ("GroupAdd", "list", _text),
    "device": ("Devices", "list", _device),
    "add-host": ("ExtraHosts", "list", _text),
    "dns": ("Dns", "list", _text),
    "ulimit": ("Ulimits", "list", _ulimit),
    "tmpfs": ("Tmpfs", "table", _tmpfs),
    "sysctl": ("Sysctls", "table", _pair),
    "runtime": ("Runtime", "one", _text),
    "hostname": ("Hostname", "one", _text),
    "label": ("Labels", "table", _label),
}
_OF_THE_BODY = ("Hostname", "Labels")  # the others are the host's configuration


def docker_options(words: Iterable[str]) -> dict[str, Any]:
    """Further options of `docker run`, as the engine's container body holds them.

    Args:
        words: `--NAME=VALUE` or `--NAME` each.

    Raises:
        ConfigurationError: an option is not known or not let through, or its value is malformed.
    """
    body: dict[str, Any] = {}
    for word in words:
        name, _, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or name not in _OPTIONS:
            raise ConfigurationError(
                f"--docker: the option {word.split('=')[0]!r} is not let through",
                "write --docker=--NAME=VALUE with one of: " + ", ".join(_OPTIONS),
            )
        field, kind, read = _OPTIONS[name]
        place = body if field in _OF_THE_BODY else body.setdefault("HostConfig", {})
        try:
            content = read(value)
        except (ValueError, OverflowError) as error:
            raise ConfigurationError(f"--docker: bad value in {word!r}", "see: docker run --help") from error
        if kind == "list":
            place.setdefault(field, []).append(content)
        elif kind == "table":
            place.setdefault(field, {}).update([content])
        else:
            place[field] = content
    return body
