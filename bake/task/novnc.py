"""noVNC's address with the task's secret in it, and the test of readiness: the VNC banner, as a browser gets it."""

from __future__ import annotations

import hashlib
import os
import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

from ...generator.errors import TimeLimitError
from ..system.chance import base64

if TYPE_CHECKING:
    from collections.abc import Callable


NO_SECRET = "-"


def novnc_url(port: int, secret: str, *, follows: bool = True) -> str:
    """Where a browser on this machine sees the desktop.

    Args:
        port: noVNC's port on the loopback.
        secret: the task's secret; `NO_SECRET` for none. It is in the fragment, which a browser never sends; noVNC reads
            its settings there and appends `path` to the WebSocket's address.
        follows: whether the desktop takes the size of the browser's window; otherwise its picture is scaled.
    """
    url = f"http://127.0.0.1:{port}/vnc.html#autoconnect=1&resize={'remote' if follows else 'scale'}"
    return url if secret == NO_SECRET else f"{url}&path={quote(f'websockify?token={secret}', safe='')}"


def onlooker_secret(secret: str) -> str:
    """The secret for seeing a desktop without controlling it; it is made from the task's, which it does not reveal.

    Args:
        secret: the task's secret. `recipe/desktop_onlooker.py` makes the same from it, so no third place must know it.
    """
    return hashlib.sha256(b"look on " + secret.encode()).hexdigest()[:48]


def view_only_url(url: str) -> str | None:
    """Where a browser on this machine sees the desktop and cannot control it; None for a desktop without a secret.

    Args:
        url: from `novnc_url`.
    """
    parts = urlsplit(url)
    token = parse_qs(urlsplit(parse_qs(parts.fragment).get("path", [""])[0]).query).get("token")
    if not token:
        return None
    return novnc_url(parts.port or 80, onlooker_secret(token[0]), follows=False).replace("#", "#view_only=1&", 1)


def banner(url: str, timeout_s: float = 2.0) -> str | None:
    """The protocol version that the VNC server states (RFC 6143, 7.1.1), or None if it does not yet.

    Args:
        url: from `novnc_url`.
        timeout_s: limit of this try, in seconds.
    """
    parts = urlsplit(url)
    path = parse_qs(parts.fragment).get("path", ["websockify"])[0]
    key = base64(os.urandom(16)).decode()
    request = (
        f"GET /{path} HTTP/1.1\r\nHost: {parts.netloc}\r\nOrigin: http://{parts.netloc}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: binary\r\n\r\n"
    )  # RFC 6455, 4.1
    try:
        with connected((parts.hostname or "", parts.port or 80), timeout_s) as connection:
            connection.sendall(request.encode())
            received = b""
            while len(received) < 4096:
                piece = connection.recv(4096)
                if not piece:
                    return None
                received += piece
                if not b"HTTP/1.1 101".startswith(received[:12]):
                    return None
                frames = received.partition(b"\r\n\r\n")[2]  # none before the headers have ended
                at = frames.find(b"RFB ")
                if at >= 0 and len(frames) >= at + 11:
                    return frames[at : at + 11].decode("ascii", "replace")
    except OSError:
        pass
    return None


def connected(address: tuple[str, int], timeout_s: float) -> socket.socket:
    """A connection to an IPv4 address; the library's own function would load the tables of international names.

    Raises:
        OSError: nothing listens there, or the connection was not made in time.
    """
    connection = socket.socket()
    try:
        connection.settimeout(timeout_s)
        connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


def wait_for_banner(url: str, timeout_s: float, alive: Callable[[], None]) -> str:
    """Try until the banner comes.

    Args:
        url: from `novnc_url`.
        timeout_s: limit in seconds.
        alive: called between two tries; raises if waiting has become pointless.

    Raises:
        TimeLimitError: no banner within the limit.
    """
    start = time.monotonic()
    while time.monotonic() - start < timeout_s:
        version = banner(url)
        if version:
            return version
        alive()
        time.sleep(0.005)  # a refused connection answers at once; this keeps a core free for the desktop
    raise TimeLimitError(f"the desktop did not answer through noVNC within {timeout_s:g} s", "see: docker logs")
