"""Why a task's image is found or missed: against the nearest of our images, here and in the team's registry."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError, RegistryError
from ...generator.layer_key import parts_of_text
from ..images.base_digest import pinned_stack
from ..images.difference import Candidate, Change, changes, nearest, reason
from ..images.history import keys_of, read_inputs
from ..images.inputs import StackInputs
from ..images.reason import candidate_of
from ..images.resolve import resolve as resolve_image
from ..images.result import Status
from ..registry.client import access_of, look_up, tags_of, time_of
from ..system.diff import diff_of
from ..system.log import silent
from ..system.text import age
from .inventory import stored_images

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ...generator.environment import Environment
    from ...generator.layer_key import Key
    from ..config.settings import Settings
    from ..engine.protocol import ImageEngine
    from ..images.result import ImageResult
    from ..system.log import Log


MOST_LOOK_UPS = 8
_MISS = "[desktop-cache] miss:"
_STATES = (
    "is not what its tag says",
    ", this engine runs ",
    " is asked for",
    " is not used: ",
    "no image here has the ",
)


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why it is so.

    Attributes:
        result: what `resolve` found.
        near: the nearest image of a miss, or None.
        changes: what changed against it.
        diffs: the lines of a unified diff of each changed file whose former content is at hand, by its change.
    """

    result: ImageResult
    near: Candidate | None = None
    changes: tuple[Change, ...] = ()
    diffs: Mapping[Change, tuple[str, ...]]

    def as_json(self) -> dict[str, object]:
        """The object that `explain --json` prints: that of `resolve`, and why."""
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


def explain(environment: Environment, settings: Settings, engine: ImageEngine, log: Log) -> Explanation:
    """Resolve an environment, and tell why a miss is one.

    Args, Raises: as `bake.images.resolve.resolve`.
    """
    result = resolve_image(environment, settings, engine, lambda line: None if line.startswith(_MISS) else log(line))
    key = result.cache_key
    if result.status is not Status.MISS or key is None:
        return Explanation(result=result, diffs={})
    base_name = environment.base_image.named
    candidates = [*_local(engine), *_published(key, settings, engine, result)]
    own = keys_of(environment, settings)
    near = nearest(key, base_name, [replace(c, is_own=str(c.key) in own) for c in candidates])
    found: tuple[Change, ...] = ()
    diffs: dict[Change, tuple[str, ...]] = {}
    if near:
        stack = pinned_stack(environment, settings, engine, silent)
        now, then = StackInputs.of(environment, stack), read_inputs(near.key)
        found = tuple(_with_age(c, base_name, engine) for c in changes(key, base_name, now, near, then))
        diffs = {change: lines for change in found if (lines := _diff(change, then, now))}
    why = _with_state(reason(found), result.reason)
    log(f"{_MISS} {why}")
    return Explanation(result=replace(result, reason=why), near=near, changes=found, diffs=diffs)


def _with_age(change: Change, base_name: str, engine: ImageEngine) -> Change:
    """A change of the base with the age of the present one, where its copy here states it."""
    if change.part != "base":
        return change

    copies = stored_images(engine, reference=[base_name])
    made_s = next((copy.created_s for copy in copies if copy.image_id == change.after), 0)
    return replace(change, said=f"{change.said} (made {age(time.time() - made_s)} ago)") if made_s else change


def _with_state(why: str, said: str) -> str:
    """A reason, unless `resolve` said something that goes before it: of an image that has the tag or the labels."""
    return said if any(sign in said for sign in _STATES) else why


def _local(engine: ImageEngine) -> Iterable[Candidate]:

    for image in stored_images(engine):
        candidate = candidate_of(image.labels, image.name, created_s=image.created_s)
        if candidate:
            yield candidate


def _published(key: Key, settings: Settings, engine: ImageEngine, result: ImageResult) -> list[Candidate]:
    """The nearest of the registry's images: its tags are keys, so that only the nearest few are looked at."""

    if not settings.has_registry or result.registry_error:
        return []
    access = access_of(settings, engine)
    wanted = parts_of_text(str(key))

    def shared(tag: str) -> int:
        try:
            parts = parts_of_text(tag)
        except ConfigurationError:
            return 0
        return sum(1 if part == "variant" else 2 for part, value in wanted.items() if parts.get(part) == value)

    def candidate(tag: str) -> Candidate | None:
        reference = replace(settings.repository, tag=tag)
        try:
            found = look_up(reference, result.platform, access)
        except RegistryError:  # one that is broken is not near
            return None
        if found is None or found.labels is None:
            return None
        return candidate_of(found.labels, str(reference), settings.repository.domain, time_of(found.created))

    try:
        tags = tags_of(settings.repository, access)
    except RegistryError:
        return []
    best = sorted((tag for tag in tags if shared(tag)), key=lambda tag: (-shared(tag), tag))[:MOST_LOOK_UPS]
    with ThreadPoolExecutor(MOST_LOOK_UPS) as pool:
        return [found for found in pool.map(candidate, best) if found]


def _diff(change: Change, then: StackInputs, now: StackInputs) -> tuple[str, ...]:

    path = change.path or ""
    old, new = (i.preflight if change.part == "preflight" else i.desktop for i in (then, now))
    before, after = (i.files.get(path) if i else None for i in (old, new))
    if before is None or after is None or before == after:
        return ()
    return tuple(diff_of(before.encode(errors="surrogatepass"), after.encode(), f"{path} (then)", f"{path} (now)"))
