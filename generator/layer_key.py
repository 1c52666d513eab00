"""The key of an image with an environment's own layer, its cached preflight, on top of a desktop or of the base."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self, TypeAlias

from .errors import ConfigurationError
from .key import (
    BASE_LABEL,
    KEY_LABEL,
    OCI_BASE_DIGEST,
    OCI_BASE_NAME,
    PARTS,
    PREFIX,
    SCHEMA,
    SCHEMA_LABEL,
    CacheKey,
    LabelledKey,
    compute_key,
    hashed,
    parse_key,
    variant_of,
)
from .reference import Digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .environment import Environment
    from .recipe import Stack


DESKTOP_LABEL = PREFIX + "desktop-key"
PREFLIGHT_LABEL = PREFIX + "preflight-digest"
_LAYER = re.compile(r"(.+)-p[0-9a-f]{16}")
_ON_BASE = re.compile(r"([a-z0-9_.]{1,32})-[0-9a-f]{16}")


@dataclass(frozen=True, kw_only=True)
class LayerKey(LabelledKey):
    """`<desktop's key>-p<preflight>`, or without a desktop `<variant>-<base>-p<preflight>`.

    Args:
        variant, base: as `CacheKey`; with a desktop, its own.
        desktop: the key of the desktop below, whole; None where the layer lies on the base itself.
        preflight: over the script, the layer's Dockerfile and the platforms.

    Raises:
        ConfigurationError: the variant is of another form, or the desktop's variant or base is another.
    """

    variant: str
    base: Digest
    desktop: CacheKey | None = None
    preflight: Digest

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9_][a-z0-9_.]{0,31}", self.variant):
            raise ConfigurationError(f"malformed variant {self.variant!r}", "use [a-z0-9_.], at most 32 characters")
        if self.desktop and (self.desktop.variant, self.desktop.base) != (self.variant, self.base):
            raise ConfigurationError("a layer and its desktop have different bases", "compute both from one base")

    def __str__(self) -> str:
        below = str(self.desktop) if self.desktop else f"{self.variant}-{self.base.hex[:16]}"
        return f"{below}-p{self.preflight.hex[:16]}"

    def on_base(self, base: Digest) -> LayerKey:
        """The same on another base."""
        return replace(self, base=base, desktop=self.desktop and self.desktop.on_base(base))

    def components(self) -> dict[str, str]:
        """The parts by name: those of the desktop, or variant and base; and the preflight."""
        below = self.desktop.components() if self.desktop else {"variant": self.variant, "base": str(self.base)}
        return {**below, "preflight": str(self.preflight)}

    def labels(self, base_name: str) -> dict[str, str]:
        """As `LabelledKey.labels`: with a desktop, all that prove the desktop's too."""
        below = self.desktop.labels(base_name) if self.desktop else {}
        own = {
            SCHEMA_LABEL: SCHEMA,
            KEY_LABEL: str(self),
            BASE_LABEL: str(self.base),
            **({DESKTOP_LABEL: str(self.desktop)} if self.desktop else {}),
            PREFLIGHT_LABEL: str(self.preflight),
            OCI_BASE_NAME: base_name,
            OCI_BASE_DIGEST: str(self.base),
        }
        return {**below, **own}

    def base_of(self, labels: Mapping[str, str]) -> Digest | None:
        """As `CacheKey.base_of`."""
        try:
            stated = LayerKey.from_labels(labels)
        except ConfigurationError:
            return None
        same_kind = (stated.desktop is None) == (self.desktop is None)
        return stated.base if same_kind and not set(self.differences(stated)) - {"base"} else None

    @classmethod
    def _read(cls, labels: Mapping[str, str]) -> Self:
        layer = _LAYER.fullmatch(labels[KEY_LABEL])
        if not layer:
            raise ConfigurationError(
                f"malformed layered key {labels[KEY_LABEL][:140]!r}", "a layered key ends in -p<16 hex>"
            )
        on_base = _ON_BASE.fullmatch(layer[1])
        desktop = None if on_base else CacheKey.from_labels({**labels, KEY_LABEL: labels[DESKTOP_LABEL]})
        return cls(
            variant=desktop.variant if desktop else on_base[1] if on_base else "",
            base=Digest(labels[BASE_LABEL]),
            desktop=desktop,
            preflight=Digest(labels[PREFLIGHT_LABEL]),
        )

    def differences(self, other: Key) -> tuple[str, ...]:
        """The names of the parts that another key has not or has otherwise, in the key's order."""
        theirs = other.components()
        return tuple(part for part, value in self.components().items() if theirs.get(part) != value)


Key: TypeAlias = CacheKey | LayerKey


def key_from_labels(labels: Mapping[str, str]) -> Key:
    """The key that an image's labels state. The key's own form decides its kind: other labels are inherited from bases.

    Raises:
        ConfigurationError: as `CacheKey.from_labels`.
    """
    return (LayerKey if _LAYER.fullmatch(labels.get(KEY_LABEL, "")) else CacheKey).from_labels(labels)


def desktop_of_text(text: str) -> str | None:
    """The key's text of the desktop that a key's text names: itself, or what its layer lies on; None without one.

    Raises:
        ConfigurationError: the text is no key.
    """
    layer = _LAYER.fullmatch(text)
    if layer and _ON_BASE.fullmatch(layer[1]):
        return None
    below = layer[1] if layer else text
    parse_key(below)
    return below


def parts_of_text(text: str) -> dict[str, str]:
    """The parts of a key's text by the names of its `components`, digests as they are there.

    Raises:
        ConfigurationError: the text is no key.
    """
    below, _, preflight = text.rpartition("-p") if _LAYER.fullmatch(text) else (text, "", "")
    values = tuple(below.split("-")) if preflight and _ON_BASE.fullmatch(below) else parse_key(below)
    parts = dict(zip(PARTS, values, strict=False))
    return {**parts, "preflight": preflight} if preflight else parts


def stack_key(environment: Environment, stack: Stack, base_digest: Digest) -> Key:
    """The key of the image that a task of this environment uses.

    Args:
        environment: as `compute_key`.
        stack: what is baked on the base.
        base_digest: as `compute_key`.
    """
    desktop = compute_key(environment, stack.desktop, base_digest) if stack.desktop else None
    if stack.preflight is None:
        assert desktop  # a stack has one of them
        return desktop
    parts = [("schema", SCHEMA.encode()), ("dockerfile", stack.preflight.dockerfile)]
    parts += [("preflight", stack.preflight.script)]
    parts += [(f"platform:{platform}", b"") for platform in set(environment.platforms)]
    return LayerKey(
        variant=variant_of(environment.base_image), base=base_digest, desktop=desktop, preflight=hashed(parts)
    )


def family_of(key: Key) -> str:
    """The keys that share one cache: the same variant and the same packages; for a layer, the same preflight too.

    Environments that install other things never evict each other; those that differ in setup alone share the layer
    that costs the time.
    """
    if isinstance(key, LayerKey):
        below = key.desktop.install if key.desktop else key.base
        return f"{key.variant}-{below.hex[:12]}-p{key.preflight.hex[:8]}"
    return f"{key.variant}-{key.install.hex[:12]}"
