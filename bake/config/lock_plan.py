"""What `lock` has to do, decided from values: what is missing, old or unused, and what it writes."""

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
    """Whether a day is later than any correct clock can say: a slip, or invented to stop updates."""
    return day - _CLOCKS_APART > today


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a lock does not fit.

    Attributes:
        kind: `base`, `tool` or `packages`.
        name: the block's name; empty for the date.
        environments: the environments it concerns; empty for an unused block.
        said: the problem in one line.
        remedy: what to do.
    """

    kind: str
    name: str
    environments: tuple[str, ...]
    said: str
    remedy: str

    def as_json(self) -> dict[str, object]:
        """The object in the output of `lock --check --json`."""
        what = {"kind": self.kind, "name": self.name, "environments": list(self.environments)}
        return {**what, "what": self.said, "remedy": self.remedy}


def problems(lock: Lock, uses: Uses, *, whole: bool = True) -> tuple[Problem, ...]:
    """What is not locked, and what is not used.

    An image whose key no environment has any more is not a problem: this happens after each change of a script, until
    the newly published image is recorded, and it has no effect.

    Args:
        lock: the lock.
        uses: the uses of the environments.
        whole: whether these are all uses of the lock; else nothing counts as unused.
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
    """The keys of locked images that no environment has any more.

    Args:
        lock: the lock.
        keys: the texts of every key of the environments.
    """
    return tuple(key for key in lock.images if key not in keys)


def _problem(key: tuple[str, str], environments: tuple[str, ...], said: str, remedy: str) -> Problem:
    return Problem(kind=key[0], name=key[1], environments=environments, said=said, remedy=remedy)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What `lock` is asked to do.

    Attributes:
        today: the day.
        upgrade: whether locked entries may move.
        before: move only what was locked on this day or earlier, on an unknown day or in the future; None for all.
        whole: whether all environments are meant; then the packages date moves, and unused entries are removed.
    """

    today: date
    upgrade: bool = False
    before: date | None = None
    whole: bool = True

    def _is_old(self, day: date | None) -> bool:
        is_old = day is None or self.before is None or day <= self.before or to_come(day, self.today)
        return self.upgrade and is_old

    def to_ask(self, lock: Lock, uses: Uses) -> tuple[Use, ...]:
        """The images that have to be looked up."""
        entries = lock.entries()

        def is_due(use: Use) -> bool:
            entry = entries.get(use.key)
            return not isinstance(entry, LockedImage) or self._is_old(entry.locked)

        return tuple(filter(is_due, uses.images))

    def lock_with(self, lock: Lock, uses: Uses, found: Mapping[tuple[str, str], Found]) -> Lock:
        """The lock with what was found; entries that did not move keep their day, so that they cause no change."""
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
