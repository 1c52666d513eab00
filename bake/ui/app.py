"""The answers of the page's server, behind the guard: pages, their changes, and what a person asks for."""

from __future__ import annotations

import re
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from ...generator.errors import ConfigurationError
from .answering import act_routes, number_of, text_of
from .guard import Guard
from .pages import STATIC
from .site import TITLES
from .task_app import TaskApp
from .threads import background, in_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from .answering import Act
    from .keys import Keys
    from .site import Site


_KEPT = {"cache-control": "private, max-age=86400, immutable"}  # each server has another path


class App:
    """The application that answers requests.

    Args:
        site: what the page shows.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        acts: dict[str, Act] = {
            "turn": self._turn,
            "undo": self._undo,
            "build": self._build,
            "cancel": self._cancel,
            "dismiss": self._dismiss,
            "look-images": self._look_at_images,
            "examine": self._examine,
            "prune": self._prune,
        }
        self.routes = [
            Route("/", self._page, methods=["GET"]),
            *(Route(f"/{page}", self._page, methods=["GET"]) for page in TITLES if page != "environments"),
            Route("/events", self._events, methods=["GET"]),
            Route("/static/{name}", _static, methods=["GET"]),
            Route("/why", self._why, methods=["GET"]),
            Route("/prune", self._preview, methods=["GET"]),
            Route("/log", self._log, methods=["GET"]),
            *act_routes(acts),
            *TaskApp(site).routes,
        ]

    def guarded(self, keys: Keys) -> ASGIApp:
        """The application behind its guard."""
        return Guard(Starlette(routes=self.routes), keys)

    async def _page(self, request: Request) -> Response:
        page = request.url.path.strip("/") or "environments"
        return HTMLResponse(self._site.whole(page))

    async def _events(self, request: Request) -> Response:
        page, drawn = (request.query_params.get(name, "") for name in ("page", "drawn"))
        if page not in TITLES:
            return PlainTextResponse("there is no such page\n", 404)

        async def events() -> AsyncIterator[str]:
            site = self._site
            site.watch.want(wanted=True)
            try:
                async with aclosing(site.hub.listen(page, drawn)) as listening:
                    is_first = True
                    async for event in listening:
                        yield event
                        if is_first:
                            self._begin(page)
                        is_first = False
            finally:
                site.watch.want(wanted=site.hub.is_watched)

        return StreamingResponse(events(), media_type="text/event-stream")

    def _begin(self, page: str) -> None:
        """Start to gather the content of a page that has just been opened."""
        self._site.world.begin()
        if page == "tasks":
            self._site.look_at_tasks()
        if page == "images":
            self._site.look_at_images()
        if page == "health" and not self._site.health.checks:
            background(self._site.health.look, "page-health")

    async def _why(self, request: Request) -> Response:
        env_id = request.query_params.get("env", "")
        return HTMLResponse(await in_thread(lambda: self._site.why(env_id)))

    async def _preview(self, request: Request) -> Response:
        values = dict(request.query_params)
        return HTMLResponse(await in_thread(lambda: self._site.preview(values)))

    async def _log(self, request: Request) -> Response:
        number = request.query_params.get("build", "")
        try:
            build = self._site.builds.get(int(number) if re.fullmatch("[0-9]{1,9}", number) else 0)
        except ConfigurationError as error:
            return PlainTextResponse(f"{error}\n", 404)
        return PlainTextResponse("\n".join(build.lines) + "\n")

    def _turn(self, asked: dict[str, Any]) -> dict[str, Any]:
        env_id, switch, seen = (text_of(asked, name) for name in ("env", "switch", "seen"))
        try:
            number = self._site.edits.turn(env_id, switch, seen, on=asked.get("on") is True)
        finally:
            self._site.world.reload()
        return {"undo": number, "seen": self._site.world.seen}

    def _undo(self, asked: dict[str, Any]) -> dict[str, Any]:
        try:
            self._site.edits.undo(number_of(asked, "number"))
        finally:
            self._site.world.reload()
        return {"seen": self._site.world.seen}

    def _build(self, asked: dict[str, Any]) -> dict[str, Any]:
        named = asked.get("envs")
        env_ids = [str(env_id) for env_id in named] if isinstance(named, list) else self._site.missing()
        return {"build": self._site.builds.start(self._site.settings(), env_ids).number}

    def _cancel(self, asked: dict[str, Any]) -> dict[str, Any]:
        build = self._site.builds.get(number_of(asked, "build"))
        build.cancel.set()
        self._site.hub.touch(f"environments/b{build.number}")
        return {}

    def _dismiss(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._site.builds.dismiss(number_of(asked, "build"))
        self._site.world.look()
        return {}

    def _look_at_images(self, _asked: dict[str, Any]) -> dict[str, Any]:
        self._site.look_at_images()
        return {}

    def _examine(self, _asked: dict[str, Any]) -> dict[str, Any]:
        background(self._site.health.look, "page-health")
        return {}

    def _prune(self, asked: dict[str, Any]) -> dict[str, Any]:
        removed, faults = self._site.tidy.prune(number_of(asked, "plan"), self._site.settings())
        self._site.look_at_images()
        return {"said": f"Removed {removed}." if removed else "Nothing was removed.", "faults": faults}


async def _static(request: Request) -> Response:
    content, kind = STATIC.get(request.path_params["name"], (b"", ""))
    return Response(content, media_type=kind, headers=_KEPT) if kind else PlainTextResponse("not here\n", 404)
