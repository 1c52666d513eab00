"""Builds of a key that failed in a row: after three of them, tasks install at start at once, for a quarter of an hour.

The state is one file a key in the cache folder, written by whoever has the key's turn.
"""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...generator.errors import BuildFailedError, TimeLimitError
from ..system.folders import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ...generator.layer_key import Key
    from ..system.reporter import Reporter


IN_A_ROW = 3
PAUSE_S = 900.0


class PausedError(BuildFailedError):
    """Not built, since the last builds of this key failed."""


@dataclass(frozen=True, kw_only=True)
class Failures:
    """The builds of a key that failed since the last that did not.

    Args:
        count: how many.
        last: when the last one failed, in seconds since 1970.
    """

    count: int = 0
    last: float = 0.0

    def pause_s(self, now: float) -> float:
        """For how many seconds from `now` no build is tried; 0 if one may be.

        Once the pause is over one build is tried, and where that fails, too, the pause begins again.
        """
        since = now - self.last
        return PAUSE_S - since if self.count >= IN_A_ROW and 0 <= since < PAUSE_S else 0.0


def read(key: Key) -> Failures:
    """The failures of a key; none if nothing is written down, or nothing that can be read."""
    try:
        content = json.loads(_file(key).read_text(encoding="utf-8"))
        return Failures(count=int(content["count"]), last=float(content["last"]))
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return Failures()


def lift(key: Key) -> None:
    """Forget the failures of a key: a build succeeded, or somebody asked for one."""
    with contextlib.suppress(OSError):
        _file(key).unlink(missing_ok=True)


@contextlib.contextmanager
def attempt(key: Key, reporter: Reporter) -> Iterator[None]:
    """One try to build a key, by whoever has its turn; its failure or success is written down.

    Args:
        key: the key.
        reporter: gets a line when the pause begins.

    Raises:
        PausedError: the last builds failed, and the pause is not over.
    """
    check(key)
    try:
        yield
    except (BuildFailedError, TimeLimitError):
        failed(key, reporter)
        raise
    lift(key)


def check(key: Key) -> None:
    """Go on only if the key may be built now.

    Raises:
        PausedError: the last builds failed, and the pause is not over.
    """
    before = read(key)
    left_s = before.pause_s(time.time())
    if left_s:
        raise PausedError(
            f"{before.count} builds of this key failed in a row; the next try is in {left_s / 60:.0f} min",
            "see why in the output of the last build, or try at once: desktop-bake build",
        )


def failed(key: Key, reporter: Reporter) -> None:
    """Write down that a build of a key failed; as `attempt`."""
    now = Failures(count=read(key).count + 1, last=time.time())
    file = _file(key)
    new = file.with_suffix(".new")
    with contextlib.suppress(OSError):  # a full disk costs another try
        file.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(json.dumps({"count": now.count, "last": now.last}), encoding="utf-8")
        new.replace(file)
    if now.count >= IN_A_ROW:
        reporter.say(
            f"[desktop-cache] {now.count} builds of this key failed in a row: "
            f"tasks install at start for {PAUSE_S / 60:.0f} min; try at once by: desktop-bake build"
        )


def _file(key: Key) -> Path:
    return cache_folder() / "failures" / f"{key}.json"
