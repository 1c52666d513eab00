"""What `lock` decides: what is missing, what is old, what nobody uses, and the lock that is written then."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from desktop_bake.bake.config.lock import Lock, LockedImage
from desktop_bake.bake.config.lock_plan import Wish, problems, without_key
from tests.harness.locks import BASE, BOTH, LOCK, NEW, OLD, OTHER, THEN, TODAY, TOOL, USES, found, use
from tests.harness.recipes import KEY

# --- what does not fit -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lock", "said"),
    [
        (LOCK, []),
        (replace(LOCK, packages=None), ["the lock has no packages date"]),
        (
            Lock(packages=THEN),
            [
                "base debian:bookworm of a, b is not locked",
                "base registry.example.com/base:1 of c is not locked",
                "tool docker/dockerfile:1 of b is not locked",
            ],
        ),
        (
            replace(LOCK, tools={**LOCK.tools, "golang:1": LockedImage(digest=OLD)}, images={}),
            ["tool golang:1 is used by no environment"],
        ),
        (
            replace(LOCK, bases={**LOCK.bases, "x:1": LockedImage(digest=OLD)}),
            ["base x:1 is used by no environment"],
        ),
    ],
)
def test_problems(lock: Lock, said: list[str]) -> None:
    """What is not locked and what nobody uses, each with a remedy; what others may use is nobody's business."""
    found = problems(lock, USES)
    assert [problem.said for problem in found] == said
    assert all("desktop-bake lock" in problem.remedy for problem in found)
    lacking = tuple(problem for problem in found if problem.environments)
    assert problems(lock, USES, whole=False) == lacking


def test_images_without_a_key() -> None:
    """An image of a key that no environment has any more, as after a script's change, is told, and is no problem."""
    assert without_key(LOCK, {str(KEY)}) == ()
    assert without_key(LOCK, {"another"}) == (str(KEY),)


def test_a_project_without_desktops_needs_no_date() -> None:
    """The date is of packages: if none are installed by it, it is not missing."""
    uses = replace(USES, dated=())
    assert problems(replace(LOCK, packages=None), uses) == ()
    assert Wish(today=TODAY).lock_with(Lock(), uses, {}).packages is None


# --- what is looked up, and what becomes of it -----------------------------------------------------------------------

RECENT = date(2026, 11, 20)
MIXED = replace(
    LOCK,
    bases={BASE[1]: replace(LOCK.bases[BASE[1]], locked=RECENT), OTHER[1]: replace(LOCK.bases[OTHER[1]], locked=None)},
)


@pytest.mark.parametrize(
    ("wish", "asked"),
    [
        (Wish(today=TODAY), []),
        (Wish(today=TODAY, upgrade=True), [BASE, OTHER, TOOL]),
        (Wish(today=TODAY, upgrade=True, before=date(2026, 11, 10)), [OTHER, TOOL]),
        (Wish(today=TODAY, upgrade=True, before=RECENT), [BASE, OTHER, TOOL]),
        (Wish(today=TODAY, upgrade=True, before=date(2026, 10, 1)), [OTHER]),
    ],
)
def test_what_is_looked_up(wish: Wish, asked: list[tuple[str, str]]) -> None:
    """Without `--upgrade` nothing that is locked; with an age what is as old, and what nobody knows the age of."""
    assert [u.key for u in wish.to_ask(MIXED, USES)] == asked
    assert [u.key for u in wish.to_ask(Lock(), USES)] == [BASE, OTHER, TOOL]


def test_missing_entries_are_added() -> None:
    """`lock` adds what is missing, the date too, and touches nothing else, not even what nobody uses."""
    before = Lock(bases={"x:1": LockedImage(digest=OLD)}, images={"k": OLD})
    after = Wish(today=TODAY).lock_with(before, USES, {BASE: found(), TOOL: found()})
    new = LockedImage(digest=NEW, platforms=BOTH, locked=TODAY)
    assert after == Lock(
        packages=TODAY,
        bases={"x:1": LockedImage(digest=OLD), BASE[1]: new},
        tools={TOOL[1]: replace(new, platforms=())},
        images={"k": OLD},
    )
    assert Wish(today=TODAY).lock_with(LOCK, USES, {}) == LOCK


def test_upgrade() -> None:
    """`--upgrade` moves what moved, and the date; what did not move keeps its day; what nobody uses goes."""
    before = replace(LOCK, bases={**LOCK.bases, "x:1": LockedImage(digest=OLD)})
    asked = {BASE: found(), OTHER: found(OLD, ("linux/amd64",)), TOOL: found(OLD, ())}
    after = Wish(today=TODAY, upgrade=True).lock_with(before, USES, asked)
    moved = LockedImage(digest=NEW, platforms=BOTH, locked=TODAY)
    assert after == replace(LOCK, packages=TODAY, bases={BASE[1]: moved, OTHER[1]: LOCK.bases[OTHER[1]]})


@pytest.mark.parametrize(
    ("wish", "packages"),
    [
        (Wish(today=TODAY), THEN),
        (Wish(today=TODAY, upgrade=True), TODAY),
        (Wish(today=TODAY, upgrade=True, before=THEN), TODAY),
        (Wish(today=TODAY, upgrade=True, before=date(2026, 10, 31)), THEN),
        (Wish(today=TODAY, upgrade=True, whole=False), THEN),
        (Wish(today=date(2026, 10, 1), upgrade=True), THEN),
    ],
)
def test_the_date(wish: Wish, packages: date) -> None:
    """The date moves with an upgrade of all, if it is old enough; a clock that is behind moves nothing back."""
    assert wish.lock_with(LOCK, USES, {}).packages == packages


def test_a_day_to_come() -> None:
    """A day that no right clock can have told is as one that nobody knows: it stops no update of its image."""
    tomorrow, later = TODAY + timedelta(days=1), TODAY + timedelta(days=2)
    wish = Wish(today=TODAY, upgrade=True, before=THEN - timedelta(days=1))
    asked = []
    for day in (tomorrow, later):
        entry = replace(LOCK.bases[BASE[1]], locked=day)
        asked.append([each.key for each in wish.to_ask(replace(LOCK, bases={**LOCK.bases, BASE[1]: entry}), USES)])
    assert asked == [[], [BASE]]


def test_an_upgrade_of_some_removes_nothing() -> None:
    """With environments named, what these do not use is others'."""
    uses = replace(USES, images=(use(BASE, "a"),))
    assert Wish(today=TODAY, upgrade=True, whole=False).lock_with(LOCK, uses, {}) == LOCK
