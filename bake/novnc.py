"""Readiness, observed: the VNC banner as a browser would get it, through noVNC's WebSocket."""

from __future__ import annotations

import base64
import os
import socket
import time
from typing import TYPE_CHECKING

from generator.errors import TimeLimitError

if TYPE_CHECKING:
    from collections.abc import Callable


def banner(host: str, port: int, timeout_s: float = 2.0) -> str | None:
    """The protocol version that the VNC server states (RFC 6143, 7.1.1), or None while it does not.

    Args:
        host, port: where noVNC listens.
        timeout_s: limit of this one try, in seconds.
    """
    key = base64.b64encode(os.urandom(16)).decode()
    request = (
        f"GET /websockify HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: binary\r\n\r\n"
    )  # RFC 6455, 4.1
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as connection:
            connection.sendall(request.encode())
            received = b""
            while len(received) < 4096:
                piece = connection.recv(4096)
                if not piece:
                    return None
                received += piece
                if not b"HTTP/1.1 101".startswith(received[:12]):
                    return None
                _, end, frames = received.partition(b"\r\n\r\n")
                at = frames.find(b"RFB ")
                if end and at >= 0 and len(frames) >= at + 11:
                    return frames[at : at + 11].decode("ascii", "replace")
    except OSError:
        pass
    return None


def wait_for_banner(host: str, port: int, timeout_s: float, alive: Callable[[], None]) -> str:
    """Try until the banner comes.

    Args:
        timeout_s: limit in seconds.
        alive: called about twice a second; raises where waiting has become pointless.

    Raises:
        TimeLimitError: no banner within the limit.
    """
    start = asked = time.monotonic()
    while time.monotonic() - start < timeout_s:
        version = banner(host, port)
        if version:
            return version
        if time.monotonic() - asked > 0.5:
            alive()
            asked = time.monotonic()
        time.sleep(0.005)  # a refused connection answers at once; this keeps a core free for the desktop
    raise TimeLimitError(f"the desktop did not answer through noVNC within {timeout_s:g} s", "see: docker logs")
