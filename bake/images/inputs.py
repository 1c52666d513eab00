"""What went into a key, besides the base image: what to compare where a key is not another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...generator.recipe import Preflight
from ...generator.reference import Digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...generator.environment import Environment
    from ...generator.recipe import Recipe, Stack


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What went into a desktop or into a layer, besides what it lies on.

    Attributes:
        files: the build context's text files by path; None for one that is no text.
        digests: the digest of every file of the build context, by path.
        executables: which of them are executable.
        build_args: digests of the values of the build arguments, by name.
        platforms: target platforms.
        build_secrets: names of the variables that the build mounts.
        images: the digest of each image that the Dockerfile names, by its name; empty if that was not looked up.
        packages: the day up to which packages are taken; empty without one.
    """

    files: Mapping[str, str | None] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    executables: frozenset[str] = frozenset()
    build_args: Mapping[str, str] = field(default_factory=dict)
    platforms: frozenset[str] = frozenset()
    build_secrets: frozenset[str] = frozenset()
    images: Mapping[str, str] = field(default_factory=dict)
    packages: str = ""

    @classmethod
    def of(cls, environment: Environment, recipe: Recipe | Preflight) -> Inputs:
        """The inputs of an environment."""
        context = dict(recipe.context())
        return cls(
            files={path: _text(file.content) for path, file in context.items()},
            digests={path: str(Digest.of(file.content)) for path, file in context.items()},
            executables=frozenset(path for path, file in context.items() if file.executable),
            build_args={name: str(Digest.of(value.encode())) for name, value in environment.build_args.items()},
            platforms=frozenset(environment.platforms),
            build_secrets=frozenset(environment.build_secrets),
            images={} if isinstance(recipe, Preflight) else {n: str(d) for n, d in recipe.images.items()},
            packages="" if isinstance(recipe, Preflight) else recipe.packages,
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
        }

    @classmethod
    def from_json(cls, value: Any) -> Inputs | None:
        """The inputs that were written down, or None where they are of another form."""
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
    """What went into an image: the inputs of its desktop and of its layer, None for what it has not or is unknown."""

    desktop: Inputs | None = None
    preflight: Inputs | None = None

    @classmethod
    def of(cls, environment: Environment, stack: Stack) -> StackInputs:
        """The inputs of an environment."""
        return cls(
            desktop=Inputs.of(environment, stack.desktop) if stack.desktop else None,
            preflight=Inputs.of(environment, stack.preflight) if stack.preflight else None,
        )
