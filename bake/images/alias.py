"""Tags for people: under an environment's name the registry has the image that was published for it last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...generator.annotations import alias_tags_of
from ...generator.errors import RegistryError
from ..registry.client import within
from ..registry.index import media_type_of
from .locked import published_digest

if TYPE_CHECKING:
    from ..context import Context
    from ..registry.session import Session
    from .order import Order


def aliases_of(order: Order, context: Context) -> tuple[str, ...]:
    """The alias tags of what is ordered; none for a part that the environment's image lies on.

    Args:
        order: what is wanted.
        context: its settings have `alias_tags`, and the environments that the tags must tell apart.
    """
    settings, env_id = context.settings, order.environment.env_id
    if order.is_part:
        return ()
    return alias_tags_of(settings.alias_tags, dict.fromkeys([*settings.environments, env_id]))[env_id]


def put_aliases(order: Order, context: Context) -> None:
    """Give what is published under an order's key the alias tags of its environment, too.

    If the lock says at which digest the key counts, that image gets them, whatever is under the key's tag. Only the
    manifest is uploaded, with all its platforms. If a registry refuses, such as one with immutable tags, the tag stays
    where it was and the log says so; the image is still found by its key.

    Args:
        order: published.
        context: as `aliases_of`.
    """
    for tag in aliases_of(order, context):
        name = f"{order.repository}:{tag}"
        try:
            moved = _put(tag, order, context)
        except RegistryError as error:
            context.reporter.warn(f"cannot tag {name}: {error}")
            continue
        if moved:
            context.reporter.say(f"[desktop-cache] tagged {name}")


def _put(tag: str, order: Order, context: Context) -> bool:
    """Put what is under a key under a tag, too; False if it is there already."""

    recorded = None if context.afresh else published_digest(order.key, context.settings)

    def ask(session: Session) -> bool:
        found = (session.manifest(recorded) if recorded else None) or session.manifest(order.key)
        if found is None:
            raise RegistryError(f"{order.tag} is gone", "push it again")
        content, digest = found
        if session.digest(tag) == digest:
            return False
        session.put_manifest(tag, content, media_type_of(content))
        return True

    return within(context.access(), order.repository, ask)
