"""BuildKit's cache in the engine, where a build filled its disk: what that build left there is given back."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from generator.errors import DesktopBakeError

if TYPE_CHECKING:
    from bake.engine import Engine
    from bake.resolve import Log

_API = "/v1.44"  # of Engine 25; newer ones state the disk's usage in another form


def give_back(engine: Engine, seconds: float, log: Log) -> None:
    """Remove the records that BuildKit made in the last seconds: a task that installs at start needs their room.

    Records in use, by a build that still runs, stay; any other can be made again.

    Args:
        engine: the engine, whose own BuildKit has built.
        seconds: how long the build took.
        log: gets one line where that fails.
    """
    try:
        now = _time_s(engine.ask("GET", "/info").content["SystemTime"])
        records = engine.ask("GET", f"{_API}/system/df", {"type": "build-cache"}).content["BuildCache"] or []
        fresh = [str(r["ID"]) for r in records if _time_s(r["CreatedAt"]) > now - seconds]
        if fresh:  # one regular expression: the engine takes one value (Docker Engine API, "Delete builder cache")
            query = {"all": "1", "filters": {"id": [f"^({'|'.join(fresh)})$"]}}
            engine.ask("POST", f"{_API}/build/prune", query)
    except (DesktopBakeError, KeyError, TypeError, ValueError) as error:
        log(f"[desktop-cache] WARNING: what the build left was not removed: {error}")


def _time_s(stated: str) -> float:
    """A time as the engine states it (RFC 3339, nanoseconds), in seconds since 1970."""
    return datetime.fromisoformat(stated).timestamp()
