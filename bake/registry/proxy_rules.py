"""Which proxy a request goes through, by the rules of Go, which docker's client and engine follow.

Source: golang.org/x/net/http/httpproxy, `Config`.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ...generator.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Mapping

    _Address = ipaddress.IPv4Address | ipaddress.IPv6Address


_PORTS = {"http": "80", "https": "443"}
_HOST_AND_PORT = re.compile(r"\[([^\[\]]*)\]:([^:\[\]]*)|([^:\[\]]*):([^:\[\]]*)")  # Go, `net.SplitHostPort`


@dataclass(frozen=True, kw_only=True)
class ProxyRules:
    """The proxy settings of the environment.

    Attributes:
        http, https: the proxy for URLs of that scheme, as its variable states it; empty for none.
        no_proxy: hosts to ask directly, separated by commas.
        is_cgi: whether this program answers a web request, whose headers may set `HTTP_PROXY` (go.dev/s/cgihttpproxy).
    """

    http: str = ""
    https: str = ""
    no_proxy: str = ""
    is_cgi: bool = False

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> ProxyRules:
        """The rules of a process's environment; names in upper case take precedence."""
        http, https, no_proxy = (
            variables.get(name.upper()) or variables.get(name, "") for name in ("http_proxy", "https_proxy", "no_proxy")
        )
        return cls(http=http, https=https, no_proxy=no_proxy, is_cgi=bool(variables.get("REQUEST_METHOD")))

    def proxy_for(self, url: str) -> str | None:
        """The URL of the proxy for a request, including its login; None if there is none.

        Raises:
            RegistryError: the variable does not name an HTTP proxy, or may not be used.
        """
        parts = urlsplit(url)
        stated = self.https if parts.scheme == "https" else self.http
        if not stated:
            return None
        if parts.scheme == "http" and self.is_cgi:
            raise RegistryError("HTTP_PROXY may come from a web request, as REQUEST_METHOD is set", "unset one of them")
        if not self._is_proxied(parts.hostname or "", str(parts.port or _PORTS.get(parts.scheme, ""))):
            return None
        return _proxy(stated, f"{parts.scheme}_proxy")

    def _is_proxied(self, host: str, port: str) -> bool:
        name, address = _ascii(host), address_of(host)
        if name == "localhost" or (address and address.is_loopback):
            return False
        entries = [entry.strip().lower() for entry in self.no_proxy.split(",")]
        return "*" not in entries and not any(_matches(entry, name, address, port) for entry in entries if entry)


def address_of(host: str) -> _Address | None:
    """The IP address of a host that is one, IPv4 in IPv6 as IPv4; None for a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _matches(entry: str, name: str, address: _Address | None, port: str) -> bool:
    """Whether an entry of `no_proxy` matches a host."""
    if re.fullmatch(r"[0-9a-f.:]+/[0-9]+", entry):
        with contextlib.suppress(ValueError):
            network = ipaddress.ip_network(entry, strict=False)
            return address is not None and address.version == network.version and address in network
    split = _HOST_AND_PORT.fullmatch(entry)
    host, wanted = (split[1] or split[3] or "", split[2] or split[4] or "") if split else (entry, "")
    if not host or wanted not in ("", port):
        return False
    stated = address_of(host)
    if stated or address:
        return stated == address
    domain = _ascii(host[1:] if host.startswith("*.") else host)
    return name.endswith(f".{domain.removeprefix('.')}") or name == domain


def _ascii(name: str) -> str:
    with contextlib.suppress(UnicodeError):
        return name.lower().encode("idna").decode() if not name.isascii() else name.lower()
    return name


def _proxy(stated: str, variable: str) -> str:
    try:
        parts = urlsplit(stated)
        if not parts.scheme or not parts.netloc:  # `host:port`
            stated = f"http://{stated}"
            parts = urlsplit(stated)
        is_one = bool(parts.hostname and (parts.port is None or parts.port))
    except ValueError:
        is_one = False
    if is_one and parts.scheme in ("http", "https"):
        return stated
    if is_one and parts.scheme.startswith("socks"):
        raise RegistryError(
            f"{variable} names a SOCKS proxy, which desktop-bake cannot use",
            f"name an HTTP proxy in {variable}, or the registry in no_proxy",
        )  # its text may contain the proxy's password
    raise RegistryError(f"{variable} is not the address of a proxy", f"write {variable}=http://host:port")
