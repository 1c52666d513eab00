"""What a task uses, and how it was found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...generator.layer_key import Key
    from ...generator.reference import Digest


class Status(StrEnum):
    """How an image was found."""

    DISABLED = "disabled"
    LOCAL_HIT = "local-hit"
    REGISTRY_HIT = "registry-hit"
    MISS = "miss"
    BUILT = "built"
    FALLBACK = "fallback"


@dataclass(frozen=True, kw_only=True)
class ImageResult:
    """What a task uses.

    Attributes:
        environment: the environment's id.
        status: how it was found.
        image: the image for people: the cache tag, or the pinned base.
        image_id: the ID to run, which no moving tag can change; None where nothing is to be run yet.
        cache_key: the key, or None where it could not be computed.
        reason: why it is so, in one line.
        platform: what the image has to run on, `os/architecture[/variant]`; empty where nobody was asked.
        emulated: whether that platform was asked for, instead of the engine's own.
        digest: of the image in the team's registry, for a registry hit.
        install_at_start: whether the task has to do itself what would be baked: desktop, preflight, or both.
        exit_status: the exit status of the error behind a fallback, else 0.
        registry_error: why the team's registry could not be asked, or None.
        push_error: why the image could not be published, or None.
    """

    environment: str
    status: Status
    image: str
    image_id: str | None
    cache_key: Key | None
    reason: str
    platform: str = ""
    emulated: bool = False
    digest: Digest | None = None
    install_at_start: bool = False
    exit_status: int = 0
    registry_error: str | None = None
    push_error: str | None = None

    @property
    def wanted(self) -> str:
        """The platform in words, for a message about an image of another one."""
        return f"{self.platform} is asked for" if self.emulated else f"this engine runs {self.platform}"

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
