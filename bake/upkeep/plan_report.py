"""The output of `prune`: a table for people, one object for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..system.text import age, cut, size, table
from ..system.whose import short_key
from .report import NAME

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .policy import Verdict
    from .prune import Plan
    from .sizes import StoredImage

_STAY = 3  # so many images are named behind the reason why they stay


def plan_as_json(planned: Plan) -> dict[str, object]:
    """The plan in the object that `prune --json` prints."""

    def one(verdict: Verdict) -> dict[str, object]:
        return {
            "image": verdict.image.name,
            "image_id": verdict.image.image_id,
            "remove": verdict.removed,
            "reason": verdict.reason,
        }

    return {
        "schema": 1,
        "images": [one(v) for v in planned.images],
        "frees_bytes": planned.frees_bytes,
        "caches": [{"family": f.name, "size_bytes": f.size_bytes} for f in planned.caches],
        "registry": [one(v) for v in planned.published],
    }


def _named(names: Iterable[str]) -> str:
    """Up to three names, and how many there are besides."""
    known = sorted(set(names))
    more = f" and {len(known) - _STAY} more" if len(known) > _STAY else ""
    return ", ".join(known[:_STAY]) + more


def plan_as_text(planned: Plan, now_s: float, *, whole: bool = False) -> str:
    """The plan as a table of what goes, and a line for each reason to keep images, which names some of them.

    Args:
        planned, now_s: the plan, and the time.
        whole: whether to show whole names; else an image is shown by the digits for its key, as in `images`.
    """

    def name(image: StoredImage) -> str:
        return image.name if whole else short_key(str(image.key)) if image.key else cut(image.name, NAME)

    rows = [("REMOVE", "WHERE", "MADE", "SIZE")]
    for where, verdicts in (("here", planned.images), ("registry", planned.published)):
        rows += [
            (
                name(v.image),
                where,
                f"{age(now_s - v.image.created_s)} ago" if v.image.created_s else "-",
                size(v.image.size_bytes) if where == "here" else "-",
            )
            for v in verdicts
            if v.removed
        ]
    rows += [
        (f.name if whole else cut(f.name, NAME), "cache", f"{age(now_s - f.used_s)} ago", size(f.size_bytes))
        for f in planned.caches
    ]
    kept: dict[str, list[str]] = {}
    for verdict in (*planned.images, *planned.published):
        if not verdict.removed:
            kept.setdefault(verdict.reason, []).append(name(verdict.image))
    stays = [f"stays: {reason} ({_named(names)})" for reason, names in sorted(kept.items())]
    if len(rows) == 1:
        return "\n".join([*stays, "nothing to remove"])
    cache_bytes = sum(f.size_bytes for f in planned.caches)
    said = [f"frees {size(planned.frees_bytes)} of images"]
    if cache_bytes:
        said[0] += f" and {size(cache_bytes)} of caches"
    if planned.frees_bytes:
        said.append("BuildKit's own cache may still hold layers that were built here: docker builder prune")
    return "\n".join([table(rows), "", *stays, *said])
