"""One thing that changed from one image to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .inputs import Inputs


@dataclass(frozen=True, kw_only=True)
class Change:
    """One input that changed.

    Attributes:
        part: the key's part that it belongs to: `base`, `install`, `setup`, `dockerfile`, `layer-N` or `preflight`.
        said: what changed, in one line.
        path: the changed file of the build context, if it is one.
        before, after: the former and the present value, if they are digests or names.
    """

    part: str
    said: str
    path: str | None = None
    before: str | None = None
    after: str | None = None


def platform_changes(part: str, then: Inputs, now: Inputs) -> Iterable[Change]:
    """What changed in the platforms of a part."""
    if then.platforms != now.platforms:
        before, after = (", ".join(sorted(p)) or "the builder's own" for p in (then.platforms, now.platforms))
        yield Change(part=part, said=f"platforms changed from {before} to {after}", before=before, after=after)


def verb_of(before: str | None, after: str | None) -> str | None:
    """The verb for what happened to something; None if it is the same."""
    if before == after:
        return None
    return "added" if before is None else "removed" if after is None else "changed"
