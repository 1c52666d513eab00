"""BuildKit's cache in the engine, where a build filled its disk: what that build left there is given back."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

from generator.errors import DesktopBakeError

if TYPE_CHECKING:
    from bake.engine import Engine
    from bake.resolve import Log

_AGAIN_AFTER_S = (0.5, 1.0, 2.0, 4.0)
_API = "/v1.44"  # of Engine 25; newer ones state the disk's usage in another form


def give_back(engine: Engine, seconds: float, log: Log) -> None:
    """Remove the records that BuildKit made in the last seconds: a task that installs at start needs their room.

    Records in use, by a build that still runs, stay; any other can be made again. On a disk without a byte to spare the
    engine can write down no removal until its store has cleared away what the export left: it is asked again.

    Args:
        engine: the engine, whose own BuildKit has built.
        seconds: how long the build took.
        log: gets one line where that fails.
    """
    for wait_s in (*_AGAIN_AFTER_S, None):
        try:
            _remove_since(engine, seconds)
            return
        except (DesktopBakeError, KeyError, TypeError, ValueError) as error:
            if wait_s is None:
                log(f"[desktop-cache] WARNING: what the build left was not removed: {error}")
            else:
                time.sleep(wait_s)


def _remove_since(engine: Engine, seconds: float) -> None:
    now = _time_s(engine.ask("GET", "/info").content["SystemTime"])
    records = engine.ask("GET", f"{_API}/system/df", {"type": "build-cache"}).content["BuildCache"] or []
    fresh = [str(r["ID"]) for r in records if _time_s(r["CreatedAt"]) > now - seconds]
    if fresh:  # one regular expression: the engine takes one value (Docker Engine API, "Delete builder cache")
        query = {"all": "1", "filters": {"id": [f"^({'|'.join(fresh)})$"]}}
        engine.ask("POST", f"{_API}/build/prune", query)


def _time_s(stated: str) -> float:
    """A time as the engine states it (RFC 3339, nanoseconds), in seconds since 1970."""
    return datetime.fromisoformat(stated).timestamp()
