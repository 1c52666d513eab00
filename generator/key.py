"""The content-derived cache key, as text, as labels, and the difference of two."""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

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
OCI_BASE_NAME = "org.opencontainers.image.base.name"
OCI_BASE_DIGEST = "org.opencontainers.image.base.digest"

_KEY = re.compile(r"([a-z0-9_.]{1,32})-([0-9a-f]{16})-([0-9a-f]{16})-([0-9a-f]{16})-([0-9a-f]{16})")
PARTS = ("variant", "base", "install", "setup", "dockerfile")


class LabelledKey(ABC):
    """A key of either kind, as labels state it: proven by all of them or not at all."""

    @abstractmethod
    def labels(self, base_name: str) -> dict[str, str]:
        """The image labels that prove this key, with full digests.

        Args:
            base_name: the base's `repository:tag`, for `org.opencontainers.image.base.name`
                (OCI image spec, annotations.md, "Pre-Defined Annotation Keys").
        """

    @classmethod
    @abstractmethod
    def _read(cls, labels: Mapping[str, str]) -> Self:
        """The key of these labels, or KeyError with the name of one that is missing."""

    def mismatch(self, labels: Mapping[str, str]) -> str | None:
        """Why these image labels do not prove this key, or None; two names of the base may have one digest."""
        for label, want in self.labels("").items():
            have = labels.get(label)
            if have is None:
                return f"label {label} is missing"
            if have != want and label != OCI_BASE_NAME:
                return f"label {label} is {have[:100]!r}, not {want!r}"
        return None

    @classmethod
    def from_labels(cls, labels: Mapping[str, str]) -> Self:
        """The key that an image's labels state.

        Raises:
            ConfigurationError: labels are missing, malformed, of another schema, or contradict each other.
        """
        try:
            key = cls._read(labels)
        except KeyError as error:
            raise ConfigurationError(f"image label {error.args[0]} is missing", "rebuild the image") from error
        why = key.mismatch(labels)
        if why:
            raise ConfigurationError(f"image labels contradict each other: {why}", "rebuild the image")
        return key


@dataclass(frozen=True, kw_only=True)
class CacheKey(LabelledKey):
    """`<variant>-<base>-<install>-<setup>-<dockerfile>`, each digest shortened to 16 hex in the text.

    Args:
        variant: at most 32 of `[a-z0-9_.]`.
        base, install, setup, dockerfile: full digests; the labels carry them whole.

    Raises:
        ConfigurationError: the variant is of another form.
    """

    variant: str
    base: Digest
    install: Digest
    setup: Digest
    dockerfile: Digest

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9_.]{1,32}", self.variant) or self.variant.startswith("."):
            raise ConfigurationError(f"malformed variant {self.variant!r}", "use [a-z0-9_.], at most 32 characters")

    def __str__(self) -> str:
        digests = (self.base, self.install, self.setup, self.dockerfile)
        return "-".join([self.variant, *(d.hex[:16] for d in digests)])

    def on_base(self, base: Digest) -> CacheKey:
        """The same on another base."""
        return replace(self, base=base)

    def components(self) -> dict[str, str]:
        """The parts by name: the variant and the four full digests."""
        return {part: str(getattr(self, part)) for part in PARTS}

    def labels(self, base_name: str) -> dict[str, str]:
        """As `LabelledKey.labels`."""
        return {
            SCHEMA_LABEL: SCHEMA,
            KEY_LABEL: str(self),
            BASE_LABEL: str(self.base),
            INSTALL_LABEL: str(self.install),
            SETUP_LABEL: str(self.setup),
            DOCKERFILE_LABEL: str(self.dockerfile),
            OCI_BASE_NAME: base_name,
            OCI_BASE_DIGEST: str(self.base),
        }

    def base_of(self, labels: Mapping[str, str]) -> Digest | None:
        """The base on which an image was baked whose other parts are this key's; None for any other image."""
        try:
            stated = CacheKey.from_labels(labels)
        except ConfigurationError:
            return None
        return stated.base if not set(self.differences(stated)) - {"base"} else None

    @classmethod
    def _read(cls, labels: Mapping[str, str]) -> Self:
        return cls(
            variant=parse_key(labels[KEY_LABEL])[0],
            base=Digest(labels[BASE_LABEL]),
            install=Digest(labels[INSTALL_LABEL]),
            setup=Digest(labels[SETUP_LABEL]),
            dockerfile=Digest(labels[DOCKERFILE_LABEL]),
        )

    def differences(self, other: CacheKey) -> tuple[str, ...]:
        """The names of the parts in which two keys differ, in the key's order."""
        return tuple(part for part in PARTS if getattr(self, part) != getattr(other, part))


def hashed(parts: Iterable[tuple[str, bytes]]) -> Digest:
    """One digest over named contents, in whatever order they come: length-prefixed, so that no two run together."""
    hasher = hashlib.sha256()
    for name, content in sorted(parts):
        for piece in (name.encode(), content):
            hasher.update(len(piece).to_bytes(8, "big") + piece)
    return Digest("sha256:" + hasher.hexdigest())


def parse_key(text: str) -> tuple[str, str, str, str, str]:
    """Split a key's text into variant and the four 16-hex parts.

    Raises:
        ConfigurationError: the text is no cache key.
    """
    match = _KEY.fullmatch(text)
    if not match or text.startswith("."):
        raise ConfigurationError(
            f"malformed cache key {text[:140]!r}", "a key is <variant>-<base>-<install>-<setup>-<dockerfile>"
        )
    variant, base, install, setup, dockerfile = match.groups()
    return variant, base, install, setup, dockerfile


def variant_of(base_image: ImageReference) -> str:
    """The key's first part: the base's tag, or for an untagged digest reference the path's last part."""
    text = base_image.tag or (base_image.path.rsplit("/", 1)[-1] if base_image.digest else "latest")
    return re.sub(r"[^a-z0-9_.]", "_", text.lower())[:32]


def compute_key(environment: Environment, recipe: Recipe, base_digest: Digest) -> CacheKey:
    """The cache key of an environment: the same on every machine that holds the same inputs.

    Args:
        environment: supplies the variant, build arguments and platforms.
        recipe: the build context.
        base_digest: the digest that a registry knows the base by.
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
    )
