"""What is baked on an environment's base: parts on top of each other, the lowest first."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from .described import check_types
from .errors import ConfigurationError
from .layer_files import manifest
from .recipe import BASE_ARGUMENT, DOCKERFILE, OWN_ARGUMENTS, ContextFile, Recipe, check_files, check_script
from .recipe import digest_arguments as _digests
from .reference import Digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


PREFLIGHT = "preflight.sh"
LAYER, PACKAGES, FILES = "layer.sh", "layer_packages.sh", "files"  # in a layer's context
PACKAGES_ARGUMENT = f"{OWN_ARGUMENTS}PACKAGES"
FILES_ARGUMENT = f"{OWN_ARGUMENTS}SHA256_FILES"
MOST_PARTS = 64  # a storage driver stacks about 120 layers, including the base's


@dataclass(frozen=True, kw_only=True)
class LayerRecipe:
    """One named layer: packages, a script with the files beside it, or both.

    Args:
        name: the name for people; not part of any key.
        dockerfile: the bytes of the layer's Dockerfile.
        script: the bytes of the script; None without one.
        files: the files beside the script, by relative POSIX path.
        packages: names of packages.
        installer: the bytes of the program that installs them.
        date: the day up to which packages are taken, `YYYY-MM-DD`; empty to leave it out of the key.

    Raises:
        ConfigurationError: there is neither a script nor packages, or the script or a file's path is malformed.
    """

    name: str
    dockerfile: bytes
    script: bytes | None = None
    files: Mapping[str, ContextFile] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    installer: bytes = b""
    date: str = ""

    def __post_init__(self) -> None:
        check_types(self)
        if self.script is None and not self.packages:
            raise ConfigurationError(f"layer {self.name!r} installs nothing", "write script or packages")
        if self.script is not None:
            check_script(f"the script of layer {self.name!r}", self.script, "write it, or drop the layer")
        check_files(self.files, (LAYER,))
        manifest(self.files)  # it refuses some paths

    def context(self) -> Iterator[tuple[str, ContextFile]]:
        """As `Recipe.context`."""
        yield DOCKERFILE, ContextFile(content=self.dockerfile)
        for path, file in sorted(self.files.items()):
            yield f"{FILES}/{path}", file
        if self.script is not None:
            yield LAYER, ContextFile(content=self.script)
        if self.packages:
            yield PACKAGES, ContextFile(content=self.installer)

    def inputs(self) -> Iterator[tuple[str, bytes]]:
        """Everything that its key is computed from, except platforms."""
        yield "dockerfile", self.dockerfile
        if self.script is not None:
            yield "script", self.script
        yield from ((f"file:{int(f.executable)}:{path}", f.content) for path, f in self.files.items())
        yield from ((f"package:{name}", b"") for name in self.names)
        if self.packages:
            yield "installer", self.installer
            if self.date:
                yield "date", self.date.encode()

    @property
    def names(self) -> tuple[str, ...]:
        """The packages, each once and in a fixed order, since only the set counts."""
        return tuple(sorted(set(self.packages)))

    def arguments(self, base: Digest) -> dict[str, str]:
        """The build arguments: by these the steps verify, install, and keep downloads apart.

        Args:
            base: the digest of the base image.
        """
        found = _digests(DOCKERFILE=self.dockerfile)
        if self.packages:
            found |= _digests(PACKAGES=self.installer)
            found |= {PACKAGES_ARGUMENT: " ".join(self.names)}
            found |= {BASE_ARGUMENT: f"{base.hex[:16]}{'-' if self.date else ''}{self.date}"}
        if self.script is not None:
            found |= _digests(LAYER=self.script)
        if self.script is not None and self.files:
            found |= {FILES_ARGUMENT: Digest.of(manifest(self.files)).hex}
        return found


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """The cached part of an environment's own script, baked as a separate layer.

    Args:
        dockerfile: the bytes of the layer's Dockerfile.
        script: the bytes of the script.

    Raises:
        ConfigurationError: the script is empty, begins with a byte order mark or has CRLF line ends.
    """

    dockerfile: bytes
    script: bytes

    def __post_init__(self) -> None:
        check_types(self)
        check_script("the preflight script", self.script, "write it, or drop preflight_script")

    def context(self) -> Iterator[tuple[str, ContextFile]]:
        """As `Recipe.context`."""
        yield DOCKERFILE, ContextFile(content=self.dockerfile)
        yield PREFLIGHT, ContextFile(content=self.script)

    def inputs(self) -> Iterator[tuple[str, bytes]]:
        """As `LayerRecipe.inputs`."""
        yield "dockerfile", self.dockerfile
        yield "preflight", self.script

    def arguments(self, base: Digest) -> dict[str, str]:  # noqa: ARG002 (it is that of every layer)
        """As `LayerRecipe.arguments`."""
        return _digests(DOCKERFILE=self.dockerfile, PREFLIGHT=self.script)


Part: TypeAlias = Recipe | LayerRecipe | Preflight


@dataclass(frozen=True, kw_only=True)
class Stack:
    """What is baked on an environment's base, each part on the one before; there is at least one part.

    Args:
        below: the layers below the desktop, the lowest first.
        desktop: the desktop's recipe, or None.
        above: the layers above the desktop, the lowest first.
        preflight: the environment's own script, on top of all; or None.

    Raises:
        ConfigurationError: there is no part, or more parts than can be stacked.
    """

    below: tuple[LayerRecipe, ...] = ()
    desktop: Recipe | None = None
    above: tuple[LayerRecipe, ...] = ()
    preflight: Preflight | None = None

    def __post_init__(self) -> None:
        check_types(self)
        if not self.parts:
            raise ConfigurationError(
                "nothing to bake: no desktop, no layer, no preflight",
                "switch the desktop on, or write a preflight_script",
            )
        if len(self.parts) > MOST_PARTS:
            raise ConfigurationError(
                f"{len(self.parts)} parts cannot be stacked", f"join layers: at most {MOST_PARTS - 2} of them"
            )

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts, the lowest first."""
        desktop, preflight = ((part and (part,)) or () for part in (self.desktop, self.preflight))
        return (*self.below, *desktop, *self.above, *preflight)

    @property
    def layers(self) -> tuple[LayerRecipe, ...]:
        """The layers, the lowest first."""
        return (*self.below, *self.above)

    @property
    def layer_names(self) -> frozenset[str]:
        """The names of the layers."""
        return frozenset(layer.name for layer in self.layers)

    @property
    def top(self) -> Part:
        """The part that is baked last."""
        return self.parts[-1]

    def under_top(self) -> Stack | None:
        """The stack below the top; None if only the base is below."""
        if len(self.parts) == 1:
            return None
        if self.preflight:
            return replace(self, preflight=None)
        if self.above:
            return replace(self, above=self.above[:-1])
        return replace(self, desktop=None) if self.desktop else replace(self, below=self.below[:-1])
