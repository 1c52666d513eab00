"""A proxy with real sockets before a real registry: all passes, except for faults of `tests/harness/faults.py`."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "expect", "te", "trailer", "upgrade"}
PIECE = 1 << 16
Headers = Mapping[str, str]


class Request(NamedTuple):
    """One request to the proxy; the header names are lower-case."""

    method: str
    path: str
    headers: Headers


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens to requests whose "METHOD /path" matches the pattern `on`, for the first `times` of them.

    act: does it, and returns whether it answered; if not, the next fault or the registry does
    """

    act: Callable[[Exchange], bool]
    on: str = ""
    times: int | None = None


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """A running proxy: its address, the requests so far, and the size of each piece of its answers."""

    host: str
    requests: list[Request] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, upstream: str, faults: Iterable[Fault], address: str, tls: ssl.SSLContext | None) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, 0), Exchange)
        self.upstream = upstream
        self.tls = tls
        self.faults = [(fault, [fault.times]) for fault in faults]
        self.proxy = Proxy(host=f"{f'[{address}]' if ':' in address else address}:{self.server_address[1]}")
        self.ending = threading.Event()
        self.sockets: list[socket.socket] = []
        self.mistakes: list[BaseException | None] = []
        self.lock = threading.Lock()

    def keep(self, connection: socket.socket) -> None:
        """Remember a socket, so that our end wakes whoever waits on it."""
        with self.lock:
            self.sockets.append(connection)
        if self.ending.is_set():
            self.end()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self.keep(connection)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore broken connections, which are this proxy's purpose; every other error is a mistake of ours."""
        error = sys.exception()
        if not isinstance(error, OSError | http.client.HTTPException):
            self.mistakes.append(error)

    def end(self) -> None:
        self.ending.set()
        with self.lock:
            for connection in self.sockets:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def due(self, request: Request) -> Iterator[Fault]:
        """The faults that hit this request, each counted."""
        for fault, left in self.faults:
            with self.lock:
                if left[0] == 0 or not re.search(fault.on, f"{request.method} {request.path}"):
                    continue
                if left[0] is not None:
                    left[0] -= 1
            yield fault


class Exchange(BaseHTTPRequestHandler):
    """One request and its answer, as the faults see it."""

    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = None

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def handle(self) -> None:
        """Serve a connection; answer a client that begins with TLS, as Go's servers do, that there is none."""
        if self.server.tls:
            self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
            super().handle()
        elif self.connection.recv(1, socket.MSG_PEEK) == b"\x16":
            self.connection.recv(PIECE)
            self.wfile.write(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTPS request to an HTTP server.\n")
        else:
            super().handle()

    def _handle(self) -> None:
        request = Request(self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
        self.server.proxy.requests.append(request)
        self.body_unread, self.peeked = True, b""
        if not any(fault.act(self) for fault in self.server.due(request)):
            self.pass_on()

    do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = do_CONNECT = _handle  # noqa: N815 - the names http.server calls

    @property
    def host(self) -> str:
        """Our own HOST:PORT."""
        return self.server.proxy.host

    def wait(self, seconds: float) -> None:
        """Wait, but not beyond the end of the test."""
        if self.server.ending.wait(seconds):
            raise ConnectionAbortedError

    def peek(self) -> bytes:
        """The request's body, which can be read again."""
        self.peeked = b"".join(self.body())
        return self.peeked

    def body(self) -> Iterator[bytes]:
        """The request's body, piece by piece; nothing if it was already read."""
        if self.peeked:
            yield self.peeked
            self.peeked = b""
        if not self.body_unread:
            return
        self.body_unread = False
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while line := self.rfile.readline():
                size = int(line.split(b";")[0], 16)
                if size:
                    yield self.rfile.read(size)
                self.rfile.readline()
                if not size:
                    return
            raise ConnectionAbortedError
        left = int(self.headers.get("Content-Length", 0))
        while left and (piece := self.rfile.read1(min(left, PIECE))):
            left -= len(piece)
            yield piece

    def answer(
        self, status: int, headers: Iterable[tuple[str, str]], pieces: Iterable[bytes], head_pace_s: float = 0
    ) -> None:
        """Send an answer; without a Content-Length, the connection's end ends it."""
        headers = list(headers)
        if not any(name.lower() == "content-length" for name, _ in headers) and status >= 200 and status != 204:
            headers.append(("Connection", "close"))
            self.close_connection = True
        head = f"HTTP/1.1 {status} {http.client.responses.get(status, '')}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers) + "\r\n"
        for piece in self.drip(head.encode(), head_pace_s) if head_pace_s else [head.encode()]:
            self.wfile.write(piece)
        if self.command != "HEAD":
            for piece in pieces:
                self.wfile.write(piece)
                self.server.proxy.sent.append(len(piece))

    def drip(self, content: bytes, pace_s: float) -> Iterator[bytes]:
        """The content byte by byte, with a pause before each."""
        for byte in content:
            self.wait(pace_s)
            yield bytes([byte])

    def pass_on(
        self,
        change: Callable[[list[tuple[str, str]], Iterator[bytes]], Iterable[bytes]] = lambda _, pieces: pieces,
        head_pace_s: float = 0,
    ) -> None:
        """Ask the registry, change its answer, and send it."""
        connection = http.client.HTTPConnection(self.server.upstream)
        with contextlib.closing(connection):
            try:
                connection.connect()
            except OSError:
                return self.answer(502, [("Content-Length", "0")], [])
            self.server.keep(connection.sock)
            chunked = "Transfer-Encoding" in self.headers
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in HOP_BY_HOP | {"host"}:
                    connection.putheader(name, value)
            connection.putheader("Host", self.server.upstream)
            if chunked:
                connection.putheader("Transfer-Encoding", "chunked")
            connection.endheaders(self.body(), encode_chunked=chunked)
            response = connection.getresponse()
            headers = [
                (name, value.replace(f"//{self.server.upstream}/", f"//{self.host}/") if name == "Location" else value)
                for name, value in response.getheaders()
                if name.lower() not in HOP_BY_HOP
            ]
            pieces: Iterable[bytes] = iter(lambda: response.read1(PIECE), b"")
            if self.command != "HEAD":
                pieces = change(headers, iter(pieces))
            return self.answer(response.status, headers, pieces, head_pace_s)

    def drop(self) -> None:
        """End the connection here and now."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def faulty(
    upstream: str, *faults: Fault, address: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> Iterator[Proxy]:
    """A proxy before the registry at HOST:PORT; without a fault it only listens and records."""
    server = _Server(upstream, faults, address, tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.proxy
    finally:
        server.shutdown()
        server.server_close()
        server.end()
    assert not server.mistakes, server.mistakes
