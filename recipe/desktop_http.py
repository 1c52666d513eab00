"""Requests and their answers (RFC 9112), and noVNC's files; part of desktop_gate.py's text."""

import _socket
import time
from posix import stat

TYPE_CHECKING = False  # of typing, which takes a while to import
if TYPE_CHECKING:
    from typing import Dict, Mapping, Tuple

PATIENCE_S = 10.0  # with who says nothing, or takes nothing
HEAD_BYTES, PIECE_BYTES = 1 << 15, 1 << 16
REASONS = {
    101: "Switching Protocols",
    200: "OK",
    304: "Not Modified",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    431: "Request Header Fields Too Large",
    501: "Not Implemented",
    503: "Service Unavailable",
}
KINDS = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript",
    "mjs": "text/javascript",
    "css": "text/css",
    "json": "application/json",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/x-icon",
    "ttf": "font/ttf",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "mp3": "audio/mpeg",
    "oga": "audio/ogg",
    "wasm": "application/wasm",
}
# A browser drops the files that are on their way when a network appears, which is what a container is that starts.
RELOAD = b"""<script>addEventListener("error", e => {
  const tries = history.state || 0;
  if (e.target.tagName === "SCRIPT" && tries < 20) {
    history.replaceState(tries + 1, "");
    setTimeout(() => location.reload(), 300);
  }
}, true)</script>"""


class RefusedError(Exception):
    """A request, or a frame, that is not answered as it wishes.

    Attributes:
        status: the HTTP status, or that of the WebSocket's end (RFC 6455, 7.4.1).
    """

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(status)


def request_of(connection: _socket.socket) -> "Tuple[str, str, Dict[str, str], bytes]":
    """Read a request's head: its method, what it asks for, its headers by lower case, and what came after it.

    A header that comes twice has both values, which no Host and no Origin has.

    Raises:
        RefusedError: it is none, or too long.
        OSError: it does not come in time, or not to its end.
    """
    raw, end = b"", time.monotonic() + PATIENCE_S
    while b"\r\n\r\n" not in raw:
        if len(raw) > HEAD_BYTES:
            raise RefusedError(431)
        connection.settimeout(max(0.001, end - time.monotonic()))
        piece = connection.recv(PIECE_BYTES)
        if not piece:
            raise RefusedError(400) if raw else ConnectionError
        raw += piece
    connection.settimeout(PATIENCE_S)
    head, _, rest = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or words[1][:1] != "/" or words[2] not in ("HTTP/1.0", "HTTP/1.1"):
        raise RefusedError(400)
    headers: Dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip() or "\n" in line or "\r" in line:
            raise RefusedError(400)
        name, value = name.lower(), value.strip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return words[0], words[1], headers, rest


def head_of(status: int, headers: "Mapping[str, str]") -> bytes:
    """The head of an answer."""
    lines = [f"HTTP/1.1 {status} {REASONS[status]}", *(": ".join(header) for header in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def answer_page(connection: _socket.socket, method: str, target: str, headers: "Mapping[str, str]", pages: str) -> None:
    """Send a file; noVNC's own page loads itself again if one of its files did not come.

    Raises:
        RefusedError: there is no such file.
    """
    if method not in ("GET", "HEAD"):
        raise RefusedError(501)
    path = pages + target.partition("?")[0].partition("#")[0]
    name = path.rpartition("/")[2]
    try:
        about = stat(path)
    except (OSError, ValueError) as error:  # ValueError: what no file can be called
        raise RefusedError(404) from error
    if ".." in path.split("/") or about.st_mode & 0o170000 != 0o100000:  # no file
        raise RefusedError(404)
    with open(path, "rb") as page:
        own = page.read().replace(b"<head>", b"<head>" + RELOAD, 1) if name == "vnc.html" else b""
        changed = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(about.st_mtime))
        known = not own and headers.get("if-modified-since") == changed
        said = {
            "Connection": "close",
            "Content-Type": KINDS.get(name.rpartition(".")[2].lower(), "application/octet-stream"),
            "Content-Length": str(0 if known else len(own) or about.st_size),
        }
        if not own:
            said["Last-Modified"] = changed
        connection.sendall(head_of(304 if known else 200, said))
        while method == "GET" and not known:
            piece, own = own or page.read(PIECE_BYTES), b""
            if not piece:
                break
            connection.sendall(piece)
