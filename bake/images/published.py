"""What the team's registry has of a key, without pulling it: proven by its labels, and verified where that is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...generator.errors import RegistryError
from ..registry.client import access_of, look_up
from .result import Status
from .verify import refusal_of

if TYPE_CHECKING:
    from ...generator.layer_key import Key
    from ..config.settings import Settings
    from ..engine.protocol import ImageEngine
    from ..registry.client import RemoteImage
    from .result import ImageResult


def is_published(key: Key, platform: str, settings: Settings, engine: ImageEngine) -> bool:
    """Whether the team's registry has an image under a key's tag that proves the key, for a platform.

    Raises:
        RegistryError: it could not be asked.
    """
    remote = _under_tag(key, platform, settings, engine)
    return remote is not None and remote.labels is not None and key.mismatch(remote.labels) is None


def _under_tag(key: Key, platform: str, settings: Settings, engine: ImageEngine) -> RemoteImage | None:
    return look_up(replace(settings.repository, tag=str(key)), platform, access_of(settings, engine))


def ask_registry(miss: ImageResult, settings: Settings, engine: ImageEngine) -> ImageResult:
    """The part of `search` that asks the team's registry.

    Raises:
        ConfigurationError: `verify_command` cannot be run.
    """
    assert miss.cache_key
    host = settings.repository.domain
    try:
        remote = _under_tag(miss.cache_key, miss.platform, settings, engine)
    except RegistryError as error:
        return replace(miss, reason=f"{miss.reason}; {error}", registry_error=str(error))
    if remote is None:
        said = f"not in registry {host}"
    elif remote.labels is None:
        there = ", ".join(remote.platforms) or "no platform"
        said = f"registry {host} has it for {there}, {miss.wanted}"
    elif wrong := miss.cache_key.mismatch(remote.labels):
        said = f"{miss.image} in the registry is not what its tag says: {wrong}"
    elif refusal := refusal_of(f"{settings.repository}@{remote.digest}", settings, engine.cancel):
        said = f"{miss.image} in the registry is not verified: {refusal}"
    else:
        return replace(
            miss,
            status=Status.REGISTRY_HIT,
            image=f"{miss.image}@{remote.digest}",
            digest=remote.digest,
            reason="labels match",
        )
    return replace(miss, reason=f"{miss.reason}; {said}")
