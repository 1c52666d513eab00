"""What a task of another user could reach."""

from __future__ import annotations

import base64
import http.client
import os
import socket
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from desktop_bake import DesktopTask


LOG: list[str] = []


def url_of(task: DesktopTask) -> str:
    """Its address."""
    assert task.novnc_url
    return task.novnc_url


def secret_of(task: DesktopTask) -> str:
    """The secret in its address."""
    return parse_qs(urlsplit(url_of(task)).fragment)["path"][0].removeprefix("websockify?token=")


@contextmanager
def handshake(
    url: str, path: str, *, host: str | None = None, origin: str | None = None
) -> Iterator[tuple[int, socket.socket]]:
    """A WebSocket handshake with the address and port of `url`: its HTTP status, and the connection."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    headers = {
        "Host": host or parts.netloc,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
    }
    if origin is not None:
        headers["Origin"] = origin
    with closing(connection):
        connection.connect()
        stream = connection.sock  # which a refusal takes from `connection`
        connection.request("GET", path, headers=headers)
        yield connection.getresponse().status, stream


def status(url: str, path: str, *, host: str | None = None, origin: str | None = None) -> int:
    """The HTTP status of a WebSocket handshake, whose connection is then closed."""
    with handshake(url, path, host=host, origin=origin) as (found, _):
        return found
