"""Requests to a registry: TLS like the engine's, proxies, redirects, all limits, and failures as clear errors."""

from __future__ import annotations

import contextlib
import re
import socket
import time
import warnings
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from ...generator.errors import RegistryError
from ..system.lazy import lazy
from .challenge import origin
from .pool import Pools
from .proxy_rules import address_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import urllib3

    from .deadline import Deadline
else:
    urllib3 = lazy("urllib3")


_MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_PASSING = (502, 503, 504)  # from a gateway; the request is repeated
_PAUSES_S = (0.0, 0.4)
_DISCARD_LIMIT_BYTES = 1 << 16


class Transport:
    """Connections to one registry, and to where it redirects.

    Args:
        host: the registry as image references name it, for messages.
        base: `scheme://host[:port]` of its API.
        deadline: when everything must be done.
        verify: whether TLS certificates must be trusted.

    Attributes:
        answered: whether the registry gave any answer.
    """

    def __init__(self, host: str, base: str, deadline: Deadline, *, verify: bool) -> None:
        self.answered = False
        self._host = host
        self._origin = origin(base)
        self._deadline = deadline
        self._sockets: list[socket.socket] = []
        self._aborted = False
        self._is_public: bool | None = None  # known after the first connection, which goes to the registry itself
        self._is_led = False  # the current request follows the registry to another server
        self._pools = Pools(base.partition("://")[2], self._keep, verify=verify)

    def close(self) -> None:
        """End its connections."""
        self._pools.close()
        while self._sockets:
            self._sockets.pop().close()

    def abort(self) -> None:
        """End its connections while another thread uses them: nothing else stops a header that arrives byte by byte."""
        self._aborted = True  # urllib3 repeats a request if a connection broke
        for connection in list(self._sockets):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _keep(self, made: socket.socket, is_proxy: bool) -> None:
        self._sockets.append(made.dup())  # TLS takes over the first descriptor
        if self._aborted:
            self.abort()
        there = None if is_proxy else address_of(made.getpeername()[0])
        if there and self._is_led:  # checked here, since a name may resolve to another address each time
            self._check_led(there.is_global)
        elif there and self._is_public is None:
            self._is_public = there.is_global

    def _check_led(self, is_global: bool) -> None:
        """Refuse to follow a public registry to a private, loopback or link-local address."""
        if not is_global and self._registry_is_public():
            raise self.error(
                "redirects to a private address",
                "ask its operator: a public registry must not redirect into a private network",
            )

    def _registry_is_public(self) -> bool:
        """Whether the registry has a public address, also behind a proxy; True if its name does not resolve here."""
        if self._is_public is None:
            name, found = self._origin[1], []
            with contextlib.suppress(OSError, UnicodeError):
                found = [address_of(str(entry[4][0])) for entry in socket.getaddrinfo(name, None)]
            self._is_public = not found or any(address and address.is_global for address in found)
        return self._is_public

    def is_own(self, url: str | None) -> bool:
        """Whether a URL has the registry's scheme, host and port."""
        return origin(url or "") == self._origin

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: str | bytes | None = None
    ) -> urllib3.BaseHTTPResponse:
        """Send one request; the caller reads the body of the answer, and its `url` says who answered.

        Redirects are followed, but never with a body, which may contain a login. If a gateway fails for a moment, the
        request is repeated. urllib3 could do both, but reads the bodies that it skips to the end, even endless ones.

        Args:
            method: HTTP method.
            url: the URL.
            headers: `Authorization` is sent to no other host.
            body: of the request, or None.

        Raises:
            RegistryError: there is no answer.
        """
        pauses = iter(() if method == "POST" else _PAUSES_S)
        for _ in range(_MOST_REDIRECTS + len(_PAUSES_S) + 1):
            response = self._request(method, url, headers, body)
            there = response.headers.get("Location") if response.status in _REDIRECTS and body is None else None
            pause_s = next(pauses, None) if response.status in _PASSING else None
            if there is None and pause_s is None:
                return response
            self.discard(response)
            if there is not None:
                method = "GET" if response.status == 303 and method != "HEAD" else method
                url, headers = self._redirected(url, there, headers)
            time.sleep(min(pause_s or 0.0, self._deadline.left_s()))
        raise self.error("redirects without end", "check the host and the port")

    def _redirected(self, url: str, there: str, headers: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
        try:
            target = urljoin(url, there)
            before, after, parts = origin(url), origin(target), urlsplit(target)
        except ValueError:
            parts = None
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise self.error("redirects to a malformed address", "check the host and the port")
        if before[0] == "https" and after[0] == "http":
            raise self.error("redirects from https to http", "ask its operator: its redirects have to keep TLS")
        kept = headers if before == after else {n: v for n, v in headers.items() if n.lower() != "authorization"}
        return target, kept

    def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: str | bytes | None
    ) -> urllib3.BaseHTTPResponse:
        left_s = self._deadline.left_s()
        if not left_s:
            raise self._late()
        try:
            proxy = self._pools.proxy_for(url)
            self._is_led = not self.is_own(url)
            literal = address_of(origin(url)[1]) if self._is_led and proxy else None
            if literal:
                self._check_led(literal.is_global)
            with warnings.catch_warnings():  # the engine's configuration already says that it is insecure
                warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
                response = self._pools.get(proxy, urlsplit(url).scheme).request(
                    method,
                    url,
                    headers={"User-Agent": "desktop-bake", "Accept-Encoding": "identity", **headers},
                    body=body,
                    preload_content=False,
                    timeout=urllib3.Timeout(total=left_s),
                    redirect=False,
                )
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            # the outer error's text contains the URL, where a redirect may have put a token
            raise self._unreachable(error) from getattr(error, "reason", None)
        response.url, self.answered = url, True
        return response

    def read(self, response: urllib3.BaseHTTPResponse, limit_bytes: int) -> bytes:
        """An answer's body as received, without unpacking it.

        Raises:
            RegistryError: the body is longer than the limit, does not end in time, or breaks off.
        """
        content, whole = bytearray(), False
        try:
            if (response.length_remaining or 0) > limit_bytes and response.status == 200:
                raise self._long(limit_bytes)
            while piece := response.read1(1 << 16, decode_content=False):
                content += piece
                if len(content) > limit_bytes:
                    raise self._long(limit_bytes)
                if not self._deadline.left_s():
                    raise self._late()
            whole = True
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._unreachable(error) from error
        finally:
            if not whole:
                response.close()
            response.release_conn()
        return bytes(content)

    def beginning(self, response: urllib3.BaseHTTPResponse, limit_bytes: int) -> bytes:
        """Like `read`, but of a longer body only the beginning; its connection is then closed."""
        content, whole = bytearray(), False
        try:
            while len(content) < limit_bytes:
                piece = response.read1(limit_bytes - len(content), decode_content=False)
                if not piece:
                    whole = True
                    break
                content += piece
                if not self._deadline.left_s():
                    raise self._late()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._unreachable(error) from error
        finally:
            if not whole:
                response.close()
            response.release_conn()
        return bytes(content)

    def discard(self, response: urllib3.BaseHTTPResponse) -> None:
        """Drop an answer; its connection is reused if little of the body is left."""
        with contextlib.suppress(RegistryError):
            self.read(response, _DISCARD_LIMIT_BYTES)

    # --- errors ------------------------------------------------------------------------------------------------

    def error(self, what: str, remedy: str) -> RegistryError:
        """An error of this registry."""
        return RegistryError(f"registry {self._host} {what}", remedy)

    def _late(self) -> RegistryError:
        return self.error("did not answer in time", "check the network, or raise registry_timeout_s")

    def _long(self, limit_bytes: int) -> RegistryError:
        return self.error(f"answers with more than {limit_bytes} bytes", "check the host and the port")

    def _unreachable(self, error: Exception) -> RegistryError:
        cause = getattr(error, "reason", None) or error
        if isinstance(cause, urllib3.exceptions.SSLError) and re.search("has expired|not yet valid", str(cause)):
            return self.error(
                f"has a certificate that does not hold at this machine's time: {_said(cause)}",
                "check this machine's clock; if it is right, whoever runs the registry has to renew the certificate",
            )
        if isinstance(cause, urllib3.exceptions.SSLError):
            return self.error(
                f"has a certificate that is not trusted, or speaks no TLS: {_said(cause)}",
                f"put its CA's certificate in /etc/docker/certs.d/{self._host}/ca.crt",
            )
        if isinstance(cause, urllib3.exceptions.NameResolutionError):
            return self.error("has no address: its name cannot be resolved", "check the name and the network")
        if isinstance(cause, urllib3.exceptions.TimeoutError) and not isinstance(
            cause, urllib3.exceptions.NewConnectionError
        ):
            return self._late()
        if isinstance(cause, urllib3.exceptions.ProxyError):
            return self.error(
                f"cannot be reached through the proxy of the environment: {_said(cause.args[-1])}",
                "check https_proxy, http_proxy and no_proxy",
            )
        if isinstance(cause, urllib3.exceptions.LocationValueError | ValueError):  # its text contains the URL
            return self.error("names a malformed address", "check the host and the port")
        return self.error(f"cannot be reached: {_said(cause)}", "check the host, the port and the network")


def _said(error: object) -> str:
    """The reason in an error of urllib3, without the addresses of objects."""
    text = re.sub(r"<[^<>]*>|HTTPS?Connection(Pool)?\([^()]*\):?", "", str(error)[:1000]).strip(" :(),'")
    inner = re.search(r"\[Errno -?\d+\] ([^'\")]+)|\[SSL[^\]]*\] ([^'\"(]+)", text)
    return ((inner and (inner[1] or inner[2])) or text).strip()[:120] or type(error).__name__
