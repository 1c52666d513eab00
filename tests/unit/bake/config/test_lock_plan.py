"""What `lock` decides: who uses what, what is missing, what is old, and in words what moved."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Environment, ImageReference, Settings
from desktop_bake.bake.config.lock import Lock, LockedImage
from desktop_bake.bake.config.lock_moves import Found, moves_of
from desktop_bake.bake.config.lock_plan import Wish, problems
from desktop_bake.bake.config.lock_uses import Use, Uses, uses_of
from tests.harness.locks import BOTH, LOCK, NEW, OLD, THEN, TODAY
from tests.harness.recipes import KEY

if TYPE_CHECKING:
    from pathlib import Path

BASE, TOOL = ("base", "debian:bookworm"), ("tool", "docker/dockerfile:1")
OTHER = ("base", "registry.example.com/base:1")


def use(key: tuple[str, str], *environments: str) -> Use:
    """An image that environments name."""
    return Use(kind=key[0], reference=ImageReference.parse(key[1]), environments=environments)


USES = Uses(
    images=(use(BASE, "a", "b"), use(OTHER, "c"), use(TOOL, "b")),
    dated=("a", "b"),
    undated=("c",),
)


# --- who uses what ---------------------------------------------------------------------------------------------------


def environment(env_id: str, base: str = "debian:bookworm", **fields: object) -> Environment:
    """An environment with a desktop."""
    values = {"headless_desktop_enabled": True, **fields}
    return Environment(env_id=env_id, base_image=ImageReference.parse(base), **values)  # type: ignore[arg-type]


def test_uses(tmp_path: Path) -> None:
    """Bases and the images of Dockerfiles without a digest, each once, with all who name it; and who takes the date."""
    dockerfile = "# syntax=docker/dockerfile:1\nFROM golang AS go\nFROM x@{0} AS x\nFROM base\n{1}RUN true\n"
    for name, line in (("own", ""), ("dated", "ARG DESKTOP_BAKE_BASE\n"), ("global", "")):
        (tmp_path / name).write_text(dockerfile.format(OLD, line))
    (tmp_path / "global").write_text("ARG DESKTOP_BAKE_BASE\nFROM base\nRUN true\n")
    (tmp_path / "preflight").write_text("echo\n")
    environments = [
        environment("shipped"),
        environment("same", "docker.io/library/debian:bookworm"),
        environment("untagged", "debian"),
        environment("pinned", f"debian:trixie@{OLD}"),
        environment("own", dockerfile="own"),
        environment("dated", dockerfile="dated"),
        environment("global", dockerfile="global"),
        environment("alone", headless_desktop_enabled=False, preflight_script="preflight"),
    ]
    found = uses_of(environments, Settings(root=tmp_path))
    everyone = ("shipped", "same", "own", "dated", "global", "alone")
    assert found.images == (
        use(BASE, *everyone),
        use(("base", "debian"), "untagged"),
        use(TOOL, "own", "dated"),
        use(("tool", "golang"), "own", "dated"),
    )
    assert [u.key[1] for u in found.images] == ["debian:bookworm", "debian:latest", TOOL[1], "golang:latest"]
    assert found.dated == ("shipped", "same", "untagged", "pinned", "dated")
    assert found.undated == ("own", "global")


# --- what does not fit -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lock", "keys", "said"),
    [
        (LOCK, frozenset({str(KEY)}), []),
        (LOCK, frozenset(), [f"image {KEY} is of no environment's key"]),
        (LOCK, None, []),
        (replace(LOCK, packages=None), None, ["the lock has no packages date"]),
        (
            Lock(packages=THEN),
            frozenset(),
            [
                "base debian:bookworm of a, b is not locked",
                "base registry.example.com/base:1 of c is not locked",
                "tool docker/dockerfile:1 of b is not locked",
            ],
        ),
        (
            replace(LOCK, tools={**LOCK.tools, "golang:1": LockedImage(digest=OLD)}, images={}),
            frozenset(),
            ["tool golang:1 is used by no environment"],
        ),
        (
            replace(LOCK, bases={**LOCK.bases, "x:1": LockedImage(digest=OLD)}),
            None,
            ["base x:1 is used by no environment"],
        ),
    ],
)
def test_problems(lock: Lock, keys: frozenset[str] | None, said: list[str]) -> None:
    """What is not locked and what nobody uses, each with a remedy; what others may use is nobody's business."""
    found = problems(lock, USES, keys)
    assert [problem.said for problem in found] == said
    assert all("desktop-bake lock" in problem.remedy for problem in found)
    lacking = tuple(problem for problem in found if problem.environments)
    assert problems(lock, USES, keys, whole=False) == lacking


def test_a_project_without_desktops_needs_no_date() -> None:
    """The date is of packages: where none are installed by it, it is not missing."""
    uses = replace(USES, dated=())
    assert problems(replace(LOCK, packages=None), uses, None) == ()
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


def found(digest: object = NEW, platforms: tuple[str, ...] = BOTH, made: str = "2026-11-20") -> Found:
    """What a registry says."""
    return Found(digest=digest, platforms=platforms, made=made)  # type: ignore[arg-type]


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


def test_an_upgrade_of_some_removes_nothing() -> None:
    """With environments named, what these do not use is others'."""
    uses = replace(USES, images=(use(BASE, "a"),))
    assert Wish(today=TODAY, upgrade=True, whole=False).lock_with(LOCK, uses, {}) == LOCK


# --- in words --------------------------------------------------------------------------------------------------------


def test_what_moved() -> None:
    """Each entry in words, with the day its image was made; the date; and who installs anew."""
    after = Lock(
        packages=TODAY,
        bases={BASE[1]: LockedImage(digest=NEW), OTHER[1]: LOCK.bases[OTHER[1]]},
        tools={**LOCK.tools, "golang:1": LockedImage(digest=NEW)},
    )
    moved = moves_of(LOCK, after, USES, {BASE: found(), TOOL: found(), ("tool", "golang:1"): found(made="")})
    assert moved.lines == (
        "base debian:bookworm moved from sha256:0a0a0a0a0a0a to sha256:0b0b0b0b0b0b, made 2026-11-20",
        "tool golang:1 locked at sha256:0b0b0b0b0b0b",
        f"image {KEY} removed: no environment has this key",
        "packages 2026-11-01 → 2026-11-27",
        "reinstalls a, b",
    )
    assert moved.as_json()["packages"] == {"from": "2026-11-01", "to": "2026-11-27"}
    assert moved.as_json()["reinstalls"] == ["a", "b"]
    assert moved.as_json()["moved"][0] == {  # type: ignore[index]
        "kind": "base",
        "name": "debian:bookworm",
        "from": str(OLD),
        "to": str(NEW),
        "made": "2026-11-20",
        "environments": ["a", "b"],
    }


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        (LOCK, LOCK, ()),
        (Lock(), Lock(packages=TODAY), ("packages 2026-11-27", "reinstalls a, b")),
        (
            LOCK,
            replace(LOCK, bases={**LOCK.bases, OTHER[1]: LockedImage(digest=NEW)}),
            (f"base {OTHER[1]} moved from sha256:0a0a0a0a0a0a to sha256:0b0b0b0b0b0b", "reinstalls c"),
        ),
        (
            LOCK,
            replace(LOCK, bases={BASE[1]: LOCK.bases[BASE[1]]}),
            (f"base {OTHER[1]} removed: no environment uses it",),
        ),
        (
            LOCK,
            replace(LOCK, bases={**LOCK.bases, OTHER[1]: LockedImage(digest=OLD, locked=TODAY)}),
            (),
        ),
    ],
)
def test_lines(before: Lock, after: Lock, lines: tuple[str, ...]) -> None:
    """Only what changes a key is told to reinstall; a day alone is nothing."""
    assert moves_of(before, after, USES, {}).lines == lines
