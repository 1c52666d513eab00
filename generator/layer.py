"""A layer: one named part of an environment besides its desktop, with a script, packages, or both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .described import check_types
from .errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import PurePath

    from .script import Script


@dataclass(frozen=True, kw_only=True)
class Layer:
    """What tasks of an environment need below or above the desktop, baked as a layer of its own.

    Packages are installed before the script runs.

    Args:
        name: what people call it; environments may share it.
        script: what installs it.
        packages: names of packages, installed by the package manager that the base has.
        files: files and folders beside the script, copied into its context.
        below_desktop: whether it lies below the desktop, and not above it.
        cache: whether it is baked; None for as the environment's `cache_desktop_build`.
        needs: names of other layers that must lie below it.

    Raises:
        ConfigurationError: a value is of another type, the name has a character that cannot be printed, or there is
            nothing to install.
    """

    name: str
    script: str | PurePath | Script | None = None
    packages: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    below_desktop: bool = False
    cache: bool | None = None
    needs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name or not self.name.isprintable():
            raise ConfigurationError(f"malformed layer name {self.name!r}", "use printable characters, at least one")
        check_types(self, f"layer {self.name!r}: ")
        if self.script is None and not self.packages:
            raise ConfigurationError(f"layer {self.name!r} installs nothing", "write script or packages")
