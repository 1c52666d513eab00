"""The answers of the page's server about tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from ...generator.errors import DesktopBakeError
from .answering import act_routes, number_of, text_of
from .threads import in_thread

if TYPE_CHECKING:
    from starlette.requests import Request

    from .site import Site


class TaskApp:
    """The application that answers requests about tasks.

    Args:
        site: what the page shows.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self.routes = [
            Route("/desk", self._desk, methods=["GET"]),
            Route("/shot", self._shot, methods=["GET"]),
            Route("/task-log", self._log, methods=["GET"]),
            Route("/start", self._start_form, methods=["GET"]),
            Route("/stop", self._stop_form, methods=["GET"]),
            *act_routes(
                {"desktop": self._desktop, "start": self._start, "stop": self._stop, "dismiss-start": self._dismiss}
            ),
        ]

    async def _desk(self, request: Request) -> Response:
        task, port = request.query_params.get("task", ""), str((request.scope.get("server") or ("", 0))[1])
        try:
            settings = self._site.settings()
            if not self._site.desks.has_looked:
                await in_thread(lambda: self._site.desks.look(settings))
            return HTMLResponse(self._site.desk(task, port))
        except DesktopBakeError as error:
            return PlainTextResponse(f"{error}\n", 404)

    async def _shot(self, request: Request) -> Response:
        task, asked = request.query_params.get("task", ""), request.query_params
        try:
            taken = await in_thread(lambda: self._site.desks.picture(task, self._site.settings()))
        except DesktopBakeError as error:
            return PlainTextResponse(f"{error}\n", 404)
        headers = {"x-picture": taken.tag}
        if request.headers.get("x-have") == taken.tag:
            return Response(status_code=204, headers=headers)
        if "save" in asked:
            headers["content-disposition"] = "attachment"
        return Response(taken.png, media_type="image/png", headers=headers)

    async def _log(self, request: Request) -> Response:
        task = request.query_params.get("task", "")
        try:
            return PlainTextResponse(await in_thread(lambda: self._site.desks.log(task, self._site.settings())))
        except DesktopBakeError as error:
            return PlainTextResponse(f"{error}\n", 404)

    async def _start_form(self, _request: Request) -> Response:
        return HTMLResponse(self._site.start_form())

    async def _stop_form(self, request: Request) -> Response:
        try:
            return HTMLResponse(self._site.stop_form(request.query_params.get("task", "")))
        except DesktopBakeError as error:
            return PlainTextResponse(f"{error}\n", 404)

    def _desktop(self, asked: dict[str, Any]) -> dict[str, Any]:
        settings, control = self._site.settings(), asked.get("control") is True
        return {"url": self._site.desks.url(text_of(asked, "task"), settings, control=control)}

    def _start(self, asked: dict[str, Any]) -> dict[str, Any]:
        env_id, command, geometry = (text_of(asked, name) for name in ("env", "command", "geometry"))
        self._site.desks.start(self._site.settings(), env_id, command, geometry)
        return {}

    def _stop(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._site.desks.stop(text_of(asked, "task"), self._site.settings())
        return {}

    def _dismiss(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._site.desks.dismiss(number_of(asked, "number"))
        return {}
