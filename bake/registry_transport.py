"""Connections to a registry as the engine makes them: trusted certificates, proxies, retries; and why there is none."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from generator.errors import RegistryError

if TYPE_CHECKING:
    import urllib3


def unreachable(host: str, error: Exception) -> RegistryError:
    """The error for a request that got no answer.

    Args:
        host: the registry, as image references name it.
        error: what urllib3 or the system raised.
    """
    said, remedy = _cause(host, getattr(error, "reason", None) or error)
    return RegistryError(f"registry {host} {said}", remedy)


def _cause(host: str, cause: object) -> tuple[str, str]:
    import urllib3.exceptions as known

    if isinstance(cause, known.SSLError) and re.search("has expired|not yet valid", str(cause)):
        return (
            f"has a certificate that does not hold at this machine's time: {_said(cause)}",
            "check this machine's clock; where it is right, whoever runs the registry has to renew the certificate",
        )
    if isinstance(cause, known.SSLError):
        return (
            f"has a certificate that is not trusted, or speaks no TLS: {_said(cause)}",
            f"put its CA's certificate in /etc/docker/certs.d/{host}/ca.crt",
        )
    if isinstance(cause, known.NameResolutionError):
        return "has no address: its name cannot be resolved", "check the name and the network"
    if isinstance(cause, known.TimeoutError) and not isinstance(cause, known.NewConnectionError):
        return "did not answer in time", "check the network, or raise registry_timeout_s"
    if isinstance(cause, known.ResponseError):
        return "redirects without end", "check the host and the port"
    return f"cannot be reached: {_said(cause)}", "check the host, the port and the network"


def _said(error: object) -> str:
    """The reason within an error of urllib3, without its objects' addresses."""
    text = re.sub(r"<[^>]*>|HTTPS?Connection(Pool)?\([^)]*\):?", "", str(error)).strip(" :(),'")
    inner = re.search(r"\[Errno -?\d+\] ([^'\")]+)|\[SSL[^\]]*\] ([^'\"(]+)", text)
    return ((inner and (inner[1] or inner[2])) or text).strip()[:120] or type(error).__name__


def connection_pool(host: str, *, verify: bool) -> urllib3.PoolManager:
    """Connections to a registry, through the proxy that this process's environment names.

    Args:
        host: `host[:port]`.
        verify: whether its certificate has to be trusted.
    """
    import ssl

    import urllib3

    if verify:
        context = ssl.create_default_context()
        for certificate in sorted(
            Path("/etc/docker/certs.d", host).glob("*.crt")
        ):  # dockerd, "Verify repository client"
            with contextlib.suppress(OSError, ssl.SSLError):
                context.load_verify_locations(certificate)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    retries = urllib3.Retry(
        total=5, connect=1, read=1, redirect=5, status=2, other=0, backoff_factor=0.2,
        status_forcelist=(502, 503, 504), respect_retry_after_header=False, raise_on_status=False,
    )  # fmt: skip
    proxy = _proxy(host)
    if proxy:
        return urllib3.ProxyManager(proxy, ssl_context=context, retries=retries)
    return urllib3.PoolManager(ssl_context=context, retries=retries)


def _proxy(host: str) -> str | None:
    """The proxy that this process's environment names for a host, as the docker client takes it."""
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from urllib.request import getproxies, proxy_bypass

    name = host.rsplit(":", 1)[0]
    return None if proxy_bypass(name) or name == "localhost" else getproxies().get("https")
