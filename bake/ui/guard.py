"""The guard of the page: refuses requests before the application sees them, and tells browsers what is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse

from .keys import Head, Verdict

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from .keys import Keys


# A task's desktop is a separate page on another port of the loopback; our page shows it when a person asks.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "frame-src http://127.0.0.1:* http://localhost:*; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_HEADERS = {
    "content-security-policy": POLICY,
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_REFUSED = "This page opens by the address that desktop-bake ui prints when it starts.\n"
# A browser that comes from another site does not send our cookie at first: one more step follows, from our own page.
_ENTERED = (
    '<!doctype html><title>desktop-bake</title><meta http-equiv="refresh" content="0;url=./"><a href="./">Open</a>'
)


class Guard:
    """The guard in front of the application.

    Args:
        app: the application, below `keys.place`.
        keys: decides who may enter.
    """

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app, self._keys = app, keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        head = head_of(scope)
        verdict = self._keys.decide(head)
        wanted = _HEADERS if verdict is Verdict.ADMITTED else {**_HEADERS, "connection": "close"}

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                names = {name for name, _ in message["headers"]}
                more = [(n.encode(), v.encode()) for n, v in wanted.items() if n.encode() not in names]
                message["headers"] = [*message["headers"], *more]
            await send(message)

        if verdict is Verdict.ADMITTED:
            await self._app({**scope, "path": "/" + head.path.removeprefix(self._keys.place)}, receive, guarded)
            return
        await self._answer(verdict, head)(scope, receive, guarded)

    def _answer(self, verdict: Verdict, head: Head) -> Response:
        if verdict is not Verdict.EXCHANGED:
            return PlainTextResponse(_REFUSED, verdict.value)
        from_elsewhere = head.one("sec-fetch-site") in ("cross-site", "same-site")
        response = HTMLResponse(_ENTERED) if from_elsewhere else RedirectResponse(self._keys.place, verdict.value)
        response.headers["set-cookie"] = self._keys.set_cookie()
        return response


def head_of(scope: Scope) -> Head:
    """The head of a request, from ASGI's scope."""
    return Head(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers=[(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]],
    )
