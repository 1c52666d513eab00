"""The content-derived cache key: its text, its labels, and the differences between two keys."""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

from .described import checked
from .errors import ConfigurationError
from .reference import Digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .environment import Environment
    from .recipe import Recipe
    from .reference import ImageReference


SCHEMA = "1"
PREFIX = "desktop-bake."
SCHEMA_LABEL = PREFIX + "schema"
KEY_LABEL = PREFIX + "cache-key"
BASE_LABEL = PREFIX + "base-digest"
INSTALL_LABEL = PREFIX + "install-digest"
SETUP_LABEL = PREFIX + "setup-digest"
DOCKERFILE_LABEL = PREFIX + "dockerfile-digest"
LAYERS_LABEL = PREFIX + "layers"
BELOW_LABEL = PREFIX + "below-key"
OCI_BASE_NAME = "org.opencontainers.image.base.name"
OCI_BASE_DIGEST = "org.opencontainers.image.base.digest"

_KEY = re.compile(r"([a-z0-9_.]{1,32})-([0-9a-f]{16})-([0-9a-f]{16})-([0-9a-f]{16})-([0-9a-f]{16})")
PARTS = ("variant", "base", "install", "setup", "dockerfile")
DESKTOP_LEVEL = "desktop"


class LabelledKey(ABC):
    """A key of either kind, as labels state it: all of them prove it, or it is not proven.

    Attributes:
        variant, base: the variant and the digest of the base image at the bottom.
        below: the key below this one; None if only the base is below.
    """

    variant: str
    base: Digest
    below: LabelledKey | None

    @abstractmethod
    def labels(self, base_name: str) -> dict[str, str]:
        """The image labels that prove this key, with full digests.

        Args:
            base_name: the base's `repository:tag`, for `org.opencontainers.image.base.name`
                (OCI image spec, annotations.md, "Pre-Defined Annotation Keys").
        """

    @abstractmethod
    def components(self) -> dict[str, str]:
        """The parts by name: the variant, and the full digest of each other part, the lowest first."""

    @property
    @abstractmethod
    def levels(self) -> tuple[str, ...]:
        """The digest of each layer, and `desktop` for the desktop; the lowest first."""

    @abstractmethod
    def on_base(self, base: Digest) -> Self:
        """The same on another base."""

    @cached_property  # used by all keys above this one
    def digest(self) -> Digest:
        """One digest over the whole key; its text has only some digits of each part."""
        parts = [(name, value.encode()) for name, value in self.components().items()]
        return hashed([*parts, ("levels", " ".join(self.levels).encode())])

    def stacked(self) -> dict[str, str]:
        """The labels of a key with layers: all layers in their order, and what is below the topmost part."""
        if set(self.levels) <= {DESKTOP_LEVEL}:
            return {}
        return {LAYERS_LABEL: " ".join(self.levels), **({BELOW_LABEL: str(self.below)} if self.below else {})}

    def mismatch(self, labels: Mapping[str, str]) -> str | None:
        """Why these image labels do not prove this key, or None; two names of the base may have the same digest."""
        for label, want in self.labels("").items():
            have = labels.get(label)
            if have is None:
                return f"label {label} is missing"
            if have != want and label != OCI_BASE_NAME:
                return f"label {label} is {have[:100]!r}, not {want!r}"
        return None

    def differences(self, other: LabelledKey) -> tuple[str, ...]:
        """The names of the parts that are missing or different in another key, in the key's order."""
        theirs = other.components()
        return tuple(part for part, value in self.components().items() if theirs.get(part) != value)


@dataclass(frozen=True, kw_only=True)
class CacheKey(LabelledKey):
    """`<variant>-<base>-<install>-<setup>-<dockerfile>`, each digest shortened to 16 hex in the text.

    For a desktop on layers, the last part of the text is a hash of the Dockerfile's digest and everything below.

    Args:
        variant: at most 32 of `[a-z0-9_.]`.
        base, install, setup, dockerfile: full digests, as in the labels.
        below: the key of the layer below the desktop; None if only the base is below.

    Raises:
        ConfigurationError: the variant has another form, or the layer has another base or already has a desktop.
    """

    variant: str
    base: Digest
    install: Digest
    setup: Digest
    dockerfile: Digest
    below: LabelledKey | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9_.]{1,32}", self.variant) or self.variant.startswith("."):
            raise ConfigurationError(f"malformed variant {self.variant!r}", "use [a-z0-9_.], at most 32 characters")
        check_below(self)
        if self.below and DESKTOP_LEVEL in self.below.levels:
            raise ConfigurationError("a desktop cannot be built on another desktop", "bake one of them")

    def __str__(self) -> str:
        last = self.dockerfile
        if self.below:
            last = hashed([("dockerfile", last.value.encode()), ("below", self.below.digest.value.encode())])
        return "-".join([self.variant, *(d.hex[:16] for d in (self.base, self.install, self.setup, last))])

    def on_base(self, base: Digest) -> CacheKey:
        """The same on another base."""
        return replace(self, base=base, below=self.below and self.below.on_base(base))

    def components(self) -> dict[str, str]:
        """The parts by name: the variant, the four full digests, and the digests of the layers below."""
        own = {part: str(getattr(self, part)) for part in PARTS}
        return {**self.below.components(), **own} if self.below else own

    @property
    def levels(self) -> tuple[str, ...]:
        """As `LabelledKey.levels`."""
        return (*(self.below.levels if self.below else ()), DESKTOP_LEVEL)

    def labels(self, base_name: str) -> dict[str, str]:
        """As `LabelledKey.labels`."""
        return {
            SCHEMA_LABEL: SCHEMA,
            KEY_LABEL: str(self),
            BASE_LABEL: str(self.base),
            INSTALL_LABEL: str(self.install),
            SETUP_LABEL: str(self.setup),
            DOCKERFILE_LABEL: str(self.dockerfile),
            **self.stacked(),
            OCI_BASE_NAME: base_name,
            OCI_BASE_DIGEST: str(self.base),
        }


def check_below(key: LabelledKey) -> None:
    """Check that a key and the one below it have the same base.

    Raises:
        ConfigurationError: the bases differ.
    """
    if key.below and (key.below.variant, key.below.base) != (key.variant, key.base):
        raise ConfigurationError("a layer and the image below it have different bases", "compute both from one base")


def hashed(parts: Iterable[tuple[str, bytes]]) -> Digest:
    """One digest over named contents in any order; length prefixes keep them apart."""
    hasher = hashlib.sha256()
    for name, content in sorted(parts):
        for piece in (name.encode(), content):
            hasher.update(len(piece).to_bytes(8, "big") + piece)
    return Digest("sha256:" + hasher.hexdigest())


def parse_key(text: str) -> tuple[str, str, str, str, str]:
    """Split a key's text into the variant and the four 16-hex parts.

    Raises:
        ConfigurationError: the text is not a cache key.
    """
    match = _KEY.fullmatch(text)
    if not match or text.startswith("."):
        raise ConfigurationError(
            f"malformed cache key {text[:140]!r}", "a key is <variant>-<base>-<install>-<setup>-<dockerfile>"
        )
    variant, base, install, setup, dockerfile = match.groups()
    return variant, base, install, setup, dockerfile


def variant_of(base_image: ImageReference) -> str:
    """The first part of a key: the base's tag, or the last part of the path if there is only a digest."""
    text = base_image.tag or (base_image.path.rsplit("/", 1)[-1] if base_image.digest else "latest")
    return re.sub(r"[^a-z0-9_.]", "_", text.lower())[:32]


@checked
def compute_key(
    environment: Environment, recipe: Recipe, base_digest: Digest, below: LabelledKey | None = None
) -> CacheKey:
    """The cache key of an environment: the same on every machine with the same inputs.

    Args:
        environment: supplies the variant, build arguments and platforms.
        recipe: the build context.
        base_digest: the digest of the base in its registry.
        below: the key of the layer below the desktop; None if only the base is below.
    """
    parts = [("schema", SCHEMA.encode()), ("dockerfile", recipe.dockerfile)]
    parts += [(f"file:{int(f.executable)}:{path}", f.content) for path, f in recipe.files.items()]
    parts += [(f"arg:{name}", value.encode()) for name, value in environment.build_args.items()]
    parts += [(f"platform:{platform}", b"") for platform in set(environment.platforms)]
    parts += [(f"secret:{name}", b"") for name in set(environment.build_secrets)]
    parts += [(f"image:{name}", str(digest).encode()) for name, digest in recipe.images.items()]
    parts += [("packages", recipe.packages.encode())] if recipe.packages else []  # without a lock the key has no date
    return CacheKey(
        variant=variant_of(environment.base_image),
        base=base_digest,
        install=Digest.of(recipe.install),
        setup=Digest.of(recipe.setup),
        dockerfile=hashed(parts),
        below=below,
    )
