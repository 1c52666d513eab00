"""What went into a key, besides the base image: what to compare if keys differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from ...generator.key import CacheKey
from ...generator.layer_key import LayerKey
from ...generator.recipe import Recipe
from ...generator.reference import Digest
from ...generator.stack import LayerRecipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ...generator.environment import Environment
    from ...generator.layer_key import Key
    from ...generator.stack import Part, Stack


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What went into a desktop or into a layer, besides what it lies on.

    Attributes:
        files: the build context's text files by path; None for a file that is not text.
        digests: the digest of every file of the build context, by path.
        executables: which of them are executable.
        build_args: digests of the values of the build arguments, by name.
        platforms: target platforms.
        build_secrets: names of the variables that the build mounts.
        images: the digest of each image that the Dockerfile names, by its name; empty if that was not looked up.
        packages: the day up to which packages are taken; empty without one.
        name: the layer's name; empty for other parts.
        installed: the names of a layer's packages.
    """

    files: Mapping[str, str | None] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    executables: frozenset[str] = frozenset()
    build_args: Mapping[str, str] = field(default_factory=dict)
    platforms: frozenset[str] = frozenset()
    build_secrets: frozenset[str] = frozenset()
    images: Mapping[str, str] = field(default_factory=dict)
    packages: str = ""
    name: str = ""
    installed: tuple[str, ...] = ()

    @classmethod
    def of(cls, environment: Environment, recipe: Part) -> Inputs:
        """The inputs of an environment."""
        context = dict(recipe.context())
        layer = recipe if isinstance(recipe, LayerRecipe) else None
        return cls(
            files={path: _text(file.content) for path, file in context.items()},
            digests={path: str(Digest.of(file.content)) for path, file in context.items()},
            executables=frozenset(path for path, file in context.items() if file.executable),
            build_args={name: str(Digest.of(value.encode())) for name, value in environment.build_args.items()},
            platforms=frozenset(environment.platforms),
            build_secrets=frozenset(environment.build_secrets),
            images={n: str(d) for n, d in recipe.images.items()} if isinstance(recipe, Recipe) else {},
            packages=layer.date if layer else recipe.packages if isinstance(recipe, Recipe) else "",
            name=layer.name if layer else "",
            installed=layer.names if layer else (),
        )

    def as_json(self) -> dict[str, object]:
        """What `from_json` reads."""
        return {
            "files": dict(self.files),
            "digests": dict(self.digests),
            "executables": sorted(self.executables),
            "build_args": dict(self.build_args),
            "platforms": sorted(self.platforms),
            "build_secrets": sorted(self.build_secrets),
            "images": dict(self.images),
            **({"packages": self.packages} if self.packages else {}),
            **({"name": self.name} if self.name else {}),
            **({"installed": list(self.installed)} if self.installed else {}),
        }

    @classmethod
    def from_json(cls, value: Any) -> Inputs | None:
        """The inputs that were written down, or None if they are of another form."""
        try:
            return cls(
                files={str(n): t if t is None else str(t) for n, t in value["files"].items()},
                digests={str(n): str(d) for n, d in value["digests"].items()},
                executables=frozenset(map(str, value["executables"])),
                build_args={str(n): str(d) for n, d in value["build_args"].items()},
                platforms=frozenset(map(str, value["platforms"])),
                build_secrets=frozenset(map(str, value.get("build_secrets", ()))),  # older records have none
                images={str(n): str(d) for n, d in value.get("images", {}).items()},
                packages=str(value.get("packages", "")),
                name=str(value.get("name", "")),
                installed=tuple(map(str, value.get("installed", ()))),
            )
        except (KeyError, TypeError, AttributeError):
            return None


def _text(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


@dataclass(frozen=True, kw_only=True)
class StackInputs:
    """What went into an image: the inputs of its desktop, its preflight and its layers; None for unknown inputs.

    Attributes:
        desktop, preflight: None, too, if there is none.
        layers: the inputs of its layers, the lowest first.
        parts: all of these, the lowest first.
    """

    desktop: Inputs | None = None
    preflight: Inputs | None = None
    layers: tuple[Inputs | None, ...] = ()
    parts: tuple[Inputs | None, ...] = field(default=(), compare=False)

    @classmethod
    def of(cls, environment: Environment, stack: Stack) -> Self:
        """The inputs of an environment."""
        inputs = [Inputs.of(environment, part) for part in stack.parts]
        own = dict(zip(map(id, stack.parts), inputs, strict=True))
        return cls(
            desktop=own[id(stack.desktop)] if stack.desktop else None,
            preflight=own[id(stack.preflight)] if stack.preflight else None,
            layers=tuple(own[id(layer)] for layer in stack.layers),
            parts=tuple(inputs),
        )

    def of_part(self, part: str) -> Inputs | None:
        """The known inputs of the image part that a key's part belongs to, by its name in `components`."""
        kind, _, number = part.partition("-")
        if kind == "layer":
            return self.layers[int(number) - 1] if int(number) <= len(self.layers) else None
        return self.preflight if kind == "preflight" else self.desktop

    @classmethod
    def of_chain(cls, chain: Iterable[Key], find: Callable[[Key], Inputs | None]) -> Self:
        """The inputs that were written down.

        Args:
            chain: the keys of an image, the lowest first.
            find: what is known of one.
        """
        known = [(key, find(key)) for key in chain]
        layers = [(key, its) for key, its in known if isinstance(key, LayerKey)]
        return cls(
            desktop=next((its for key, its in known if isinstance(key, CacheKey)), None),
            preflight=next((its for key, its in layers if key.is_preflight), None),
            layers=tuple(its for key, its in layers if not key.is_preflight),
            parts=tuple(its for _, its in known),
        )
