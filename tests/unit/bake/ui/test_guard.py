"""The guard: nothing of ours sees a request before it, and every answer tells the browser what it may."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from desktop_bake.bake.ui.guard import Guard
from desktop_bake.bake.ui.keys import Keys

if TYPE_CHECKING:
    from starlette.requests import Request

KEYS = Keys(place="/place/")
BASE = "http://127.0.0.1:8000"


@pytest.fixture
def seen() -> list[str]:
    """The paths that the application saw."""
    return []


@pytest.fixture
def client(seen: list[str]) -> TestClient:
    """A client of an application that says yes to everything."""

    async def answer(request: Request) -> Response:
        seen.append(request.url.path)
        return PlainTextResponse("yes")

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
    return TestClient(Guard(app, KEYS), base_url=BASE, follow_redirects=False)


def test_in_by_the_token(client: TestClient, seen: list[str]) -> None:
    """The printed address gives a cookie, and leads to one without the token; the cookie opens what lies below."""
    entered = client.get("/place/", params={"token": KEYS.token})
    assert (entered.status_code, entered.headers["location"]) == (303, "/place/")
    assert KEYS.token not in entered.text + str(entered.headers)
    assert client.get("/place/why").text == "yes"
    assert seen == ["/why"]


def test_from_another_site(client: TestClient, seen: list[str]) -> None:
    """Whoever follows the address from another site is led on by a page of ours, whose requests have the cookie."""
    headers = {"sec-fetch-site": "cross-site"}
    entered = client.get("/place/", params={"token": KEYS.token}, headers=headers)
    assert (entered.status_code, "url=./" in entered.text) == (200, True)
    assert client.get("/place/").text == "yes"


@pytest.mark.parametrize("path", ["/", "/place/", "/place/?token=x", "/favicon.ico", "/place/events"])
def test_refused(client: TestClient, seen: list[str], path: str) -> None:
    """Whoever has neither learns nothing: not even what there would be."""
    refused = client.get(path)
    assert refused.status_code in (403, 404)
    assert refused.text == "This page opens by the address that desktop-bake ui prints when it starts.\n"
    assert "set-cookie" not in refused.headers
    assert seen == []


def test_headers(client: TestClient) -> None:
    """Every answer, a refusal too, forbids scripts of others, frames, and copies in caches."""
    client.cookies.set("desktop-bake", KEYS.cookie, path="/place/")
    for path in ("/place/", "/"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"


def test_a_refusal_ends_the_connection(client: TestClient) -> None:
    """Whoever is refused has to come again; who is let in may go on."""
    client.cookies.set("desktop-bake", KEYS.cookie, path="/place/")
    ends = {path: client.get(path).headers.get("connection") for path in ("/place/", "/", "/place/?token=x")}
    assert ends == {"/place/": None, "/": "close", "/place/?token=x": "close"}


def test_nothing_but_http(client: TestClient, seen: list[str]) -> None:
    """A WebSocket gets no answer of ours."""
    client.cookies.set("desktop-bake", KEYS.cookie, path="/place/")
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/place/"):
        pass
    assert seen == []
