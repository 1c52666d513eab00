"""The key of an image whose top is a named layer or the cached preflight; and all keys of a stack."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from .described import checked
from .errors import ConfigurationError
from .key import (
    BASE_LABEL,
    DESKTOP_LEVEL,
    DOCKERFILE_LABEL,
    INSTALL_LABEL,
    KEY_LABEL,
    LAYERS_LABEL,
    OCI_BASE_DIGEST,
    OCI_BASE_NAME,
    PARTS,
    PREFIX,
    SCHEMA,
    SCHEMA_LABEL,
    SETUP_LABEL,
    CacheKey,
    LabelledKey,
    check_below,
    compute_key,
    hashed,
    parse_key,
    variant_of,
)
from .recipe import Recipe
from .reference import Digest
from .stack import MOST_PARTS, LayerRecipe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .environment import Environment
    from .stack import Preflight, Stack


DESKTOP_LABEL = PREFIX + "desktop-key"
PREFLIGHT_LABEL = PREFIX + "preflight-digest"
_PREFLIGHT = re.compile(r"(.+)-p[0-9a-f]{16}")
_LAYER = re.compile(r"([a-z0-9_.]{1,32})-([0-9a-f]{16})-l([0-9a-f]{16})")
_ON_BASE = re.compile(r"([a-z0-9_.]{1,32})-[0-9a-f]{16}")


@dataclass(frozen=True, kw_only=True)
class LayerKey(LabelledKey):
    """`<variant>-<base>-l<16 hex>`, a hash over the layer and all that is below; or the cached preflight's key.

    The latter is `<key below>-p<16 hex>`, or `<variant>-<base>-p<16 hex>` if only the base is below.

    Args:
        variant, base: as `CacheKey`; the same as below.
        below: the key of the desktop or layer below; None if only the base is below.
        content: the digest over the layer's content and the platforms.
        is_preflight: whether it is the cached preflight, which is always on top.

    Raises:
        ConfigurationError: the variant has another form, or the key below has another base or is a preflight's.
    """

    variant: str
    base: Digest
    below: Key | None = None
    content: Digest
    is_preflight: bool = False

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9_][a-z0-9_.]{0,31}", self.variant):
            raise ConfigurationError(f"malformed variant {self.variant!r}", "use [a-z0-9_.], at most 32 characters")
        check_below(self)
        if isinstance(self.below, LayerKey) and self.below.is_preflight:
            raise ConfigurationError(
                "a layer cannot be built on a preflight, which is always the topmost",
                "put the preflight above all layers",
            )

    def __str__(self) -> str:
        on_base = f"{self.variant}-{self.base.hex[:16]}"
        if self.is_preflight:
            return f"{self.below or on_base}-p{self.content.hex[:16]}"
        return f"{on_base}-l{self.digest.hex[:16]}"

    @property
    def desktop(self) -> CacheKey | None:
        """The key of the desktop anywhere below; None if there is none."""
        return desktop_of(self)

    def on_base(self, base: Digest) -> LayerKey:
        """The same on another base."""
        return replace(self, base=base, below=self.below and self.below.on_base(base))

    def components(self) -> dict[str, str]:
        """The parts by name: those of the key below, or variant and base; and the layer's part."""
        below = self.below.components() if self.below else {"variant": self.variant, "base": str(self.base)}
        number = sum(level != DESKTOP_LEVEL for level in self.levels)
        return {**below, "preflight" if self.is_preflight else f"layer-{number}": str(self.content)}

    @cached_property  # as `digest`
    def levels(self) -> tuple[str, ...]:
        """As `LabelledKey.levels`; a preflight has a separate label."""
        below = self.below.levels if self.below else ()
        return below if self.is_preflight else (*below, str(self.content))

    def labels(self, base_name: str) -> dict[str, str]:
        """As `LabelledKey.labels`, including the labels that prove the key below."""
        below = self.below.labels(base_name) if self.below else {}
        on_desktop = self.is_preflight and isinstance(self.below, CacheKey)
        own = {
            SCHEMA_LABEL: SCHEMA,
            KEY_LABEL: str(self),
            BASE_LABEL: str(self.base),
            **({DESKTOP_LABEL: str(self.below)} if on_desktop else {}),
            **({PREFLIGHT_LABEL: str(self.content)} if self.is_preflight else {}),
            **self.stacked(),
            OCI_BASE_NAME: base_name,
            OCI_BASE_DIGEST: str(self.base),
        }
        return {**below, **own}


Key: TypeAlias = CacheKey | LayerKey


def chain_of(key: Key) -> tuple[Key, ...]:
    """A key and all keys below it, the lowest first."""
    chain = [key]
    while isinstance(chain[-1].below, CacheKey | LayerKey):
        chain.append(chain[-1].below)
    return tuple(reversed(chain))


def desktop_of(key: Key) -> CacheKey | None:
    """The key of the desktop in an image of this key; None if there is none."""
    return next((each for each in chain_of(key) if isinstance(each, CacheKey)), None)


@checked
def key_from_labels(labels: Mapping[str, str]) -> Key:
    """The key that an image's labels state; its form decides its kind, since other labels are inherited from bases.

    Raises:
        ConfigurationError: labels are missing, malformed, of another schema, or contradict each other.
    """
    try:
        key = _read(labels)
    except KeyError as error:
        raise ConfigurationError(f"image label {error.args[0]} is missing", "rebuild the image") from error
    why = key.mismatch(labels)
    if why:
        raise ConfigurationError(f"image labels contradict each other: {why}", "rebuild the image")
    return key


def _read(labels: Mapping[str, str]) -> Key:
    """The key of these labels; raises KeyError with the name of a missing label."""
    text, base = labels[KEY_LABEL], Digest(labels[BASE_LABEL])
    found = _PREFLIGHT.fullmatch(text)
    if not found:
        return _read_stacked(text, labels)
    on_base = _ON_BASE.fullmatch(found[1])
    below = None if on_base else _read_stacked(found[1], labels)
    variant = on_base[1] if on_base else below.variant if below else ""
    content = Digest(labels[PREFLIGHT_LABEL])
    return LayerKey(variant=variant, base=base, below=below, content=content, is_preflight=True)


def _read_stacked(text: str, labels: Mapping[str, str]) -> Key:
    """The key of a desktop or of a layer, by its text."""
    layer = _LAYER.fullmatch(text)
    if layer:
        return _of_levels(layer[1], labels[LAYERS_LABEL].split(" "), labels)
    variant, *_, last = parse_key(text)
    if Digest(labels[DOCKERFILE_LABEL]).hex[:16] == last:
        return _of_levels(variant, [DESKTOP_LEVEL], labels)
    below = labels[LAYERS_LABEL].partition(DESKTOP_LEVEL)[0]  # it may include what is above the desktop
    return _of_levels(variant, [*below.split(), DESKTOP_LEVEL], labels)


def _of_levels(variant: str, levels: Sequence[str], labels: Mapping[str, str]) -> Key:
    """The key of these levels; the labels state the digests of the desktop."""
    if len(levels) > MOST_PARTS:
        raise ConfigurationError(f"image label {LAYERS_LABEL} tells of {len(levels)} layers", "rebuild the image")
    base = Digest(labels[BASE_LABEL])
    below: Key | None = None
    for level in levels:
        if level == DESKTOP_LEVEL:
            install, setup, dockerfile = (Digest(labels[n]) for n in (INSTALL_LABEL, SETUP_LABEL, DOCKERFILE_LABEL))
            below = CacheKey(
                variant=variant, base=base, install=install, setup=setup, dockerfile=dockerfile, below=below
            )
        else:
            below = LayerKey(variant=variant, base=base, below=below, content=Digest(level))
    assert below  # a split text has at least one word
    return below


def base_of(key: Key, labels: Mapping[str, str]) -> Digest | None:
    """The base of an image whose other parts are those of this key; None for any other image."""
    try:
        stated = key_from_labels(labels)
    except ConfigurationError:
        return None
    same_parts = list(stated.components()) == list(key.components())
    return stated.base if same_parts and not set(key.differences(stated)) - {"base"} else None


def desktop_of_text(text: str) -> str | None:
    """The key of the desktop in a key's text: the text itself, or the part below its preflight; None without a desktop.

    Raises:
        ConfigurationError: the text is not a key.
    """
    found = _PREFLIGHT.fullmatch(text)
    below = found[1] if found else text
    if _LAYER.fullmatch(below) or (found and _ON_BASE.fullmatch(below)):
        return None
    parse_key(below)
    return below


def parts_of_text(text: str) -> dict[str, str]:
    """The parts of a key's text by the names of its `components`, with the digests as in the text.

    A layer's text has one part for all layers: `layers`.

    Raises:
        ConfigurationError: the text is not a key.
    """
    below, _, preflight = text.rpartition("-p") if _PREFLIGHT.fullmatch(text) else (text, "", "")
    layer = _LAYER.fullmatch(below)
    values: tuple[str, ...] = tuple(layer.groups()) if layer else tuple(below.split("-"))
    names: tuple[str, ...] = ("variant", "base", "layers") if layer else PARTS
    if not layer and not (preflight and _ON_BASE.fullmatch(below)):
        values = parse_key(below)
    parts = dict(zip(names, values, strict=False))
    return {**parts, "preflight": preflight} if preflight else parts


def stack_keys(environment: Environment, stack: Stack, base_digest: Digest) -> tuple[Key, ...]:
    """The keys of all parts of a stack, each with all that is below it, the lowest first.

    Args:
        environment: as `compute_key`.
        stack: the parts that are baked on the base.
        base_digest: as `compute_key`.
    """
    keys: list[Key] = []
    for part in stack.parts:
        below = keys[-1] if keys else None
        if isinstance(part, Recipe):
            keys.append(compute_key(environment, part, base_digest, below))
        else:
            keys.append(_layer_key(environment, part, base_digest, below))
    return tuple(keys)


@checked
def stack_key(environment: Environment, stack: Stack, base_digest: Digest) -> Key:
    """The key of the image that a task of this environment uses.

    Args: as `stack_keys`.
    """
    return stack_keys(environment, stack, base_digest)[-1]


def _layer_key(
    environment: Environment, layer: LayerRecipe | Preflight, base_digest: Digest, below: Key | None
) -> LayerKey:
    platforms = ((f"platform:{platform}", b"") for platform in set(environment.platforms))
    return LayerKey(
        variant=variant_of(environment.base_image),
        base=base_digest,
        below=below,
        content=hashed([("schema", SCHEMA.encode()), *layer.inputs(), *platforms]),
        is_preflight=not isinstance(layer, LayerRecipe),
    )
