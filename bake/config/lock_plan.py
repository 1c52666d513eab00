"""What `lock` has to do, decided from values: what is missing, what is old, what nobody uses, and what it writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from .lock import Lock, LockedImage
from .lock_names import BASE, IMAGE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date

    from .lock_moves import Found
    from .lock_uses import Use, Uses


_CLOCKS_APART = timedelta(days=1)


def to_come(day: date, today: date) -> bool:
    """Whether a day lies so far ahead that no right clock can have told it: a slip, or made up to stop updates."""
    return day - _CLOCKS_APART > today


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a lock does not fit.

    Attributes:
        kind: `base`, `tool` or `packages`.
        name: of the block; empty for the date.
        environments: whom it concerns; empty for a block that nobody uses.
        said: in one line.
        remedy: what to do.
    """

    kind: str
    name: str
    environments: tuple[str, ...]
    said: str
    remedy: str

    def as_json(self) -> dict[str, object]:
        """The object within what `lock --check --json` prints."""
        what = {"kind": self.kind, "name": self.name, "environments": list(self.environments)}
        return {**what, "what": self.said, "remedy": self.remedy}


def problems(lock: Lock, uses: Uses, *, whole: bool = True) -> tuple[Problem, ...]:
    """What is not locked, and what nobody uses.

    An image of a key that nobody has any more is no problem: it is so from each change of a script until what was
    published for it is recorded, and it decides nothing.

    Args:
        lock: the lock.
        uses: of the environments.
        whole: whether these are all who use the lock; else nothing is unused.
    """
    found = []
    entries, used = lock.entries(), {use.key for use in uses.images}
    if uses.dated and not lock.packages:
        said = "the lock has no packages date"
        found.append(
            Problem(kind="packages", name="", environments=uses.dated, said=said, remedy="run: desktop-bake lock")
        )
    for use in uses.images:
        if use.key not in entries:
            said = f"{use.kind} {use.reference.named} of {', '.join(use.environments)} is not locked"
            found.append(_problem(use.key, use.environments, said, "run: desktop-bake lock"))
    for kind, name in entries if whole else ():
        if kind != IMAGE and (kind, name) not in used:
            remedy = "remove its block, or run: desktop-bake lock --upgrade"
            found.append(_problem((kind, name), (), f"{kind} {name} is used by no environment", remedy))
    return tuple(found)


def without_key(lock: Lock, keys: Collection[str]) -> tuple[str, ...]:
    """The keys of the images that are locked and that no environment has any more.

    Args:
        lock: the lock.
        keys: the texts of every key of the environments.
    """
    return tuple(key for key in lock.images if key not in keys)


def _problem(key: tuple[str, str], environments: tuple[str, ...], said: str, remedy: str) -> Problem:
    return Problem(kind=key[0], name=key[1], environments=environments, said=said, remedy=remedy)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is asked of `lock`.

    Attributes:
        today: the day.
        upgrade: whether what is locked may move.
        before: only what was locked on this day or earlier, or on one that nobody knows or is to come; None for all.
        whole: whether all environments are meant: then the packages date moves, and what nobody uses goes.
    """

    today: date
    upgrade: bool = False
    before: date | None = None
    whole: bool = True

    def _is_old(self, day: date | None) -> bool:
        is_old = day is None or self.before is None or day <= self.before or to_come(day, self.today)
        return self.upgrade and is_old

    def to_ask(self, lock: Lock, uses: Uses) -> tuple[Use, ...]:
        """Which images have to be looked up."""
        entries = lock.entries()

        def is_due(use: Use) -> bool:
            entry = entries.get(use.key)
            return not isinstance(entry, LockedImage) or self._is_old(entry.locked)

        return tuple(filter(is_due, uses.images))

    def lock_with(self, lock: Lock, uses: Uses, found: Mapping[tuple[str, str], Found]) -> Lock:
        """The lock with what was found; what did not move keeps its day, so that nothing is written for nothing."""
        entries, used = lock.entries(), {use.key for use in uses.images}
        for key, image in found.items():
            old = entries.get(key)
            platforms = image.platforms if key[0] == BASE else ()
            if not (isinstance(old, LockedImage) and (old.digest, old.platforms) == (image.digest, platforms)):
                entries[key] = LockedImage(digest=image.digest, platforms=platforms, locked=self.today)
        if self.upgrade and self.whole:
            entries = {key: entry for key, entry in entries.items() if key in used or key[0] == IMAGE}
        packages = lock.packages or (self.today if uses.dated else None)
        if lock.packages and self.whole and self._is_old(lock.packages):
            packages = max(lock.packages, self.today)
        return Lock.of(packages, entries)
