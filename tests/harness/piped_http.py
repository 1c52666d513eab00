"""HTTP servers at the other end of a socket pair: unit tests connect urllib3 to them, instead of to an address."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_LIMIT_S = 10.0


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    """An HTTP answer; an underscore in a header's name is a hyphen."""
    named = {"Content-Length": str(len(body)), **{name.replace("_", "-"): text for name, text in headers.items()}}
    lines = "".join(f"{name}: {text}\r\n" for name, text in named.items())
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + body


class Pipe(socket.socket):
    """One end of a pair, whose other end has an address."""

    there = ("203.0.113.9", 443)

    def getpeername(self) -> tuple[str, int]:
        """The peer, as far as a caller can see."""
        return self.there


@dataclass
class PipedHttp:
    """Every server.

    Attributes:
        answers: the answers to requests, in order, whatever they ask: bytes; empty bytes to close the connection, as
            after the last answer; None to say nothing.
        requests: the requests, head and body.
        connected: `host:port` of each connection.
        addresses: the address of a host; a public one if it is not listed.
        faults: what connecting to a host raises.
        tls: speaks TLS on connections to port 443; None for no TLS.
    """

    answers: list[bytes | None] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)
    connected: list[str] = field(default_factory=list)
    addresses: dict[str, str] = field(default_factory=dict)
    faults: dict[str, OSError] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None

    def create_connection(self, address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        """Stands in for `urllib3.util.connection.create_connection`."""
        host, port = address
        if host in self.faults:
            raise self.faults[host]
        self.connected.append(f"{host}:{port}")
        made, theirs = socket.socketpair()
        ours = Pipe(fileno=made.detach())
        ours.there = (self.addresses.get(host, "8.8.8.8"), port)
        ours.settimeout(_LIMIT_S)
        theirs.settimeout(_LIMIT_S)
        threading.Thread(target=self._serve, args=(theirs, port == 443), daemon=True).start()
        return ours

    @property
    def asked(self) -> list[str]:
        """The first line of each request, without the protocol."""
        return [request.split(b" HTTP/1.1", 1)[0].decode() for request in self.requests]

    def _serve(self, theirs: socket.socket, is_tls: bool) -> None:
        with suppress(OSError):  # the client has gone
            if is_tls and self.tls:
                theirs = self.tls.wrap_socket(theirs, server_side=True)
            while request := _read(theirs):
                self.requests.append(request)
                said = self.answers.pop(0) if self.answers else b""
                if said is None:  # for as long as the client waits
                    theirs.recv(1)
                if not said:
                    break
                theirs.sendall(said)
        theirs.close()


def _read(theirs: socket.socket) -> bytes:
    request = b""
    while b"\r\n\r\n" not in request and not request.startswith(b"\x16"):  # the first bytes of TLS
        piece = theirs.recv(1 << 16)
        if not piece:
            return b""
        request += piece
    head, _, body = request.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    while length and len(body) < int(length[1]):
        body += theirs.recv(1 << 16)
    return head + b"\r\n\r\n" + body
