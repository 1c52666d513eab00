"""Why a task's image is found or missed, compared with the nearest of our images here and in the team's registry."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError, RegistryError
from ...generator.layer_key import parts_of_text
from ..images.base_digest import check_base
from ..images.difference import Candidate, changes, nearest, reason
from ..images.history import keys_of, read_inputs
from ..images.inputs import StackInputs
from ..images.reason import candidate_of
from ..images.resolve import ask, glance
from ..images.result import Miss, MissReason
from ..registry.client import look_up, time_of
from ..registry.nearby import tags_near
from ..system.diff import diff_of
from ..system.text import age
from .inventory import stored_images

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from ...generator.environment import Environment
    from ..context import Context
    from ..engine.protocol import ImageEngine
    from ..images.change import Change
    from ..images.result import ImageResult, RegistryHit


MOST_LOOK_UPS = 8


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why an image is found or missed.

    Attributes:
        result: what `resolve` found.
        near: the nearest image of a miss, or None.
        changes: what has changed since that image.
        diffs: the lines of a unified diff of each changed file whose former content is available, by its change.
    """

    result: ImageResult
    near: Candidate | None = None
    changes: tuple[Change, ...] = ()
    diffs: Mapping[Change, tuple[str, ...]]

    def as_json(self) -> dict[str, object]:
        """The object that `explain --json` prints: the object of `resolve`, and the reasons."""
        near = self.near and {
            "image": self.near.name,
            "where": self.near.where,
            "cache_key": str(self.near.key),
            "base": self.near.base_name,
            "created": datetime.fromtimestamp(self.near.created_s, UTC).isoformat() if self.near.created_s else None,
        }
        return {
            **self.result.as_json(),
            "nearest": near,
            "changes": [
                {
                    "part": c.part,
                    "what": c.said,
                    "path": c.path,
                    "from": c.before,
                    "to": c.after,
                    "diff": "\n".join(self.diffs.get(c, ())) or None,
                }
                for c in self.changes
            ],
        }


def explain(environment: Environment, context: Context) -> Explanation:
    """Resolve an environment, and explain a miss.

    Args, Raises: as `bake.images.resolve.resolve`.
    """
    found = glance(environment, context)
    if isinstance(found, Miss):
        return _explain_miss(ask(found, context), context)
    return Explanation(result=found, diffs={})


def _explain_miss(found: RegistryHit | Miss, context: Context) -> Explanation:
    if not isinstance(found, Miss):
        return Explanation(result=found, diffs={})
    order, engine = found.order, context.engine
    check_base(order.environment, context, order.platform)
    base_name = order.environment.base_image.named
    own = keys_of(order.environment, context.settings)
    candidates = [*_local(engine), *_published(found, own, context)]
    near = nearest(order.key, base_name, [replace(c, is_own=str(c.key) in own) for c in candidates])
    changed: tuple[Change, ...] = ()
    diffs: dict[Change, tuple[str, ...]] = {}
    if near:
        now, then = StackInputs.of(order.environment, order.stack), read_inputs(near.key)
        changed = tuple(_with_age(c, base_name, engine) for c in changes(order.key, base_name, now, near, then))
        diffs = {change: lines for change in changed if (lines := _diff(change, then, now))}
    why = found.why if found.why.is_refused else MissReason(here=reason(changed))
    context.reporter.say(f"[desktop-cache] miss: {why}")
    return Explanation(result=replace(found, why=why), near=near, changes=changed, diffs=diffs)


def _with_age(change: Change, base_name: str, engine: ImageEngine) -> Change:
    """A change of the base with the age of the current base, if its copy here states it."""
    if change.part != "base":
        return change

    copies = stored_images(engine, reference=[base_name])
    made_s = next((copy.created_s for copy in copies if copy.image_id == change.after), 0)
    return replace(change, said=f"{change.said} (made {age(time.time() - made_s)} ago)") if made_s else change


def _local(engine: ImageEngine) -> Iterable[Candidate]:

    for image in stored_images(engine):
        candidate = candidate_of(image.labels, image.name, created_s=image.created_s)
        if candidate:
            yield candidate


def _published(miss: Miss, own: Collection[str], context: Context) -> list[Candidate]:
    """The nearest images in the registry; its tags are keys, of which only some are listed, and few looked at.

    The list may lack the right tags, so images that were made here for this environment or are locked are also asked
    for by name.
    """
    settings = context.settings
    if not settings.has_registry or miss.registry_error:
        return []
    access = context.access()
    wanted = parts_of_text(str(miss.order.key))

    def shared(tag: str) -> int:
        try:
            parts = parts_of_text(tag)
        except ConfigurationError:
            return 0
        return sum(1 if part == "variant" else 2 for part, value in wanted.items() if parts.get(part) == value)

    def candidate(tag: str) -> Candidate | None:
        reference = replace(settings.repository, tag=tag)
        try:
            found = look_up(reference, miss.order.platform, access)
        except RegistryError:  # a broken image does not count as near
            return None
        if found is None or found.labels is None:
            return None
        return candidate_of(found.labels, str(reference), settings.repository.domain, time_of(found.created))

    try:
        tags = tags_near(str(miss.order.key), settings.repository, access)
    except RegistryError:
        return []

    def best(those: Iterable[str]) -> list[str]:
        return sorted(filter(shared, those), key=lambda tag: (-shared(tag), tag))[:MOST_LOOK_UPS]

    known = {*own, *(settings.lock.images if settings.lock else ())} - {*tags, str(miss.order.key)}
    with ThreadPoolExecutor(MOST_LOOK_UPS) as pool:
        return [found for found in pool.map(candidate, [*best(tags), *best(known)]) if found]


def _diff(change: Change, then: StackInputs, now: StackInputs) -> tuple[str, ...]:

    path = change.path or ""
    old, new = (i.of_part(change.part) if i else None for i in (then, now))
    before, after = (i.files.get(path) if i else None for i in (old, new))
    if before is None or after is None or before == after:
        return ()
    return tuple(diff_of(before.encode(errors="surrogatepass"), after.encode(), f"{path} (then)", f"{path} (now)"))
