"""One conversation with a registry: TLS as the engine does it, logins, limits, and its faults as clear errors."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import re
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bake.credentials import Credentials, credentials_for
from generator.errors import RegistryError
from generator.manifest import DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Descriptor
from generator.reference import Digest
from generator.refusal import error_codes, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import urllib3

    from generator.reference import ImageReference

MANIFEST_LIMIT_BYTES = 4 << 20  # OCI distribution spec, "Pushing Manifests": registries should accept 4 MiB
_TOKEN_LIMIT_BYTES = 1 << 20
_ACCEPT = f"{OCI_INDEX}, {OCI_MANIFEST}, {DOCKER_INDEX}, {DOCKER_MANIFEST}"
_HUB_API = "registry-1.docker.io"
_PARAMETER = re.compile(r'([a-z]+)="([^"]*)"')


class Session:
    """One conversation with a registry about one repository."""

    def __init__(self, reference: ImageReference, insecure: Callable[[], Mapping[str, Any]], deadline: float) -> None:
        self._host = reference.domain
        self._path = reference.path
        self._insecure = insecure
        self._deadline = deadline
        self._base: str | None = None
        self._pool: urllib3.PoolManager | None = None
        self._authorization: str | None = None
        self._login: Credentials | None = None

    def close(self) -> None:
        """End its connections."""
        if self._pool:
            self._pool.clear()

    # --- questions ---------------------------------------------------------------------------------------------

    def manifest(self, tag: object) -> tuple[bytes, Digest] | None:
        """The manifest or index under a tag or digest, and its digest."""
        answer = self.get(f"manifests/{tag}", MANIFEST_LIMIT_BYTES, {"Accept": _ACCEPT}, absent=True)
        if answer is None:
            return None
        content, headers = answer
        if headers.get("Content-Type", "").startswith("text/html"):
            raise self._error("answers, but not as a registry does", "check the host and the port")
        digest = Digest.of(content)
        stated = str(tag) if isinstance(tag, Digest) else headers.get("Docker-Content-Digest")
        if stated and stated.startswith("sha256:") and stated != str(digest):
            raise self._error(f"sent content that is not {stated[:80]}", "try again; then push the image again")
        return content, digest

    def stated_digest(self, tag: object) -> str | None:
        """The digest that a HEAD request states; None where it states none or finds nothing."""
        response = self.request("HEAD", f"manifests/{tag}", {"Accept": _ACCEPT})
        response.drain_conn()
        return response.headers.get("Docker-Content-Digest") if response.status == 200 else None

    def content(self, kind: str, descriptor: Descriptor, limit_bytes: int) -> bytes:
        """What a descriptor names, verified."""
        if descriptor.size_bytes > limit_bytes:
            raise self._error(f"states {descriptor.size_bytes} bytes for {descriptor.digest}", "push the image again")
        answer = self.get(f"{kind}/{descriptor.digest}", limit_bytes, {"Accept": descriptor.media_type})
        assert answer
        if Digest.of(answer[0]) != descriptor.digest:
            raise self._error(f"sent content that is not {descriptor.digest}", "try again; then push the image again")
        return answer[0]

    # --- requests ----------------------------------------------------------------------------------------------

    def get(
        self, path: str, limit_bytes: int, headers: Mapping[str, str], *, absent: bool = False
    ) -> tuple[bytes, Mapping[str, str]] | None:
        """Content and headers below the repository; None where it is absent and may be."""
        response = self.request("GET", path, headers)
        content = self._read(response, limit_bytes)
        if response.status == 200:
            return content, response.headers
        if response.status == 404 and absent and error_codes(content):
            return None
        raise self.refusal(response, content)

    def request(self, method: str, path: str, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        """One request below the repository, with the login that the registry asks for; the body is yet to be read."""
        for last in (False, True):
            sent = {**headers, **({"Authorization": self._authorization} if self._authorization else {})}
            response = self._first(method, path, sent) if self._base is None else self._send(
                method, f"{self._base}/v2/{self._path}/{path}", sent
            )  # fmt: skip
            if response.status != 401 or last:
                break
            response.drain_conn()
            if not self._authorize(response.headers.get("WWW-Authenticate", "")):
                break
        return response

    def _first(self, method: str, path: str, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        """The first request finds out how this registry is spoken to, as the engine does (dockerd,
        `insecure-registries`): with verified TLS; where the engine calls it insecure, any TLS or none.
        """
        host = _HUB_API if self._host == "docker.io" else self._host
        tried: RegistryError | None = None
        for scheme, verify in (("https", True), ("https", False), ("http", False)):
            if verify and self._is_loopback():
                continue
            if tried and not self._is_insecure():
                break
            self.close()
            self._pool = _pool(host, verify=verify)
            try:
                response = self._send(method, f"{scheme}://{host}/v2/{self._path}/{path}", headers)
            except RegistryError as error:
                tried = error if tried is None or scheme == "http" else tried
                continue
            self._base = f"{scheme}://{host}"
            return response
        assert tried
        raise tried

    def _is_loopback(self) -> bool:
        name = self._host.rsplit(":", 1)[0].strip("[]")
        with contextlib.suppress(ValueError):
            return ipaddress.ip_address(name).is_loopback
        return name == "localhost"

    def _is_insecure(self) -> bool:
        if self._is_loopback():
            return True
        config = self._insecure()
        if (config.get("IndexConfigs") or {}).get(self._host, {}).get("Secure") is False:
            return True
        with contextlib.suppress(ValueError):
            address = ipaddress.ip_address(self._host.rsplit(":", 1)[0].strip("[]"))
            return any(address in ipaddress.ip_network(n) for n in config.get("InsecureRegistryCIDRs") or ())
        return False

    def _send(self, method: str, url: str, headers: Mapping[str, str], **more: Any) -> urllib3.BaseHTTPResponse:
        import urllib3

        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise self._error("did not answer in time", "check the network, or raise registry_timeout_s")
        assert self._pool
        try:
            with warnings.catch_warnings():  # that an insecure registry is one, its engine's configuration says
                warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
                return self._pool.request(
                    method, url, headers={"User-Agent": "desktop-bake", "Accept-Encoding": "identity", **headers},
                    preload_content=False, timeout=urllib3.Timeout(total=left_s), **more,
                )  # fmt: skip
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._unreachable(error) from error

    def _read(self, response: urllib3.BaseHTTPResponse, limit_bytes: int) -> bytes:
        import urllib3

        content = bytearray()
        try:
            for piece in response.stream(1 << 16, decode_content=False):
                content += piece
                if len(content) > limit_bytes:
                    raise self._error(f"answers with more than {limit_bytes} bytes", "check the host and the port")
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._unreachable(error) from error
        finally:
            if response.length_remaining:
                response.close()
            response.release_conn()
        return bytes(content)

    # --- logins ------------------------------------------------------------------------------------------------

    def _authorize(self, challenge: str) -> bool:
        """Answer a challenge (RFC 9110, 11.6.1; distribution, "Token Authentication"); False where nobody can."""
        kind, _, rest = challenge.partition(" ")
        self._login = self._login or credentials_for(self._host)
        if kind.lower() == "bearer":
            parameters = dict(_PARAMETER.findall(rest))
            self._authorization = "Bearer " + self._token(parameters)
            return True
        if kind.lower() == "basic" and self._login and not self._login.is_identity_token:
            self._authorization = self._login.basic()
            return True
        return False

    def _token(self, challenge: Mapping[str, str]) -> str:
        from urllib.parse import urlencode, urlsplit

        realm = challenge.get("realm", "")
        asked = {
            "service": challenge.get("service", ""),
            "scope": challenge.get("scope") or f"repository:{self._path}:pull",
        }
        parts = urlsplit(realm)
        encrypted = (self._base or "https:").startswith("https:")
        if parts.scheme not in ("https", "http") or (encrypted and parts.scheme != "https"):
            raise self._error("names no token service that a login may be sent to", "check the host and the port")
        if self._login and self._login.is_identity_token:
            form = {"grant_type": "refresh_token", "client_id": "desktop-bake", "refresh_token": self._login.secret}
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            response = self._send("POST", realm, headers, body=urlencode({**asked, **form}))
        else:
            headers = {"Authorization": self._login.basic()} if self._login else {}
            response = self._send("GET", f"{realm}{'&' if parts.query else '?'}{urlencode(asked)}", headers)
        content = self._read(response, _TOKEN_LIMIT_BYTES)
        if response.status != 200:
            raise self.refusal(response, content)
        try:
            answer = json.loads(content)
            token = answer.get("token") or answer["access_token"]
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
            raise self._error("gives a token that is not understood", "check the host and the port") from error
        if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]+", token):
            raise self._error("gives a token that is not understood", "check the host and the port")
        return token

    # --- errors ------------------------------------------------------------------------------------------------

    def _error(self, what: str, remedy: str) -> RegistryError:
        return RegistryError(f"registry {self._host} {what}", remedy)

    def refusal(self, response: urllib3.BaseHTTPResponse, content: bytes, action: str = "pull") -> RegistryError:
        """The error for a status that is no answer; `action` is what permission may be lacking for."""
        return refusal(
            self._host, self._path, response.status, codes=error_codes(content), action=action,
            retry_after=response.headers.get("Retry-After", ""), login=self._login is not None,
        )  # fmt: skip

    def _unreachable(self, error: Exception) -> RegistryError:
        import urllib3.exceptions as known

        cause = getattr(error, "reason", None) or error
        if isinstance(cause, known.SSLError) and re.search("has expired|not yet valid", str(cause)):
            return self._error(
                f"has a certificate that does not hold at this machine's time: {_said(cause)}",
                "check this machine's clock; where it is right, whoever runs the registry has to renew the certificate",
            )
        if isinstance(cause, known.SSLError):
            return self._error(
                f"has a certificate that is not trusted, or speaks no TLS: {_said(cause)}",
                f"put its CA's certificate in /etc/docker/certs.d/{self._host}/ca.crt",
            )
        if isinstance(cause, known.NameResolutionError):
            return self._error("has no address: its name cannot be resolved", "check the name and the network")
        if isinstance(cause, known.TimeoutError) and not isinstance(cause, known.NewConnectionError):
            return self._error("did not answer in time", "check the network, or raise registry_timeout_s")
        if isinstance(cause, known.ResponseError):
            return self._error("redirects without end", "check the host and the port")
        return self._error(f"cannot be reached: {_said(cause)}", "check the host, the port and the network")


def _said(error: object) -> str:
    """The reason within an error of urllib3, without its objects' addresses."""
    text = re.sub(r"<[^>]*>|HTTPS?Connection(Pool)?\([^)]*\):?", "", str(error)).strip(" :(),'")
    inner = re.search(r"\[Errno -?\d+\] ([^'\")]+)|\[SSL[^\]]*\] ([^'\"(]+)", text)
    return ((inner and (inner[1] or inner[2])) or text).strip()[:120] or type(error).__name__


def _pool(host: str, *, verify: bool) -> urllib3.PoolManager:
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
