"""Builds of a key that failed in a row: after three, none is tried for a quarter of an hour; tasks install at start.

The state is one file per key in the cache folder, written by the process that has the key's turn.
"""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ...generator.errors import BuildFailedError, ScriptFailedError, TimeLimitError
from ..system.folders import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ...generator.layer_key import Key
    from ..system.reporter import Reporter


IN_A_ROW = 3
PAUSE_S = 900.0


class PausedError(BuildFailedError):
    """Not built, because the last builds of this key failed."""


@dataclass(frozen=True, kw_only=True)
class Failures:
    """The failed builds of a key since its last successful one.

    Args:
        count: how many.
        last: when the last one failed, in seconds since 1970.
        script: the message of the last failure, if the environment's own script failed; else empty.
    """

    count: int = 0
    last: float = 0.0
    script: str = ""

    def pause_s(self, now: float) -> float:
        """The seconds from `now` during which no build is tried; 0 if one may be tried.

        Once the pause is over, one build is tried. If that fails too, the pause begins again.
        """
        since = now - self.last
        return PAUSE_S - since if self.count >= IN_A_ROW and 0 <= since < PAUSE_S else 0.0


def read(key: Key) -> Failures:
    """The failures of a key; none if nothing is written down or it cannot be read."""
    try:
        content = json.loads(_file(key).read_text(encoding="utf-8"))
        script = str(content.get("script", ""))
        return Failures(count=int(content["count"]), last=float(content["last"]), script=script)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return Failures()


def lift(key: Key) -> None:
    """Forget the failures of a key: a build succeeded, or somebody asked for one."""
    with contextlib.suppress(OSError):
        _file(key).unlink(missing_ok=True)


@contextlib.contextmanager
def attempt(key: Key, reporter: Reporter) -> Iterator[None]:
    """One try to build a key by the process that has its turn; its failure or success is written down.

    Args:
        key: the key.
        reporter: gets a line when the pause begins.

    Raises:
        PausedError: the last builds failed, and the pause is not over.
        ScriptFailedError: likewise, and the last one failed in a script of the environment's own.
    """
    check(key)
    try:
        yield
    except (BuildFailedError, TimeLimitError) as error:
        failed(key, error, reporter)
        raise
    lift(key)


def check(key: Key) -> None:
    """Check that the key may be built now.

    Raises:
        PausedError: the last builds failed, and the pause is not over.
        ScriptFailedError: likewise, and the last one failed in a script of the environment's own.
    """
    before = read(key)
    left_s = before.pause_s(time.time())
    if left_s:
        said = f"{before.count} builds of this key failed in a row; the next try is in {left_s / 60:.0f} min"
        remedy = "see why in the output of the last build, or try at once: desktop-bake build"
        if before.script:
            raise ScriptFailedError(f"{said}; the last: {before.script.removeprefix('build failed: ')}", remedy)
        raise PausedError(said, remedy)


def failed(key: Key, error: Exception, reporter: Reporter) -> None:
    """Write down that a build of a key failed, and whether in a script of the environment's own; as `attempt`."""
    script = str(error) if isinstance(error, ScriptFailedError) else ""
    now = Failures(count=read(key).count + 1, last=time.time(), script=script)
    file = _file(key)
    new = file.with_suffix(".new")
    with contextlib.suppress(OSError):  # a full disk costs another try
        file.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(json.dumps(asdict(now)), encoding="utf-8")
        new.replace(file)
    if now.count >= IN_A_ROW:
        what = "none is tried" if script else "tasks install at start"
        reporter.say(
            f"[desktop-cache] {now.count} builds of this key failed in a row: "
            f"{what} for {PAUSE_S / 60:.0f} min; try at once by: desktop-bake build"
        )


def _file(key: Key) -> Path:
    return cache_folder() / "failures" / f"{key}.json"
