"""Requests to a registry: TLS as the engine does it, proxies, redirects, every limit, and faults as clear errors."""

from __future__ import annotations

import contextlib
import os
import re
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.errors import RegistryError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    import urllib3

_MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_PASSING = (502, 503, 504)  # a gateway's; asked again
_PAUSES_S = (0.0, 0.4)
_DISCARD_LIMIT_BYTES = 1 << 16


class Transport:
    """Connections to one host, and to where it redirects.

    Args:
        host: the registry as image references name it, for messages and its certificates.
        address: `host[:port]` of its API.
        deadline: when all has to be over, by `time.monotonic()`.
        verify: whether TLS certificates have to be trusted.
    """

    def __init__(self, host: str, address: str, deadline: float, *, verify: bool) -> None:
        self._host = host
        self._deadline = deadline
        self._sockets: list[socket.socket] = []
        self._aborted = False
        self._pool = _pool(address, self._keep, verify=verify)

    def close(self) -> None:
        """End its connections."""
        for key in self._pool.pools.keys():  # noqa: SIM118 (its container is not iterable)
            self._pool.pools[key].close()  # dropped alone, they close when garbage is collected
        self._pool.clear()
        while self._sockets:
            self._sockets.pop().close()

    def abort(self) -> None:
        """End its connections under the thread that uses them: nothing else ends a header that drips."""
        import socket

        self._aborted = True  # urllib3 asks once more where a connection broke
        for connection in list(self._sockets):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _keep(self, made: socket.socket) -> None:
        self._sockets.append(made.dup())  # TLS takes over the first descriptor
        if self._aborted:
            self.abort()

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: str | bytes | None = None
    ) -> urllib3.BaseHTTPResponse:
        """One request, whose answer's body is yet to be read.

        Redirects are followed, but never with a body: it may hold a login. A gateway's passing failure is asked again.
        urllib3 could do both, but reads to their ends the bodies that it passes over, be they endless.

        Args:
            method: HTTP method.
            url: where.
            headers: `Authorization` goes to no other host.
            body: of the request, or None.

        Raises:
            RegistryError: no answer.
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
            time.sleep(max(0.0, min(pause_s or 0.0, self._deadline - time.monotonic())))
        raise self.error("redirects without end", "check the host and the port")

    def _redirected(self, url: str, there: str, headers: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
        from urllib.parse import urljoin, urlsplit

        try:
            target = urljoin(url, there)
            before, after = urlsplit(url), urlsplit(target)
            same = (before.scheme, before.hostname, before.port) == (after.scheme, after.hostname, after.port)
        except ValueError:
            after = None
        if after is None or after.scheme not in ("http", "https") or not after.hostname or after.username:
            raise self.error("redirects to what is no address", "check the host and the port")
        return target, headers if same else {n: v for n, v in headers.items() if n.lower() != "authorization"}

    def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: str | bytes | None
    ) -> urllib3.BaseHTTPResponse:
        import urllib3

        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise self._late()
        try:
            with warnings.catch_warnings():  # that an insecure registry is one, its engine's configuration says
                warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
                return self._pool.request(
                    method, url, headers={"User-Agent": "desktop-bake", "Accept-Encoding": "identity", **headers},
                    body=body, preload_content=False, timeout=urllib3.Timeout(total=left_s), redirect=False,
                )  # fmt: skip
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            # the outer error's text holds the URL, in which a redirect may have put a token
            raise self._unreachable(error) from getattr(error, "reason", None)

    def read(self, response: urllib3.BaseHTTPResponse, limit_bytes: int) -> bytes:
        """An answer's body as it came: nothing is unpacked.

        Raises:
            RegistryError: it is longer than the limit, does not end in time, or breaks off.
        """
        import urllib3

        content, whole = bytearray(), False
        try:
            if (response.length_remaining or 0) > limit_bytes and response.status == 200:
                raise self._long(limit_bytes)
            while piece := response.read1(1 << 16, decode_content=False):
                content += piece
                if len(content) > limit_bytes:
                    raise self._long(limit_bytes)
                if time.monotonic() > self._deadline:
                    raise self._late()
            whole = True
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._unreachable(error) from error
        finally:
            if not whole:
                response.close()
            response.release_conn()
        return bytes(content)

    def discard(self, response: urllib3.BaseHTTPResponse) -> None:
        """Be done with an answer; its connection is used again where little is left of it."""
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
        import urllib3.exceptions as known

        cause = getattr(error, "reason", None) or error
        if isinstance(cause, known.SSLError) and re.search("has expired|not yet valid", str(cause)):
            return self.error(
                f"has a certificate that does not hold at this machine's time: {_said(cause)}",
                "check this machine's clock; where it is right, whoever runs the registry has to renew the certificate",
            )
        if isinstance(cause, known.SSLError):
            return self.error(
                f"has a certificate that is not trusted, or speaks no TLS: {_said(cause)}",
                f"put its CA's certificate in /etc/docker/certs.d/{self._host}/ca.crt",
            )
        if isinstance(cause, known.NameResolutionError):
            return self.error("has no address: its name cannot be resolved", "check the name and the network")
        if isinstance(cause, known.TimeoutError) and not isinstance(cause, known.NewConnectionError):
            return self._late()
        if isinstance(cause, known.LocationValueError | ValueError):  # its text holds the URL
            return self.error("names an address that is none", "check the host and the port")
        return self.error(f"cannot be reached: {_said(cause)}", "check the host, the port and the network")


def _said(error: object) -> str:
    """The reason within an error of urllib3, without its objects' addresses."""
    text = re.sub(r"<[^<>]*>|HTTPS?Connection(Pool)?\([^()]*\):?", "", str(error)[:1000]).strip(" :(),'")
    inner = re.search(r"\[Errno -?\d+\] ([^'\")]+)|\[SSL[^\]]*\] ([^'\"(]+)", text)
    return ((inner and (inner[1] or inner[2])) or text).strip()[:120] or type(error).__name__


def _pool(address: str, keep: Callable[[socket.socket], None], *, verify: bool) -> urllib3.PoolManager:
    import ssl

    import urllib3

    if verify:
        context = ssl.create_default_context()
        for certificate in sorted(
            Path("/etc/docker/certs.d", address).glob("*.crt")
        ):  # dockerd, "Verify repository client"
            with contextlib.suppress(OSError, ssl.SSLError):
                context.load_verify_locations(certificate)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    more: dict[str, Any] = {
        "ssl_context": context,
        "retries": urllib3.Retry(total=2, connect=1, read=1, status=0, other=0, respect_retry_after_header=False),
    }
    proxy = _proxy(address)
    try:
        pool = urllib3.ProxyManager(proxy, proxy_headers=_proxy_login(proxy), **more) if proxy else \
            urllib3.PoolManager(**more)  # fmt: skip
    except (urllib3.exceptions.LocationValueError, ValueError):  # its text may hold the proxy's password
        raise RegistryError("the proxy that https_proxy names is none", "write https_proxy=http://host:port") from None
    pool.pool_classes_by_scheme = {
        "http": _telling(urllib3.HTTPConnectionPool, keep),
        "https": _telling(urllib3.HTTPSConnectionPool, keep),
    }
    return pool


def _telling(pool_class: Any, keep: Callable[[socket.socket], None]) -> Any:
    """A pool that tells of each socket as it is made."""

    class Connection(pool_class.ConnectionCls):  # type: ignore[misc]
        def _new_conn(self) -> socket.socket:
            made: socket.socket = super()._new_conn()
            keep(made)
            return made

    return type(pool_class.__name__, (pool_class,), {"ConnectionCls": Connection})


def _proxy(address: str) -> str | None:
    """The proxy that this process's environment names for a host, as the docker client takes it."""
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from urllib.request import getproxies, proxy_bypass

    name = address.rsplit(":", 1)[0]
    return None if proxy_bypass(name) or name == "localhost" else getproxies().get("https")


def _proxy_login(proxy: str) -> dict[str, str]:
    """The headers of a proxy's login, which stands in its URL."""
    from urllib.parse import unquote, urlsplit

    import urllib3

    parts = urlsplit(proxy)
    if parts.username is None:
        return {}
    return urllib3.make_headers(proxy_basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}")
