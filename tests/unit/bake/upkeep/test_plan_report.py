"""What `prune` prints: what goes, what stays and why, and what is won."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from desktop_bake.bake.system.whose import short_hash
from desktop_bake.bake.upkeep.inventory import CacheFamily
from desktop_bake.bake.upkeep.plan_report import plan_as_json, plan_as_text
from desktop_bake.bake.upkeep.policy import Verdict
from desktop_bake.bake.upkeep.prune import Plan
from desktop_bake.bake.upkeep.sizes import StoredImage
from tests.harness.recipes import KEY

DAY_S = 86_400.0
IMAGE = StoredImage(image_id="sha256:1", tags=("a:1",), created_s=1 * DAY_S, size_bytes=189_000_000)
FAMILY = CacheFamily(name="f", folder=Path("/f"), size_bytes=2_000_000, used_s=3 * DAY_S)
GOES = Verdict(image=IMAGE, removed=True, reason="no environment reaches it")
STAYS = Verdict(image=replace(IMAGE, tags=("a:9",)), removed=False, reason="reached by x")


@pytest.mark.parametrize(
    ("planned", "wanted"),
    [
        (Plan(images=(), frees_bytes=0, caches=()), ["nothing to remove"]),
        (Plan(images=(STAYS, STAYS), frees_bytes=0, caches=()), ["stays: reached by x (a:9)", "nothing to remove"]),
        (
            Plan(images=(GOES, STAYS), frees_bytes=189_000_000, caches=(FAMILY,), published=(GOES,)),
            [
                "REMOVE  WHERE     MADE        SIZE",
                "a:1     here      3 days ago  189 MB",
                "a:1     registry  3 days ago  -",
                "f       cache     1 day ago   2 MB",
                "",
                "stays: reached by x (a:9)",
                "frees 189 MB of images and 2 MB of caches",
                "BuildKit's own cache may still hold layers that were built here: docker builder prune",
            ],
        ),
        (
            Plan(images=(), frees_bytes=0, caches=(), published=(replace(GOES, image=replace(IMAGE, created_s=0)),)),
            ["REMOVE  WHERE     MADE  SIZE", "a:1     registry  -     -", "", "frees 0 B of images"],
        ),
    ],
)
def test_plan(planned: Plan, wanted: list[str]) -> None:
    """A row for each thing that goes, each reason once for what stays, and what is won."""
    assert plan_as_text(planned, 4 * DAY_S, whole=True).splitlines() == wanted


@pytest.mark.parametrize(("count", "said"), [(3, "a:0, a:1, a:2"), (5, "a:0, a:1, a:2 and 2 more")])
def test_what_stays(count: int, said: str) -> None:
    """Each reason names its images; of more than three, how many there are besides."""
    kept = tuple(replace(STAYS, image=replace(IMAGE, tags=(f"a:{number}",))) for number in range(count))
    assert (
        plan_as_text(Plan(images=kept, frees_bytes=0, caches=()), 0).splitlines()[0] == f"stays: reached by x ({said})"
    )


def test_short_by_default() -> None:
    """Within 80 columns, an image has the digits that `images` and `ps` have of its key, also if it stays."""
    keyed = replace(IMAGE, labels=KEY.labels("b"))
    goes = (replace(GOES, image=keyed), replace(GOES, image=replace(IMAGE, tags=("t" * 99,))))
    kept = replace(STAYS, image=keyed)
    plan = Plan(images=(*goes, kept), frees_bytes=7, caches=(replace(FAMILY, name="f" * 80),))
    lines = plan_as_text(plan, 60 * DAY_S).splitlines()
    digits = short_hash(str(KEY))[:12]
    assert max(map(len, lines[:6])) <= 80
    assert lines[1].split()[0] == digits
    assert lines[5] == f"stays: reached by x ({digits})"


def test_plan_as_json() -> None:
    """Each image has its verdict and its reason."""
    told = plan_as_json(Plan(images=(GOES, STAYS), frees_bytes=7, caches=(FAMILY,), published=(GOES,)))
    assert told["images"] == [
        {"image": "a:1", "image_id": "sha256:1", "remove": True, "reason": "no environment reaches it"},
        {"image": "a:9", "image_id": "sha256:1", "remove": False, "reason": "reached by x"},
    ]
    assert (told["frees_bytes"], told["caches"]) == (7, [{"family": "f", "size_bytes": 2_000_000}])
