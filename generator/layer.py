"""A layer: one named part of an environment besides its desktop, with a script, packages, or both."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .described import about, check_types, checked
from .errors import ConfigurationError
from .file_name import check_inside
from .script import Script

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import PurePath

    from .file_name import File


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")  # valid for a target of Bake, and not an option
# names of Debian and Arch, also with a version, release, architecture or repository; a `-` at the end would remove it
_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._:=~@/-]*(?<!-)")
_LONGEST_PACKAGE = 128
MOST_PACKAGES = 500  # their names are one argument of a program: at most 128 KiB (execve(2), MAX_ARG_STRLEN)
MOST_LAYERS = 50  # Docker mounts at most 127 layers; one of ours is one or two


@dataclass(frozen=True, kw_only=True)
class Layer:
    """Packages or a script below or above the desktop, baked as a separate layer.

    Args:
        name: the layer's name, from which its target in the bake file is named; environments may share it.

    Raises:
        ConfigurationError: a value has the wrong type or form, there is nothing to install, or there are files without
            a script.
    """

    name: str
    script: str | PurePath | Script | None = field(
        default=None,
        metadata=about("script that installs it", "or `text`, the text itself", example='"tools.sh"'),
    )
    packages: tuple[str, ...] = field(
        default=(),
        metadata=about(
            "packages to install with the base's package manager, before the script runs",
            example='["chromium", "git"]',
        ),
    )
    files: tuple[File, ...] = field(
        default=(),
        metadata=about("[files and folders](layers.md#files) that the script needs", example='["requirements.txt"]'),
    )
    below_desktop: bool = field(
        default=False, metadata=about("put it below the desktop instead of above", example="true")
    )
    cache: bool | None = field(
        default=None,
        metadata=about(
            "bake it; if off, it is installed at every start",
            unset="the environment's `cache_desktop_build`",
            example="true",
        ),
    )
    needs: tuple[str, ...] = field(
        default=(), metadata=about("names of layers that must be below it", example='["tools"]')
    )

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"malformed layer name {self.name!r}", "use letters, digits, '_' and '-', at most 63 of them"
            )
        where = f"layer {self.name!r}: "
        check_types(self, where)
        if self.script is None and not self.packages:
            raise ConfigurationError(f"layer {self.name!r} installs nothing", "write script, text or packages")
        if self.files and self.script is None:
            raise ConfigurationError(f"{where}files without a script", "write the script that uses them, or drop files")
        check_packages(where, self.packages)
        check_inside(where, "script", self.script.path if isinstance(self.script, Script) else self.script)
        for file in self.files:
            check_inside(where, "files", file)


def check_packages(where: str, names: Iterable[str]) -> None:
    """Check names of packages: none may be an option, several names, or shell syntax.

    Args:
        where: the beginning of the message.
        names: the names as written.

    Raises:
        ConfigurationError: one is not a name, or there are too many.
    """
    names = list(names)
    for name in names:
        if not _PACKAGE.fullmatch(name) or len(name) > _LONGEST_PACKAGE:
            shown = repr(name) if len(name) <= _LONGEST_PACKAGE else f"{name[:40]!r}…"
            if name.startswith("-"):
                remedy = "write only names of packages; options of the package manager belong in a script"
            elif len(name.split()) > 1 and all(map(_PACKAGE.fullmatch, name.split())):
                remedy = f"write each by itself: {', '.join(map(repr, name.split()[:3]))}"[:200]
            else:
                remedy = f"write the name of a package, at most {_LONGEST_PACKAGE} characters, such as 'git'"
            raise ConfigurationError(f"{where}packages holds {shown}, which is not the name of a package", remedy)
    if len(names) > MOST_PACKAGES:
        raise ConfigurationError(
            f"{where}packages holds {len(names)} names, more than {MOST_PACKAGES}", "spread them over several layers"
        )


@checked
def ordered(wanted: Iterable[str | Layer], known: Mapping[str, Layer]) -> tuple[Layer, ...]:
    """Layers with all that they need, lowest first, those below the desktop before the others; else in the given order.

    Args:
        wanted: names among the known ones, or layers themselves, which may need each other.
        known: further layers by name.

    Raises:
        ConfigurationError: a name means no layer or two layers, layers need each other in a circle, or one below the
            desktop needs one above it.
    """
    wanted = list(wanted)
    every = dict(known)
    for layer in wanted:
        if isinstance(layer, Layer) and every.setdefault(layer.name, layer) != layer:
            raise _twice(layer.name)
    placed: dict[str, Layer] = {}
    for one in wanted:
        name = one if isinstance(one, str) else one.name
        if name not in every:
            raise ConfigurationError(f"layers names {name!r}, which is not a layer", _all_of(every))
        _place(name, every, placed, ())
    below = [layer for layer in placed.values() if layer.below_desktop]
    for layer in below:
        for need in layer.needs:
            if not every[need].below_desktop:
                raise ConfigurationError(
                    f"layer {layer.name!r} is below the desktop and needs {need!r}, which is above it",
                    f"write below_desktop = true in {need!r}, too",
                )
    return (*below, *(layer for layer in placed.values() if not layer.below_desktop))


def _place(name: str, every: Mapping[str, Layer], placed: dict[str, Layer], path: tuple[str, ...]) -> None:
    """Place a layer above all that it needs."""
    if name in path:
        circle = " -> ".join((*path[path.index(name) :], name))
        raise ConfigurationError(f"layers need each other in a circle: {circle}", "take one of them out of needs")
    if name in placed:
        return
    if len(path) >= MOST_LAYERS:
        raise _too_many("")
    for need in every[name].needs:
        if need not in every:
            raise ConfigurationError(f"layer {name!r} needs {need!r}, which is not a layer", _all_of(every))
        _place(need, every, placed, (*path, name))
    placed[name] = every[name]


def check_ordered(where: str, layers: Iterable[Layer]) -> None:
    """Check that layers have the order of `ordered`.

    Args:
        where: the beginning of the message.
        layers: the layers, lowest first.

    Raises:
        ConfigurationError: two have the same name, one comes before what it needs, one below the desktop comes after
            one above it, or there are more than an image can have.
    """
    lower: dict[str, Layer] = {}
    for layer in layers:
        if layer.name in lower:
            raise _twice(layer.name, where)
        for need in layer.needs:
            if need not in lower:
                raise ConfigurationError(
                    f"{where}layer {layer.name!r} needs {need!r}, which is not below it",
                    "a program orders layers by ordered(layers, known)",
                )
        if layer.below_desktop and lower and not list(lower.values())[-1].below_desktop:
            raise ConfigurationError(
                f"{where}layer {layer.name!r} is below the desktop, but comes after a layer above it",
                "a program orders layers by ordered(layers, known)",
            )
        lower[layer.name] = layer
    if len(lower) > MOST_LAYERS:
        raise _too_many(where)


def _twice(name: str, where: str = "") -> ConfigurationError:
    return ConfigurationError(f"{where}two layers are named {name!r}", "give one of them another name")


def _too_many(where: str) -> ConfigurationError:
    return ConfigurationError(f"{where}more than {MOST_LAYERS} layers in one chain", "join some of them")


def _all_of(names: Iterable[str]) -> str:
    return f"known: {', '.join(names) or 'none'}"
