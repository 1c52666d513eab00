"""What the team's registry has of a key, without pulling it: proven by its labels, and verified if that is set."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...generator.errors import RegistryError
from ..registry.client import look_up
from .locked import published_digest
from .result import RegistryHit
from .verify import refusal_of

if TYPE_CHECKING:
    from ...generator.layer_key import Key
    from ...generator.reference import Digest
    from ..context import Context
    from ..registry.client import RemoteImage
    from .result import Miss


def is_published(key: Key, platform: str, context: Context) -> bool:
    """Whether the team's registry has an image under a key's tag that proves the key, for a platform.

    Raises:
        RegistryError: it could not be asked.
    """
    remote, _ = _published(key, platform, context)
    return remote is not None and remote.labels is not None and key.mismatch(remote.labels) is None


def _published(key: Key, platform: str, context: Context) -> tuple[RemoteImage | None, Digest | None]:
    """What is under a key's tag; if the lock says a digest, what is at that one, and the tag's digest if it differs."""
    repository, wanted = context.settings.repository, published_digest(key, context.settings)
    under_tag = replace(repository, tag=str(key))
    found = look_up(under_tag, platform, context.access())
    if wanted is None or (found and found.digest == wanted):
        return found, None
    return look_up(replace(repository, digest=wanted), platform, context.access()), found.digest if found else None


def ask_registry(miss: Miss, context: Context) -> RegistryHit | Miss:
    """Ask the team's registry for what is wanted.

    Raises:
        ConfigurationError: `verify_command` cannot be run.
        CancelledError: another thread gave up meanwhile.
    """
    order, repository = miss.order, context.settings.repository
    host = repository.domain
    try:
        remote, other = _published(order.key, order.platform, context)
    except RegistryError as error:
        return _refused(miss, str(error), registry_error=str(error))
    if remote is None:
        wanted = published_digest(order.key, context.settings)
        at = f" at {wanted}, the one that the lock says" if wanted else ""
        instead = f"; {order.tag} is {other} there, which is not used" if other else ""
        return _refused(miss, f"not in registry {host}{at}{instead}", is_there=other is not None)
    if remote.labels is None:
        there = ", ".join(remote.platforms) or "no platform"
        return _refused(miss, f"registry {host} has it for {there}, {order.wanted}", is_there=True)
    wrong = order.key.mismatch(remote.labels)
    if wrong:
        return _refused(miss, f"{order.tag} in the registry is not what its tag says: {wrong}", is_there=True)
    refusal = refusal_of(f"{repository}@{remote.digest}", context)
    if refusal:
        return _refused(miss, f"{order.tag} in the registry is not verified: {refusal}")
    if other:
        context.reporter.warn(
            f"{order.tag} is {other} in the registry, which is not used: the lock says {remote.digest}"
        )
    return RegistryHit(order=order, digest=remote.digest, registry_error=miss.registry_error)


def _refused(miss: Miss, there: str, *, is_there: bool = False, registry_error: str | None = None) -> Miss:
    why = replace(miss.why, there=there, is_refused=miss.why.is_refused or is_there)
    return replace(miss, why=why, registry_error=registry_error or miss.registry_error)
