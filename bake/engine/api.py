"""The Docker Engine that the `docker` client uses, and its API (Docker Engine API).

A request to the API takes some milliseconds; the same request through a `docker` process takes fifty.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from ...generator.errors import EngineError, TimeLimitError
from ..system.lazy import lazy
from ..system.redaction import without_secrets
from .connection import LOST, SAID_LIMIT_BYTES, Connection, remedy_of
from .docker_host import DockerHost, chosen_host

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from http import client
else:
    client = lazy("http.client")


CALL_TIMEOUT_S = 60.0
_LAST_WORDS_S = 2.0
ANSWER_LIMIT_BYTES = 256 << 20
_VERSION = "1.51"  # the API version this is written for; an engine without it names its own
_OTHER_VERSION = re.compile(rb"client version \S+ is too (?:new|old)\. \w+ supported API version is ([0-9]+\.[0-9]+)")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the engine answered.

    Attributes:
        status: HTTP status.
        content: the body, read as JSON; None if it is empty or not JSON.
        text: the beginning of a body that is not JSON, such as the refusal of a stream.
        body: the whole of a body that is not JSON, such as an archive.
    """

    status: int
    content: Any
    text: str = ""
    body: bytes = field(default=b"", repr=False)

    @classmethod
    def of(cls, status: int, body: bytes) -> Answer:
        """The answer of these bytes."""
        content = _json(body)
        if content is not None:
            return cls(status=status, content=content)
        return cls(status=status, content=None, text=body[:300].decode(errors="replace"), body=body)

    @property
    def message(self) -> str:
        """The engine's message if it refused (Docker Engine API, "Errors")."""
        said = self.content.get("message") if isinstance(self.content, dict) else self.text.strip()
        return " ".join(str(said or f"status {self.status}").split())[:300]


class Endpoint:
    """The engine at a docker host.

    Args:
        host: such as `unix:///var/run/docker.sock`, `tcp://host:2375` or `ssh://host`.
        direct: whether its socket can be used as it is.
        version: the API version; None for the one this is written for, or what the engine has instead.

    Attributes:
        host: as given.
    """

    def __init__(self, host: str, *, direct: bool = True, version: str | None = None) -> None:
        self.host = host
        self._at = DockerHost(text=host, direct=direct)
        self._version = version or _VERSION
        self._pinned = version is not None
        self._settled = False  # whether the engine has named another version

    @classmethod
    def current(cls) -> Endpoint:
        """The engine that the docker client would use, with the API version of `DOCKER_API_VERSION` if it is set.

        Raises:
            EngineError: one of the client's variables is malformed, or the context is unknown.
        """
        version = os.environ.get("DOCKER_API_VERSION", "").removeprefix("v")
        if version and not re.fullmatch(r"[0-9]{1,3}\.[0-9]{1,3}", version):
            raise EngineError(f"DOCKER_API_VERSION is {version!r}", f"unset it, or write {_VERSION}")
        chosen = chosen_host(os.environ)
        return cls(chosen.text, direct=chosen.direct, version=version or None)

    @property
    def is_remote(self) -> bool:
        """Whether the engine is on another machine, so that its loopback is not this machine's."""
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
        """Send one request.

        Args:
            method: HTTP method.
            path: path below the API's root, such as `/images/NAME/json`.
            query: parameters; a value that is not a string is sent as JSON.
            body: sent as JSON if it is not None; bytes are sent as a tar archive.
            timeout_s: limit in seconds for the connection and for each read.

        Raises:
            EngineError: no engine answers, or what answers is not an engine.
            TimeLimitError: it did not answer in time.
        """
        kind, sent = ("x-tar", body) if isinstance(body, bytes) else ("json", json.dumps(body).encode())
        content, headers = (None, {}) if body is None else (sent, {"Content-Type": f"application/{kind}"})
        while True:
            with self._connection(timeout_s) as connection:
                status, said = connection.ask(method, self._url(path, query), content, headers, ANSWER_LIMIT_BYTES)
            if not self._has_another_version(status, said):
                return Answer.of(status, said)

    @contextlib.contextmanager
    def open(self, path: str, query: Mapping[str, object] | None = None) -> Iterator[client.HTTPResponse]:
        """Send a GET whose answer is read as it comes, without a time limit once it has begun.

        Raises: see `ask`.
            EngineError: the engine refused.
        """
        while True:
            with self._connection(CALL_TIMEOUT_S) as connection, _as_value_errors():
                sock = connection.send("GET", self._url(path, query), None, {})
                response = client.HTTPResponse(sock)
                response.begin()
                if response.status == 200:
                    sock.settimeout(None)
                    yield response
                    return
                said = response.read(SAID_LIMIT_BYTES)
            if not self._has_another_version(response.status, said):
                raise EngineError(f"the engine refused: {Answer.of(response.status, said).message}", "see: docker info")

    def hijack(
        self, path: str, query: Mapping[str, object], body: object = None, *, timeout_s: float = CALL_TIMEOUT_S
    ) -> Connection | Answer:
        """Send a POST; the connection then carries a process's streams (Docker Engine API, "Attach", "Hijacking").

        Args: see `ask`.

        Returns:
            The connection, its socket just after the answer's header; or the answer if the engine refused.

        Raises: see `ask`.
        """
        content = b"" if body is None else json.dumps(body).encode()
        headers = {"Connection": "Upgrade", "Upgrade": "tcp", "Content-Type": "application/json"}
        while True:
            with self._connection(timeout_s) as connection:
                head, said = connection.open(self._url(path, query), content, headers)
                if connection.kept:
                    return connection
            if not self._has_another_version(head.status, said):
                return Answer.of(head.status, said)

    def _url(self, path: str, query: Mapping[str, object] | None) -> str:
        base = self._at.base_path
        url = quote(f"{base}/v{self._version}{path}", safe="/:@")
        if query:
            url += "?" + urlencode({n: v if isinstance(v, str) else json.dumps(v) for n, v in query.items()})
        return url

    def _has_another_version(self, status: int, said: bytes) -> bool:
        """Whether the engine refused the API version and named one that it has, so that the request is sent again.

        Raises:
            EngineError: the user asked for this version.
        """
        found = _OTHER_VERSION.search(said) if status == 400 and not self._settled else None
        if not found:
            return False
        theirs = found[1].decode()
        if self._pinned:
            raise EngineError(
                f"the engine does not have version {self._version} of its API, which DOCKER_API_VERSION asks for",
                f"unset DOCKER_API_VERSION, or write {theirs}",
            )
        self._version, self._settled = theirs, True
        return True

    @contextlib.contextmanager
    def _connection(self, timeout_s: float) -> Iterator[Connection]:
        connection = Connection(self._at, timeout_s)
        try:
            yield connection
        except TimeoutError as error:
            raise TimeLimitError(
                f"the engine did not answer within {timeout_s:g} s", "check the engine: docker info"
            ) from error
        except (OSError, ValueError, OverflowError) as error:  # includes: no port, no name, not HTTP
            connection.close(wait_s=_LAST_WORDS_S)
            said = connection.said
            if said.startswith(LOST):
                said = Connection(self._at, _LAST_WORDS_S).complaint() or said
            why = said or getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise EngineError(
                without_secrets()(f"no Docker Engine answers at {self.host}: {why}"),
                remedy_of(why, error),
            ) from error
        finally:
            if not connection.kept:
                connection.close()


@contextlib.contextmanager
def _as_value_errors() -> Iterator[None]:
    """Raise `ValueError` for an answer that is not HTTP."""
    try:
        yield
    except client.HTTPException as error:
        raise ValueError(str(error) or type(error).__name__) from error


def _json(content: bytes) -> Any:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return [] if value is None else value  # the engine writes an empty list as null
