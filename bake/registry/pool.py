"""Connections to registries and to their redirects, with the engine's trust and the environment's proxies."""

from __future__ import annotations

import contextlib
import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ...generator.errors import RegistryError
from ..system.lazy import lazy
from .proxy_rules import ProxyRules

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable

    import urllib3
else:
    ssl = lazy("ssl")
    urllib3 = lazy("urllib3")


class Pools:
    """Connections, kept for the next request: direct ones, and those of each proxy.

    Args:
        address: `host[:port]` of the registry, whose own certificates are trusted too.
        keep: gets each new socket, and whether its other end is a proxy; it may refuse the socket by raising.
        verify: whether TLS certificates have to be trusted.
    """

    def __init__(self, address: str, keep: Callable[[socket.socket, bool], None], *, verify: bool) -> None:
        self._keep = keep
        self._trust = functools.cache(lambda: _tls(address, verify=verify))  # to read the authorities takes 25 ms
        self._rules = ProxyRules.read(os.environ)
        self._pools: dict[tuple[str | None, str], urllib3.PoolManager] = {}

    def proxy_for(self, url: str) -> str | None:
        """The proxy for a URL, or None.

        Raises:
            RegistryError: the environment names one that cannot be used.
        """
        return self._rules.proxy_for(url)

    def get(self, proxy: str | None, scheme: str) -> urllib3.PoolManager:
        """The connections of a proxy, or the direct ones.

        Args:
            proxy: its URL.
            scheme: of the URLs to request, `http` or `https`.

        Raises:
            RegistryError: the proxy's URL is malformed.
        """
        if (proxy, scheme) not in self._pools:
            self._pools[proxy, scheme] = self._made(proxy, scheme)
        return self._pools[proxy, scheme]

    def close(self) -> None:
        """End them."""
        for pool in self._pools.values():
            for key in pool.pools.keys():  # noqa: SIM118 (its container is not iterable)
                pool.pools[key].close()  # otherwise they close at the next garbage collection
            pool.clear()

    def _made(self, proxy: str | None, scheme: str) -> urllib3.PoolManager:
        retries = urllib3.Retry(total=2, connect=1, read=1, status=0, other=0, respect_retry_after_header=False)
        more: dict[str, Any] = {"retries": retries}
        if scheme == "https" or (proxy or "").startswith("https:"):
            more["ssl_context"] = self._trust()
        try:
            pool = (
                urllib3.ProxyManager(proxy, proxy_headers=_proxy_login(proxy), **more)
                if proxy
                else urllib3.PoolManager(**more)
            )
        except (urllib3.exceptions.LocationValueError, ValueError):  # its text may contain the proxy's password
            raise RegistryError(
                "the environment's proxy is not an address", "write https_proxy=http://host:port"
            ) from None
        pool.pool_classes_by_scheme = {
            "http": _telling(urllib3.HTTPConnectionPool, self._keep, proxied=proxy is not None),
            "https": _telling(urllib3.HTTPSConnectionPool, self._keep, proxied=proxy is not None),
        }
        return pool


def _tls(address: str, *, verify: bool) -> ssl.SSLContext:
    if verify:
        context = ssl.create_default_context()
        certificates = Path("/etc/docker/certs.d", address).glob("*.crt")  # dockerd, "Verify repository client"
        for certificate in sorted(certificates):
            with contextlib.suppress(OSError, ssl.SSLError):
                context.load_verify_locations(certificate)
        return context
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _telling(pool_class: Any, keep: Callable[[socket.socket, bool], None], *, proxied: bool) -> Any:
    """A pool that reports each new socket."""

    class Connection(pool_class.ConnectionCls):  # type: ignore[misc]
        def _new_conn(self) -> socket.socket:
            made: socket.socket = super()._new_conn()
            try:
                keep(made, proxied)
            except BaseException:
                made.close()
                raise
            return made

    return type(pool_class.__name__, (pool_class,), {"ConnectionCls": Connection})


def _proxy_login(proxy: str) -> dict[str, str]:
    """The headers for a proxy's login, which is in its URL."""
    parts = urlsplit(proxy)
    if parts.username is None:
        return {}
    return urllib3.make_headers(proxy_basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}")
