"""Mounts of a task's container, as values and as people write them. Pure, except for `check_sources`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from posixpath import normpath
from typing import TYPE_CHECKING, Any

from ...generator.described import check_types, checked
from ...generator.errors import ConfigurationError
from .docker_values import fields_of, pair_of, size_of, truth_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


# flags of -v, at most one of each group (Docker Engine API, "Binds")
_FLAGS = (
    ("ro", "rw"),
    ("z", "Z"),
    ("nocopy",),
    ("consistent", "cached", "delegated"),
    ("shared", "slave", "private", "rshared", "rslave", "rprivate"),
)
_KINDS = ("bind", "volume", "tmpfs")


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A folder, file, volume or memory file system in the container.

    Args:
        kind: `bind`, `volume` or `tmpfs`.
        source: absolute path for a bind, name for a volume, empty for `tmpfs` and a new volume.
        target: absolute path in the container.
        read_only: whether it cannot be written.
        flags: other flags of `docker run -v`: `z`, `Z`, `nocopy`, `cached`, `rshared` and the like.
        fields: other fields of the engine's description (Docker Engine API, "Mount"), as set by `--mount`.
    """

    kind: str
    source: str = ""
    target: str
    read_only: bool = False
    flags: tuple[str, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_types(self)
        if self.kind not in _KINDS:
            raise ConfigurationError(f"unknown kind of mount {self.kind!r}", "use bind, volume or tmpfs")
        if self.target.startswith("/"):
            object.__setattr__(self, "target", normpath("/" + self.target.lstrip("/")))  # as the engine reads it
        if not self.target.startswith("/") or self.target == "/":
            raise ConfigurationError(
                f"the mount's target {self.target!r} is not a path in the container",
                "write an absolute path: /work",
            )
        if self.kind == "bind" and not self.source.startswith("/"):
            raise ConfigurationError(
                f"the mount's source {self.source!r} is not absolute", "write an absolute path, such as /home/me/work"
            )

    @property
    def bind(self) -> str:
        """How the engine takes a mount with flags (Docker Engine API, "Binds")."""
        return ":".join((self.source, self.target, ",".join((*["ro"] * self.read_only, *self.flags))))

    @property
    def description(self) -> dict[str, Any]:
        """How the engine takes a mount without flags (Docker Engine API, "Mount")."""
        own = {"Type": self.kind, "Source": self.source, "Target": self.target, "ReadOnly": self.read_only}
        return {**own, **self.fields}


@checked
def parse_volume(text: str) -> Mount:
    """A mount as `docker run -v` and `desktop-bake run -v` take it.

    Args:
        text: `SOURCE:TARGET[:FLAGS]`. A source with a slash, or that begins with a dot or ~, is a path of this machine,
            from the working directory on; any other is a volume's name. `TARGET` alone is a new volume.

    Raises:
        ConfigurationError: it is malformed.

    Examples:
        >>> parse_volume("/srv/data:/data:ro")
        Mount(kind='bind', source='/srv/data', target='/data', read_only=True, flags=(), fields={})
        >>> parse_volume("cache:/var/cache").kind
        'volume'
        >>> parse_volume("/srv/data:data")
        Traceback (most recent call last):
        desktop_bake.generator.errors.ConfigurationError: the mount's target 'data' is not a path in the container
    """
    parts = text.split(":")
    if len(parts) == 1 and text:
        return Mount(kind="volume", target=text)
    flags = parts[2].split(",") if parts[2:] else []
    if len(parts) > 3 or not parts[0] or any(sum(f in group for f in flags) > 1 for group in _FLAGS):
        raise ConfigurationError(f"malformed volume {text!r}", "write SOURCE:TARGET, or SOURCE:TARGET:ro,z")
    known = [flag for group in _FLAGS for flag in group]
    unknown = next((flag for flag in flags if flag not in known), None)
    if unknown is not None:
        raise ConfigurationError(f"-v: unknown flag {unknown!r} in {text!r}", f"use {', '.join(known)}")
    path = parts[0][0] in "./~" or "/" in parts[0]
    return Mount(
        kind="bind" if path else "volume",
        source=_absolute(parts[0]) if path else parts[0],
        target=parts[1],
        read_only="ro" in flags,
        flags=tuple(flag for flag in flags if flag not in ("ro", "rw")),
    )


_NAMES = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}
_ALONE = dict.fromkeys(("readonly", "volume-nocopy", "bind-nonrecursive"), "true")  # without a value
_RECURSIVE = {
    "enabled": None,
    "disabled": "NonRecursive",
    "writable": "ReadOnlyNonRecursive",
    "readonly": "ReadOnlyForceRecursive",
}
# key of --mount → where its value is in the engine's description, and how it is read
_FIELDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "consistency": ("Consistency", str.lower),
    "bind-propagation": ("BindOptions Propagation", str.lower),
    "bind-nonrecursive": ("BindOptions NonRecursive", truth_of),
    "bind-recursive": ("BindOptions", lambda text: {name: True for name in [_RECURSIVE[text]] if name}),
    "volume-nocopy": ("VolumeOptions NoCopy", truth_of),
    "volume-subpath": ("VolumeOptions Subpath", str),
    "volume-label": ("VolumeOptions Labels", lambda text: dict([text.partition("=")[::2]])),
    "volume-driver": ("VolumeOptions DriverConfig Name", str),
    "volume-opt": ("VolumeOptions DriverConfig Options", lambda text: dict([pair_of(text)])),
    "tmpfs-size": ("TmpfsOptions SizeBytes", size_of),
    "tmpfs-mode": ("TmpfsOptions Mode", lambda text: int(text, 8)),
}


@checked
def parse_mount(text: str) -> Mount:
    """A mount as `docker run --mount` and `desktop-bake run --mount` take it.

    Args:
        text: `KEY=VALUE` with commas between, such as `type=bind,source=/srv/data,target=/data,readonly`.

    Raises:
        ConfigurationError: it is malformed or asks for what is not known.

    Examples:
        >>> parse_mount("type=bind,source=/srv/data,target=/data,readonly")
        Mount(kind='bind', source='/srv/data', target='/data', read_only=True, flags=(), fields={})
        >>> parse_mount("type=tmpfs,target=/fast,tmpfs-size=64m").fields
        {'TmpfsOptions': {'SizeBytes': 67108864}}
    """
    own = {"type": "volume", "source": "", "target": "", "readonly": "false"}
    fields: dict[str, Any] = {}
    try:
        for part in fields_of(text):
            name, given, value = part.partition("=")
            name = _NAMES.get(name.lower(), name.lower())
            if not given:
                value = _ALONE[name]
            if name in own:
                own[name] = value
            elif name not in _FIELDS:
                known = ", ".join((*own, *_FIELDS))
                raise ConfigurationError(f"--mount: unknown key {name!r}", f"use {known}")
            else:
                _set(fields, _FIELDS[name][0].split(), _FIELDS[name][1](value))
        kind, read_only = own["type"].lower(), truth_of(own["readonly"])
    except (ValueError, KeyError, OverflowError) as error:
        raise ConfigurationError(
            f"malformed mount {text!r}", "write type=bind,source=/a/folder,target=/work; see: docker run --help"
        ) from error
    if {f"{other.capitalize()}Options" for other in _KINDS if other != kind} & fields.keys():
        raise ConfigurationError(
            f"--mount: a key of another kind than {kind} in {text!r}", "leave out that key; see: docker run --help"
        )
    source = _absolute(own["source"]) if kind == "bind" and own["source"] else own["source"]
    return Mount(kind=kind, source=source, target=own["target"], read_only=read_only, fields=fields)


def _set(fields: dict[str, Any], path: list[str], value: object) -> None:
    *above, last = path
    for name in above:
        fields = fields.setdefault(name, {})
    if isinstance(value, dict):
        fields.setdefault(last, {}).update(value)
    else:
        fields[last] = value


def _absolute(path: str) -> str:
    try:
        return str(Path(path).expanduser().absolute())
    except (RuntimeError, ValueError) as error:
        raise ConfigurationError(f"no folder has the name {path!r}", "write the whole path") from error


def check_sources(mounts: Iterable[Mount]) -> None:
    """Check that the sources of mounts exist on this machine; for an engine of this machine.

    Raises:
        ConfigurationError: a source is missing.
    """
    for mount in mounts:
        if mount.kind == "bind" and not Path(mount.source).exists():
            raise ConfigurationError(f"cannot mount {mount.source}: it does not exist", f"mkdir -p {mount.source}")
