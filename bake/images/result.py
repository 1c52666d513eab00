"""What a task uses, and how it was found: one of six results, each with what it has and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from ...generator.layer_key import Key
    from ...generator.reference import Digest
    from .order import Order


class Status(StrEnum):
    """How an image was found."""

    DISABLED = "disabled"
    LOCAL_HIT = "local-hit"
    REGISTRY_HIT = "registry-hit"
    MISS = "miss"
    BUILT = "built"
    FALLBACK = "fallback"


class ImageResult:
    """The image that a task uses: a `Disabled`, `LocalHit`, `RegistryHit`, `Miss`, `Built` or `Fallback`.

    All of them have these attributes; use `isinstance` or `match` to tell them apart. `ensure_desktop_image` returns
    any of them except `Miss`.

    Attributes:
        status: how it was found.
        environment: the environment's id.
        image: the image's name for people: the cache tag, or the pinned base.
        image_id: the ID to run, which does not change when a tag moves; None if there is no image to run yet.
        cache_key: the key, or None if it could not be computed.
        reason: why it is so, in one line.
        install_at_start: whether the task must install everything at start that would be baked: desktop, preflight, or
            both.
        lacks_desktop, lacks_preflight: whether the task must install that part; an image may have one without the
            other.
        exit_status: the exit status of the error that caused a fallback, else 0.
        registry_error: why the team's registry could not be asked, or None.
        push_error: why the image could not be published, or None.
    """

    status: ClassVar[Status]
    image_id: str | None = None
    install_at_start: bool = False
    exit_status: int = 0
    registry_error: str | None = None
    push_error: str | None = None

    if TYPE_CHECKING:  # a value here would be the default of a result's own field

        @property
        def environment(self) -> str: ...  # noqa: D102 (above)
        @property
        def image(self) -> str: ...  # noqa: D102
        @property
        def cache_key(self) -> Key | None: ...  # noqa: D102
        @property
        def reason(self) -> str: ...  # noqa: D102

    @property
    def lacks_desktop(self) -> bool:
        """Whether a desktop that the environment wants is installed at start."""
        return self.install_at_start

    @property
    def lacks_preflight(self) -> bool:
        """Whether a preflight that the environment has is run at start."""
        return self.install_at_start

    @property
    def baked_layers(self) -> frozenset[str]:
        """The names of the layers that are in the image; the others are installed at start."""
        return frozenset()

    def as_json(self) -> dict[str, object]:
        """The object that `resolve --json` prints."""
        return {
            "schema": 1,
            "environment": self.environment,
            "status": self.status.value,
            "image": self.image,
            "image_id": self.image_id,
            "cache_key": str(self.cache_key) if self.cache_key else None,
            "components": self.cache_key.components() if self.cache_key else {},
            "reason": self.reason,
            "registry_error": self.registry_error,
            "push_error": self.push_error,
        }


@dataclass(frozen=True, kw_only=True)
class Disabled(ImageResult):
    """Nothing is baked for the environment: its tasks run on the base.

    Attributes:
        environment, image, reason: as in every result.
        install_at_start: whether there is something that could be baked.
    """

    status = Status.DISABLED
    environment: str
    image: str
    reason: str
    install_at_start: bool = field()

    @property
    def cache_key(self) -> None:
        """None: nothing is cached."""


@dataclass(frozen=True, kw_only=True)
class _Ordered(ImageResult):
    """A result whose key is known.

    Attributes:
        order: what is wanted.
        registry_error: as in every result.
    """

    order: Order
    registry_error: str | None = None

    @property
    def environment(self) -> str:
        """The environment's id."""
        return self.order.environment.env_id

    @property
    def image(self) -> str:
        """The cache tag."""
        return self.order.tag

    @property
    def cache_key(self) -> Key:
        """The key."""
        return self.order.key

    @property
    def lacks_desktop(self) -> bool:
        """Whether a desktop that the environment wants is installed at start."""
        return self.order.stack.desktop is None

    @property
    def lacks_preflight(self) -> bool:
        """Whether a preflight that the environment has is run at start."""
        return self.order.stack.preflight is None

    @property
    def baked_layers(self) -> frozenset[str]:
        """The names of the layers that are in the image; the others are installed at start."""
        return self.order.stack.layer_names


@dataclass(frozen=True, kw_only=True)
class LocalHit(_Ordered):
    """An image of the local store that proves the key.

    Attributes:
        image_id: the ID to run.
        reason: why it counts.
        push_error: why it could not be published, or None.
    """

    status = Status.LOCAL_HIT
    image_id: str = field()
    reason: str = "labels match"
    push_error: str | None = None


@dataclass(frozen=True, kw_only=True)
class RegistryHit(_Ordered):
    """An image of the team's registry that proves the key.

    Attributes:
        digest: of the image in the registry.
        image_id: the ID to run, once it is pulled.
    """

    status = Status.REGISTRY_HIT
    digest: Digest
    image_id: str | None = None
    reason: ClassVar[str] = "labels match"

    @property
    def image(self) -> str:
        """The cache tag; with the digest as long as it is not pulled."""
        return self.order.tag if self.image_id else f"{self.order.tag}@{self.digest}"


@dataclass(frozen=True, kw_only=True)
class MissReason:
    """Why there is no image.

    Attributes:
        here: what is wrong with the local image that has the key's tag or labels, or else what changed since the
            nearest image; empty if nothing was compared yet.
        there: the answer of the team's registry; empty if it was not asked.
        is_refused: whether an image with the key's tag or labels exists, here or in the registry, but may not be used;
            this explains more than what changed.
    """

    here: str = ""
    there: str = ""
    is_refused: bool = False

    def __str__(self) -> str:
        return "; ".join(filter(None, (self.here, self.there)))


@dataclass(frozen=True, kw_only=True)
class Miss(_Ordered):
    """No image that proves the key.

    Attributes:
        why: why not.
    """

    status = Status.MISS
    why: MissReason = field(default_factory=MissReason)

    @property
    def reason(self) -> str:
        """Why not, in one line."""
        return str(self.why)


@dataclass(frozen=True, kw_only=True)
class Built(_Ordered):
    """An image that was built now.

    Attributes:
        image_id: the ID to run.
        push_error: why it could not be published, or None.
    """

    status = Status.BUILT
    image_id: str = field()
    push_error: str | None = None
    reason: ClassVar[str] = "built"


@dataclass(frozen=True, kw_only=True)
class Fallback(ImageResult):
    """The image that a task runs on after a failure: the nearest one, or the base; the task installs the rest.

    Attributes:
        environment, image, cache_key: as in every result.
        reason: what failed.
        exit_status: that of the error.
        upon: the contents of the image; None on the base.
        image_id: the ID of the nearest image; None on the base.
        install_at_start: whether the task must install everything that would be baked, on the base.
    """

    status = Status.FALLBACK
    environment: str
    image: str
    cache_key: Key | None
    reason: str
    exit_status: int = field()
    upon: Order | None = None
    image_id: str | None = None
    install_at_start: bool = True

    @property
    def lacks_desktop(self) -> bool:
        """Whether a desktop that the environment wants is installed at start."""
        return self.upon is None or self.upon.stack.desktop is None

    @property
    def lacks_preflight(self) -> bool:
        """True: the preflight is the topmost part, which no image below it has."""
        return True

    @property
    def baked_layers(self) -> frozenset[str]:
        """The names of the layers that are in the image; the others are installed at start."""
        return self.upon.stack.layer_names if self.upon else frozenset()
