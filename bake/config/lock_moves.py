"""The moves from one lock to another, in words and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .lock import Lock, LockedImage
from .lock_names import IMAGE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from ...generator.reference import Digest
    from .lock_uses import Uses


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a registry has under a name.

    Attributes:
        digest, platforms: see `LockedImage`.
        made: the day on which the image was made, according to its builder; empty if it does not say.
    """

    digest: Digest
    platforms: tuple[str, ...]
    made: str = ""


@dataclass(frozen=True, kw_only=True)
class Move:
    """One entry that was added, moved or removed: `before` or `after` is None."""

    kind: str
    name: str
    before: Digest | None
    after: Digest | None
    made: str = ""
    environments: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The move in words."""
        made = f", made {self.made}" if self.made else ""
        if self.after is None:
            why = "no environment has this key" if self.kind == IMAGE else "no environment uses it"
            return f"{self.kind} {self.name} removed: {why}"
        if self.before is None:
            return f"{self.kind} {self.name} locked at {self.after.value[:19]}{made}"
        return f"{self.kind} {self.name} moved from {self.before.value[:19]} to {self.after.value[:19]}{made}"

    def as_json(self) -> dict[str, object]:
        """The object in the output of `lock --json`."""
        before, after = (str(digest) if digest else None for digest in (self.before, self.after))
        what = {"kind": self.kind, "name": self.name, "from": before, "to": after}
        return {**what, "made": self.made or None, "environments": list(self.environments)}


@dataclass(frozen=True, kw_only=True)
class Moves:
    """The differences of one lock from another.

    Attributes:
        moves: one move for each block.
        packages: the old and the new date.
        reinstalls: the IDs of the environments that get other packages.
    """

    moves: tuple[Move, ...]
    packages: tuple[date | None, date | None]
    reinstalls: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """The moves in words, one a line."""
        before, after = self.packages
        said = [move.line for move in self.moves]
        if before != after:
            said.append(f"packages {before} → {after}" if before else f"packages {after}")
        if self.reinstalls:
            said.append(f"reinstalls {', '.join(self.reinstalls)}")
        return tuple(said)

    def as_json(self) -> dict[str, object]:
        """The part of the output of `lock --json`."""
        before, after = (day and day.isoformat() for day in self.packages)
        return {
            "moved": [move.as_json() for move in self.moves],
            "packages": {"from": before, "to": after},
            "reinstalls": list(self.reinstalls),
        }


def moves_of(before: Lock, after: Lock, uses: Uses, found: Mapping[tuple[str, str], Found]) -> Moves:
    """The moves from one lock to another.

    Args:
        before, after: the locks.
        uses: the uses of all environments.
        found: the answers of registries, which say when an image was made.
    """
    old, new = before.entries(), after.entries()
    who = {use.key: use.environments for use in uses.images}
    moves = [
        Move(
            kind=key[0],
            name=key[1],
            before=_digest(old.get(key)),
            after=_digest(new.get(key)),
            made=found[key].made if key in found and key in new else "",
            environments=who.get(key, ()),
        )
        for key in {**new, **old}
        if _digest(old.get(key)) != _digest(new.get(key))
    ]
    touched = {env for move in moves if move.before and move.after and move.kind != IMAGE for env in move.environments}
    if before.packages != after.packages:
        touched.update(uses.dated)
    everyone = dict.fromkeys(env for use in uses.images for env in use.environments) | dict.fromkeys(uses.dated)
    return Moves(
        moves=tuple(moves),
        packages=(before.packages, after.packages),
        reinstalls=tuple(env for env in everyone if env in touched),
    )


def _digest(entry: LockedImage | Digest | None) -> Digest | None:
    return entry.digest if isinstance(entry, LockedImage) else entry
