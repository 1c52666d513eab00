"""A connection to an engine: its socket, or the docker client's `dial-stdio` if it needs TLS or ssh."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import IO, TYPE_CHECKING, cast

from ..system.lazy import lazy
from .http_answer import Head, read_body, read_head

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

    from .docker_host import DockerHost
else:
    subprocess = lazy("subprocess")


SAID_LIMIT_BYTES = 1 << 16
# What the docker client says about a socket that this user may not open.
_REFUSED = "permission denied while trying to connect"
_WITH_BODY = ("POST", "PUT")
LOST = "error while Copy"  # if ssh ends before the docker client writes to it, the client says only this


def remedy_of(why: str, error: Exception | None = None) -> str:
    """What to do if no engine answers.

    Args:
        why: what the docker client says about it.
        error: what the operating system says about it.
    """
    if isinstance(error, PermissionError) or _REFUSED in why.lower():
        return "join the group of Docker's socket: sudo usermod -aG docker $USER, then log out and in again"
    return "start Docker, or set DOCKER_HOST or --context"


class Connection:
    """One request to an engine, and its answer.

    Args:
        host: the engine's address.
        timeout_s: limit in seconds for the connection and for each read.

    Attributes:
        sock: the socket, once it is connected.
        timeout: the time limit.
        kept: whether it stays open after the answer's header.
        said: once it is closed, the last line of the docker client's standard error; empty if there is none.
    """

    def __init__(self, host: DockerHost, timeout_s: float) -> None:
        self.sock: socket.socket | None = None
        self.timeout = timeout_s
        self.kept = False
        self.said = ""
        self._at = host
        self._dial: subprocess.Popen[bytes] | None = None

    def connect(self) -> None:
        """Connect the socket.

        Raises:
            OSError: nobody listens, or it did not connect in time.
            ValueError: there is no port in the address.
        """
        scheme, _, rest = self._at.text.partition("://")
        if scheme == "unix":
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(self.timeout)
            self.sock.connect(rest)
        elif scheme == "tcp" and self._at.direct:
            name, _, port = rest.partition("/")[0].rpartition(":")
            self.sock = socket.create_connection((name.strip("[]"), int(port)), timeout=self.timeout)
        else:
            self.sock, theirs = socket.socketpair()
            self.sock.settimeout(self.timeout)
            with theirs:
                words = ["docker", "system", "dial-stdio"]
                pipe, end = subprocess.PIPE, theirs.fileno()
                self._dial = subprocess.Popen(words, stdin=end, stdout=end, stderr=pipe)

    def send(self, method: str, url: str, content: bytes | None, headers: Mapping[str, str]) -> socket.socket:
        """Connect, and send a request.

        Args:
            method: HTTP method.
            url: quoted path and query.
            content: the body, or None.
            headers: in addition to those that every request has.

        Returns:
            The socket.

        Raises: see `connect`.
        """
        self.connect()
        assert self.sock
        length = {"Content-Length": str(len(content or b""))} if content is not None or method in _WITH_BODY else {}
        lines = [
            f"{name}: {value}"
            for name, value in {"Host": "docker", "Accept-Encoding": "identity", **length, **headers}.items()
        ]
        head = "\r\n".join([f"{method} {url} HTTP/1.1", *lines, "", ""]).encode("ascii")
        self.sock.sendall(head + content if content else head)
        return self.sock

    def ask(
        self, method: str, url: str, content: bytes | None, headers: Mapping[str, str], limit_bytes: int
    ) -> tuple[int, bytes]:
        """Send a request, and return the status and the body of the answer.

        Args:
            method, url, content, headers: see `send`.
            limit_bytes: limit of the body's size.

        Raises: see `connect`, and
            NoAnswerError: what came is not an HTTP answer, or not a complete one.
        """
        with self.send(method, url, content, headers).makefile("rb") as stream:
            head = read_head(stream)
            return head.status, read_body(stream, head, limit_bytes)

    def open(self, url: str, content: bytes, headers: Mapping[str, str]) -> tuple[Head, bytes]:
        """Ask for a stream, and return its header; the socket then has the stream's bytes. Or a refusal and its body.

        Args, Raises: see `ask`; the method is POST.
        """
        # byte by byte: what follows the header belongs to the stream
        with cast("IO[bytes]", self.send("POST", url, content, headers).makefile("rb", buffering=0)) as stream:
            head = read_head(stream)
            self.kept = head.status in (101, 200)
            return head, b"" if self.kept else read_body(stream, head, SAID_LIMIT_BYTES)

    def complaint(self) -> str:
        """Why the docker client hangs up although nothing is sent; empty if it does not."""
        self.connect()
        assert self.sock
        with contextlib.suppress(OSError):
            self.sock.recv(1)
        self.close(wait_s=self.timeout)
        return self.said

    def close(self, *, wait_s: float = 0.0) -> None:
        """Close it, and end the docker client behind it.

        Args:
            wait_s: how long that client may take to end by itself: it says why only after it has hung up.
        """
        if self.sock:
            self.sock.close()
        dial, self._dial = self._dial, None
        if not (dial and dial.stderr):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            dial.wait(wait_s)
        dial.kill()
        dial.wait()
        with dial.stderr as stderr:
            os.set_blocking(stderr.fileno(), False)  # ssh may keep it open
            lines = (stderr.read(SAID_LIMIT_BYTES) or b"").decode(errors="replace").splitlines()
        self.said = next((line.strip()[:600] for line in reversed(lines) if line.strip()), "")
