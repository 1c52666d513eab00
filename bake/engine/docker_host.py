"""Which engine the docker client would use: `DOCKER_HOST`, else `DOCKER_CONTEXT`, else its current context."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ...generator.errors import EngineError, RegistryError
from ..system.lazy import lazy
from .docker_config import client_config

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
else:
    subprocess = lazy("subprocess")


_SOCKET = "unix:///var/run/docker.sock"
_PORT = "2375"
_PORT_WITH_TLS = "2376"  # of the engine that is used if only DOCKER_TLS is set
_INSPECT_TIMEOUT_S = 60.0
_REMEDY = "write DOCKER_HOST=unix:///var/run/docker.sock, tcp://HOST:2375 or ssh://USER@HOST"
# [userinfo@]host[:port][/path][?query][#fragment], as Go's net/url reads it; also an address without brackets
_ADDRESS = re.compile(
    r"(?:[^/?#\s]*@)?(?P<host>\[[0-9A-Fa-f:.]+(?:%25[^\]%]+)?\](?=:)|[^/?#@\[\]%\s]*?)"
    r"(?P<port>:[0-9]*)?(?P<path>/(?:[^?#%]|%[0-9A-Fa-f]{2})*)?(?:[?#].*)?"
)


@dataclass(frozen=True, kw_only=True)
class DockerHost:
    """An engine's address.

    Attributes:
        text: as the docker client writes it, such as `unix:///var/run/docker.sock` or `tcp://localhost:2375`.
        direct: whether its socket can be used directly; else the docker client makes the connection.
    """

    text: str
    direct: bool

    @property
    def base_path(self) -> str:
        """What precedes every path of the API, if the engine is behind a proxy; usually empty."""
        path = "/".join(self.text.split("/")[3:]).rstrip("/") if self.text.startswith("tcp://") else ""
        return f"/{path}" if path else ""


def chosen_host(variables: Mapping[str, str]) -> DockerHost:
    """The engine that the docker client uses with these variables.

    Raises:
        EngineError: the host is malformed, the context is unknown, or the client does not run.
    """
    host = variables.get("DOCKER_HOST", "")
    context = "" if host else variables.get("DOCKER_CONTEXT", "")
    if not host and not context:
        with contextlib.suppress(RegistryError):  # docker, too, ignores a configuration that it cannot read
            context = str(client_config().get("currentContext") or "")
    if context in ("", "default"):
        tls = bool(variables.get("DOCKER_TLS") or variables.get("DOCKER_TLS_VERIFY"))  # whatever their value
        text = parse_host(host, tls=tls)
        return DockerHost(text=text, direct=text.startswith("unix:") or (text.startswith("tcp:") and not tls))
    words = ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}", "--", context]
    try:
        shown = subprocess.run(words, capture_output=True, text=True, check=False, timeout=_INSPECT_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError("the docker client does not run", "install Docker and put it in PATH") from error
    if shown.returncode:
        raise EngineError(f"docker context {context!r} is unknown", "see: docker context ls")
    text = shown.stdout.strip()
    return DockerHost(text=text, direct=text.startswith("unix:"))  # a context's TCP endpoint may have its own TLS


def parse_host(text: str, *, tls: bool) -> str:
    """A `DOCKER_HOST` in full, as docker/cli's `opts.ParseHost` reads it.

    Args:
        text: such as `tcp://host`, `host:2375` or an empty string.
        tls: whether `DOCKER_TLS` or `DOCKER_TLS_VERIFY` is set.

    Raises:
        EngineError: the docker client does not accept it, or not on this system.
    """
    text = text.strip()
    if not text:
        return f"tcp://localhost:{_PORT_WITH_TLS}" if tls else _SOCKET
    scheme, separated, rest = text.partition("://")
    if not separated:
        scheme, rest = "tcp", text
    if scheme == "unix":
        path = rest.removeprefix("unix://")
        return f"unix://{path}" if path else _SOCKET
    if scheme == "ssh" and rest:
        return text
    if scheme == "tcp":
        return _tcp(rest, text)
    raise EngineError(f"DOCKER_HOST is {text!r}, which no docker client here can use", _REMEDY)


def _tcp(rest: str, text: str) -> str:
    found = _ADDRESS.fullmatch(rest)
    host, port = (found["host"], found["port"] or "") if found else ("", "")
    bare = ":" in host and not host.startswith("[")  # an address without brackets, which has no port
    if not found or not rest.isprintable() or (bare and not port):
        raise EngineError(f"DOCKER_HOST is {text!r}, which is malformed", _REMEDY)
    if bare:
        host, port = host + port, ""
    host = host.strip("[]").replace("%25", "%") or "localhost"
    shown = f"[{host}]" if ":" in host else host
    return f"tcp://{shown}:{port[1:] or _PORT}{unquote(found['path'] or '')}"
