"""BuildKit's cache in the engine after a build filled the disk: the space that the build took is given back."""

from __future__ import annotations

import secrets
import time
from datetime import datetime
from typing import TYPE_CHECKING

from ...generator.errors import DesktopBakeError
from ...generator.reference import ImageReference
from ..engine.archive import archive_of

if TYPE_CHECKING:
    from ..context import Context
    from ..engine.engine import Engine


IN_USE_S, COLLECT_S, _EVERY_S = 5.0, 30.0, 0.2
# containerd writes pieces of 1 MiB, so a load that fills the disk leaves room for less: enough for a container's files.
_ROOM_BYTES = 4 << 20


def give_back(context: Context, seconds: float) -> None:
    """Remove the records that BuildKit made in the last seconds: a task that installs at start needs their space.

    Records that a running build uses stay; all others can be made again.

    Args:
        context: the engine, whose own BuildKit ran the build; a line is reported if this fails.
        seconds: how long the build took.
    """
    began = time.monotonic()
    for layers in (True, False):
        while why := _remove(context.engine, seconds + time.monotonic() - began, layers=layers):
            if time.monotonic() - began > IN_USE_S:
                context.reporter.warn(f"what the build left was not removed: {why}")
                return
            time.sleep(_EVERY_S)


def collect(context: Context) -> bool:
    """Make containerd collect what a failed export or load left, which it otherwise does some time later.

    It collects whenever an image's name is removed (containerd, "Garbage Collection"), so one is added and removed.

    Args:
        context: the engine; a line is reported if there is no space at once.

    Returns:
        Whether there is space for at least a container with a small file. Before there is, nobody may ask BuildKit for
        its records: it counts their bytes, fails to write them down, and keeps each record locked, cache mounts too.
        Every later build then waits for those.

    Raises:
        CancelledError: another thread gave up.
    """
    context.check_cancelled()
    end = time.monotonic() + COLLECT_S
    if not _collected(context.engine):
        context.reporter.say(
            f"[desktop-cache] no room for a container: waiting until what failed is cleared, at most {COLLECT_S:g} s"
        )
        while not _collected(context.engine):
            context.check_cancelled()
            if time.monotonic() > end:
                return False
            time.sleep(_EVERY_S)
    return True


def _collected(engine: Engine) -> bool:
    mark = f"desktop-bake-collect-{secrets.token_hex(6)}"
    try:
        image = str(engine.images({})[0]["Id"])
        engine.tag(image, ImageReference.parse(f"{mark}:0"))
        engine.ask("DELETE", f"/images/{mark}:0", {"noprune": "1"})
        body = {"Image": image, "Cmd": ["true"]}
        made = engine.endpoint.ask("POST", "/containers/create", {"name": mark}, body)
        container = f"/containers/{made.content.get('Id', mark)}"
        try:
            return made.status == 201 and _has_room(engine, container)
        finally:
            engine.ask("DELETE", container, {"force": "1"})
    except (DesktopBakeError, LookupError):
        return False


def _has_room(engine: Engine, container: str) -> bool:
    file = archive_of("/desktop-bake", {"room": secrets.token_bytes(_ROOM_BYTES)})
    return engine.endpoint.ask("PUT", f"{container}/archive", {"path": "/"}, file).status == 200


def _remove(engine: Engine, seconds: float, *, layers: bool) -> str:
    """Remove them, and say why some are still there.

    The build that ended may keep them in use for a moment. BuildKit writes down what it removes, which fails if the
    rest of the export takes the disk's last byte. Layers go first: BuildKit keeps a cache mount that it failed to
    remove locked, and every later build waits for it.
    """
    try:
        fresh = _fresh(engine, seconds, layers=layers)
        if fresh:  # one regular expression: the engine takes one value (Docker Engine API, "Delete builder cache")
            query = {"all": "1", "filters": {"id": [f"^({'|'.join(fresh)})$"]}}
            engine.ask("POST", "/build/prune", query)
            fresh = _fresh(engine, seconds, layers=layers)
    except (DesktopBakeError, KeyError, TypeError, ValueError) as error:
        return str(error)
    return f"{len(fresh)} records are in use" if fresh else ""


def _fresh(engine: Engine, seconds: float, *, layers: bool) -> list[str]:
    now = _time_s(engine.ask("GET", "/info").content["SystemTime"])
    records = engine.ask("GET", "/system/df", {"type": "build-cache"}).content["BuildCache"] or []
    return [
        str(record["ID"])
        for record in records
        if (record["Type"] == "regular") is layers and _time_s(record["CreatedAt"]) > now - seconds
    ]


def _time_s(stated: str) -> float:
    """A time as the engine states it (RFC 3339, nanoseconds), in seconds since 1970."""
    return datetime.fromisoformat(stated).timestamp()
