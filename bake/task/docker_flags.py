"""Variables and further options of a task's container as people write them, by the grammar of `docker run`. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ...generator.errors import ConfigurationError
from .docker_values import nano_cpus_of, pair_of, size_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def parse_environment(lines: Iterable[str], ours: Mapping[str, str]) -> dict[str, str | None]:
    """`-e NAME=VALUE`, or `-e NAME` for this process's own value, which then appears in no process list.

    Args:
        lines: one variable each.
        ours: this process's environment.

    Returns:
        The values by name; None for a name without a value that is not set here: the image's variable is removed.

    Raises:
        ConfigurationError: a name is missing.
    """
    variables: dict[str, str | None] = {}
    for line in lines:
        name, given, value = line.partition("=")
        if not name:
            raise ConfigurationError("malformed environment variable after -e", "write -e NAME=VALUE, or -e NAME")
        variables[name] = value if given else ours.get(name)
    return variables


def parse_env_file(name: str, content: bytes, ours: Mapping[str, str]) -> dict[str, str]:
    """The variables of an `--env-file`: lines of `NAME=VALUE`, or of `NAME`, which counts if it is set here.

    Args:
        name: the file's name, for errors.
        content: its bytes, in UTF-8, with or without a byte order mark.
        ours: this process's environment.

    Raises:
        ConfigurationError: it is not UTF-8, or a line has no name, or a name with white space.
    """
    try:
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        bad = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{name}: line {bad} is not UTF-8", f"convert it: iconv -t UTF-8 {name}") from error
    variables: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        written = line.removesuffix("\r").lstrip()
        if not written or written.startswith("#"):
            continue
        variable, given, value = written.partition("=")
        if not variable or " " in variable or "\t" in variable:
            raise ConfigurationError(
                f"{name}: line {number} has no name, or one with a space in it", "write NAME=VALUE, or NAME"
            )
        if given or variable in ours:
            variables[variable] = value if given else ours[variable]
    return variables


def _text(text: str) -> str:
    if not text:
        raise ValueError(text)
    return text


def _flag(text: str) -> bool:
    if text:
        raise ValueError(text)
    return True


def _swap(text: str) -> int:
    return -1 if text == "-1" else size_of(text)  # -1: as much as there is


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
    name, values = pair_of(text)
    soft, _, hard = values.partition(":")
    return {"Name": name, "Soft": int(soft), "Hard": int(hard or soft)}


def _device(text: str) -> dict[str, str]:
    parts = text.split(":")
    if not parts[0].startswith("/") or len(parts) > 3:
        raise ValueError(text)
    inside = parts[1] if len(parts) > 1 else parts[0]
    return {"PathOnHost": parts[0], "PathInContainer": inside, "CgroupPermissions": (*parts, "", "")[2] or "rwm"}


def _security(text: str) -> str:
    name, _, profile = text.partition("=")
    if name == "seccomp" and profile != "unconfined" and not isinstance(json.loads(profile), dict):
        raise ValueError(text)
    return text


def profile_of(word: str) -> str | None:
    """The file of a seccomp profile that an option names; the engine wants its content instead of the name."""
    name = word.removeprefix("--security-opt=seccomp=")
    return None if name in (word, "unconfined") or name.startswith("{") else name


def with_profile(word: str, content: bytes) -> str:
    """The option with a profile's content, as the docker client sends it.

    Args:
        word: `--security-opt=seccomp=FILE`.
        content: the file's content.

    Raises:
        ConfigurationError: it is not a seccomp profile.
    """
    try:
        profile = json.loads(content)
    except ValueError:
        profile = None
    if not isinstance(profile, dict) or "defaultAction" not in profile:
        raise ConfigurationError(
            f"{profile_of(word)} is not a seccomp profile", "see docs/browser.md, or seccomp=unconfined"
        )
    return f"--security-opt=seccomp={json.dumps(profile, separators=(',', ':'))}"


# option of `docker run` → name in the engine's container body, type of value, how it is read
_OPTIONS: dict[str, tuple[str, str, Callable[[str], Any]]] = {
    "shm-size": ("ShmSize", "one", size_of),
    "memory": ("Memory", "one", size_of),
    "memory-swap": ("MemorySwap", "one", _swap),
    "cpus": ("NanoCpus", "one", nano_cpus_of),
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
    "sysctl": ("Sysctls", "table", pair_of),
    "runtime": ("Runtime", "one", _text),
    "hostname": ("Hostname", "one", _text),
    "label": ("Labels", "table", _label),
}
OPTIONS = tuple(_OPTIONS)
_OF_THE_BODY = ("Hostname", "Labels")  # the others are the host's configuration


def docker_options(words: Iterable[str]) -> dict[str, Any]:
    """Further options of `docker run`, as the engine's container body has them.

    Args:
        words: `--NAME=VALUE` or `--NAME` each.

    Raises:
        ConfigurationError: an option is unknown or not allowed, or its value is malformed.
    """
    body: dict[str, Any] = {}
    for word in words:
        name, _, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or name not in _OPTIONS:
            raise ConfigurationError(
                f"--docker: the option {word.split('=')[0]!r} is not allowed",
                "write --docker=--NAME=VALUE with one of: " + ", ".join(OPTIONS),
            )
        field, kind, read = _OPTIONS[name]
        place = body if field in _OF_THE_BODY else body.setdefault("HostConfig", {})
        try:
            content = read(value)
        except (ValueError, OverflowError, ZeroDivisionError) as error:
            raise ConfigurationError(f"bad value in {word!r}", "see: docker run --help") from error
        if kind == "list":
            place.setdefault(field, []).append(content)
        elif kind == "table":
            place.setdefault(field, {}).update([content])
        else:
            place[field] = content
    return body
