"""Where the Docker Engine is that the `docker` client is set to use, and its API there (Docker Engine API).

A question by the API takes some milliseconds, the same one by a `docker` process fifty.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bake.client_config import client_config
from bake.redaction import without_secrets
from generator.errors import EngineError, RegistryError, TimeLimitError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CALL_TIMEOUT_S = 60.0
ANSWER_LIMIT_BYTES = 256 << 20
_LOCAL = "unix:///var/run/docker.sock"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the engine answered.

    Attributes:
        status: HTTP status.
        content: the body, read as JSON; None where it is empty or no JSON.
    """

    status: int
    content: Any

    @property
    def message(self) -> str:
        """The engine's own words where it refused (Docker Engine API, "Errors")."""
        said = self.content.get("message") if isinstance(self.content, dict) else None
        return " ".join(str(said or f"status {self.status}").split())[:300]


class Endpoint:
    """The engine of a docker host, such as `unix:///var/run/docker.sock`, `tcp://host:2375` or `ssh://host`."""

    def __init__(self, host: str) -> None:
        self.host = host

    @classmethod
    def current(cls) -> Endpoint:
        """The one that the docker client takes: `DOCKER_HOST`, else `DOCKER_CONTEXT`, else its current context.

        Raises:
            EngineError: the context is unknown.
        """
        host = os.environ.get("DOCKER_HOST")
        if host:
            return cls(host)
        context = os.environ.get("DOCKER_CONTEXT")
        with contextlib.suppress(RegistryError):  # docker, too, does without a configuration that it cannot read
            context = context or client_config().get("currentContext")
        if context in (None, "", "default"):
            return cls(_LOCAL)
        words = ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}", "--", str(context)]
        try:
            shown = subprocess.run(words, capture_output=True, text=True, check=False, timeout=CALL_TIMEOUT_S)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EngineError("the docker client does not run", "install Docker and put it in PATH") from error
        if shown.returncode:
            raise EngineError(f"docker context {str(context)!r} is unknown", "see: docker context ls")
        return cls(shown.stdout.strip())

    @property
    def is_remote(self) -> bool:
        """Whether the engine is on another machine, so that its loopback is not ours."""
        scheme, _, rest = self.host.partition("://")
        name = rest.rsplit("@", 1)[-1].rsplit(":", 1)[0].strip("[]")
        return scheme in ("tcp", "ssh") and name not in ("localhost", "::1") and not name.startswith("127.")

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        body: object = None,
        *,
        timeout_s: float = CALL_TIMEOUT_S,
    ) -> Answer:
        """One request.

        Args:
            method: HTTP method.
            path: path below the API's root, such as `/images/NAME/json`.
            query: parameters; what is no text is sent as JSON.
            body: what is sent as JSON, where it is not None; bytes are sent as a tar archive.
            timeout_s: limit in seconds for the connection and for each read.

        Raises:
            EngineError: no engine answers, or what answers is none.
            TimeLimitError: it did not answer in time.
        """
        connection = Connection(self.host, timeout_s)
        try:
            with self._converted(timeout_s):
                if body is None:
                    connection.request(method, _url(path, query))
                else:
                    kind, sent = ("x-tar", body) if isinstance(body, bytes) else ("json", json.dumps(body).encode())
                    connection.request(method, _url(path, query), sent, {"Content-Type": f"application/{kind}"})
                response = connection.getresponse()
                content = response.read(ANSWER_LIMIT_BYTES)
        finally:
            connection.close()
        return Answer(status=response.status, content=_json(content))

    def hijack(
        self, path: str, query: Mapping[str, object], body: object = None, *, timeout_s: float = CALL_TIMEOUT_S
    ) -> Connection | Answer:
        """A POST after which the connection carries a process's streams (Docker Engine API, "Attach", "Hijacking").

        Args: as `ask`.

        Returns:
            The connection, its socket just after the answer's header; or the answer, where the engine refused.

        Raises: as `ask`.
        """
        connection = Connection(self.host, timeout_s)
        content = b"" if body is None else json.dumps(body).encode()
        request = (
            f"POST {_url(path, query)} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        header = b""
        try:
            with self._converted(timeout_s):
                connection.connect()
                assert connection.sock
                connection.sock.sendall(request.encode() + content)
                while not header.endswith(b"\r\n\r\n"):  # not a byte more: what follows is the stream's
                    piece = connection.sock.recv(1)
                    if not piece:
                        raise http.client.BadStatusLine("")
                    header += piece
                status = int(header.split(None, 2)[1])
                if status not in (101, 200):
                    return Answer(status=status, content=_json(connection.sock.recv(1 << 16)))
            kept, connection = connection, None  # type: ignore[assignment]
            return kept
        finally:
            if connection:
                connection.close()

    @contextlib.contextmanager
    def _converted(self, timeout_s: float) -> Iterator[None]:
        try:
            yield
        except TimeoutError as error:
            raise TimeLimitError(
                f"the engine did not answer within {timeout_s:g} s", "check the engine: docker info"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            raise EngineError(
                f"no Docker Engine answers at {without_secrets()(self.host)}: {why}",
                "start Docker, or set DOCKER_HOST or --context",
            ) from error


def _url(path: str, query: Mapping[str, object] | None) -> str:
    from urllib.parse import quote, urlencode

    url = quote(path, safe="/:@")
    if query:
        url += "?" + urlencode({n: v if isinstance(v, str) else json.dumps(v) for n, v in query.items()})
    return url


def _json(content: bytes) -> Any:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return [] if value is None else value  # the engine's way to write a list without entries


class Connection(http.client.HTTPConnection):
    """A connection to an engine: its socket, or, where that takes TLS or ssh, the docker client's `dial-stdio`."""

    def __init__(self, host: str, timeout_s: float) -> None:
        super().__init__("docker", timeout=timeout_s)
        self._endpoint = host
        self._dial: subprocess.Popen[bytes] | None = None

    def connect(self) -> None:
        """Connect its socket."""
        scheme, _, rest = self._endpoint.partition("://")
        if scheme == "unix":
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(self.timeout)
            self.sock.connect(rest)
        elif scheme == "tcp" and not os.environ.get("DOCKER_TLS_VERIFY") and "DOCKER_HOST" in os.environ:
            name, _, port = rest.rstrip("/").rpartition(":")
            self.sock = socket.create_connection((name.strip("[]"), int(port)), timeout=self.timeout)
        else:
            self.sock, theirs = socket.socketpair()
            self.sock.settimeout(self.timeout)
            with theirs:
                self._dial = subprocess.Popen(
                    ["docker", "system", "dial-stdio"],
                    stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=subprocess.DEVNULL,
                )  # fmt: skip

    def close(self) -> None:
        """Close it, and end the client behind it."""
        super().close()
        if self._dial:
            self._dial.kill()
            self._dial.wait()
