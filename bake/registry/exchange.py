"""Requests to a registry, over TLS or not like the engine's, with the logins that the registry asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from ...generator.errors import RegistryError
from .challenge import Challenge, read_token
from .refusal import Refusal, error_codes
from .transport import Transport

if TYPE_CHECKING:
    from collections.abc import Mapping

    import urllib3

    from ...generator.reference import ImageReference
    from ..engine.credentials import Credentials
    from .access import Access
    from .deadline import Deadline


_TOKEN_LIMIT_BYTES = 1 << 20
_HUB_API = "registry-1.docker.io"


class Exchange:
    """Requests to a registry about one repository, and its answers."""

    def __init__(self, reference: ImageReference, access: Access, deadline: Deadline) -> None:
        self._host = reference.domain
        self._path = reference.path
        self._access = access
        self._deadline = deadline
        self._base: str | None = None
        self._transport: Transport | None = None
        self._challenge = Challenge()
        self._authorization: str | None = None
        self._may_write = False
        self._login: Credentials | None = None

    def close(self) -> None:
        """End its connections."""
        if self._transport:
            self._transport.close()

    def abort(self) -> None:
        """End its connections from another thread: the thread that waits on them gets an error."""
        if self._transport:
            self._transport.abort()

    # --- requests ----------------------------------------------------------------------------------------------

    def get(
        self, path: str, limit_bytes: int, headers: Mapping[str, str], *, absent: bool = False
    ) -> tuple[bytes, Mapping[str, str]] | None:
        """Content and headers of a path below the repository; None if it is absent and may be absent."""
        response = self.request("GET", path, headers)
        content = self.read(response, limit_bytes)
        if response.status == 200:
            return content, response.headers
        if response.status == 404 and absent and error_codes(content):
            return None
        raise self.refusal(response, content)

    def page(self, path: str, limit_bytes: int, *, absent: bool) -> tuple[bytes, str, str] | None:
        """A page of a list: content, `Link` header and URL; None if there is no such list and it may be absent.

        Args:
            path: below the repository, or a URL of the same registry.
            limit_bytes: how long the page may be.
            absent: whether the list may be absent. Some registries say so without the specification's JSON.
        """
        response = self.request("GET", path, {})
        content = self.read(response, limit_bytes)
        if response.status == 404 and absent and (error_codes(content) or self._is_registry()):
            return None
        if response.status != 200:
            raise self.refusal(response, content)
        return content, response.headers.get("Link", ""), response.url or ""

    def beginning(self, path: str, limit_bytes: int) -> bytes:
        """The beginning of a list; nothing if there is no such list.

        Args:
            path: below the repository.
            limit_bytes: how much is read of it.
        """
        response = self.request("GET", path, {})
        assert self._transport
        content = self._transport.beginning(response, limit_bytes)
        if response.status == 404:
            return b""
        if response.status != 200:
            raise self.refusal(response, content)
        return content

    def _is_registry(self) -> bool:
        """Whether a registry answers (OCI distribution spec, "Determining Support")."""
        response = self.request("GET", f"{self._base}/v2/", {})
        self.discard(response)
        return response.status in (200, 401) and not response.headers.get("Content-Type", "").startswith("text/html")

    def request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> urllib3.BaseHTTPResponse:
        """One request below the repository, with the login that the registry asks for; the caller reads the answer.

        Raises:
            RegistryError: there is no answer, or a server other than the registry asks for a login.
        """
        writes = method in ("POST", "PUT")
        if writes and self._challenge.kind == "bearer" and not self._may_write:
            self._authorize(writes)  # some registries answer 403 if a token allows too little
        for last in (False, True):
            sent = {**headers, **self._login_header()}
            response = (
                self._first(method, path, sent, body)
                if self._base is None
                else self._send(method, self._url(path), sent, body=body)
            )
            if response.status != 401:
                break
            if not self._is_own(response):
                raise self.error(
                    "redirects to another place, which requires a login", "ask the operator of that registry"
                )
            if last:
                break
            self.discard(response)
            self._challenge = Challenge.read(response.headers.get("WWW-Authenticate", ""))
            if not self._authorize(writes):
                break
        return response

    def _url(self, path: str) -> str:
        return path if path.startswith(("http://", "https://")) else f"{self._base}/v2/{self._path}/{path}"

    def _is_own(self, response: urllib3.BaseHTTPResponse) -> bool:
        assert self._transport
        return self._transport.is_own(response.url)

    def _login_header(self) -> dict[str, str]:
        return {"Authorization": self._authorization} if self._authorization else {}

    def _first(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> urllib3.BaseHTTPResponse:
        """Send the first request, which finds out how to speak to this registry, like the engine (dockerd,
        `insecure-registries`): with verified TLS; if the engine calls it insecure, with any TLS or none.
        """
        host = _HUB_API if self._host == "docker.io" else self._host
        tried: RegistryError | None = None
        for scheme, verify in (("https", True), ("https", False), ("http", False)):
            if verify and self._access.is_loopback(self._host):
                continue
            if tried and not self._access.is_insecure(self._host):
                break
            self.close()
            base = f"{scheme}://{host}"
            self._transport = Transport(self._host, base, self._deadline, verify=verify)
            try:
                response = self._send(method, f"{base}/v2/{self._path}/{path}", headers, body=body)
            except RegistryError as error:
                if self._transport.answered:  # this way works; a later failure is no reason to try without TLS
                    raise
                tried = error if tried is None or scheme == "http" else tried
                continue
            self._base = base
            return response
        assert tried
        raise tried

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: str | bytes | None = None
    ) -> urllib3.BaseHTTPResponse:
        assert self._transport
        return self._transport.send(method, url, headers, body)

    def read(self, response: urllib3.BaseHTTPResponse, limit_bytes: int) -> bytes:
        """An answer's body, of at most so many bytes."""
        assert self._transport
        return self._transport.read(response, limit_bytes)

    def discard(self, response: urllib3.BaseHTTPResponse) -> None:
        """Drop an answer whose body does not matter."""
        assert self._transport
        self._transport.discard(response)

    # --- logins ------------------------------------------------------------------------------------------------

    def _authorize(self, writes: bool) -> bool:
        """Answer the challenge (RFC 9110, 11.6.1; distribution, "Token Authentication"); False without a login."""
        asked, limit_s = self._challenge, self._access.helper_timeout_s
        if self._login is None:
            with self._deadline.put_off(limit_s):
                self._login = self._access.logins.find(self._host, limit_s)
        if self._login and self._login.is_registry_token:
            self._authorization = f"Bearer {self._login.secret}"
            return True
        if asked.kind == "bearer":
            self._authorization = "Bearer " + self._token(asked, asked.scope_for(self._path, writes=writes))
            self._may_write = writes
            return True
        if asked.kind == "basic" and self._login and not self._login.is_identity_token:
            self._authorization = self._login.basic()
            return True
        return False

    def _token(self, challenge: Challenge, scope: str) -> str:
        asked = {"service": challenge.service, "scope": scope}
        realm = challenge.token_service(self._host, encrypted=(self._base or "https:").startswith("https:"))
        if self._login and self._login.is_identity_token:
            form = {"grant_type": "refresh_token", "client_id": "desktop-bake", "refresh_token": self._login.secret}
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            response = self._send("POST", realm, headers, urlencode({**asked, **form}))
        else:
            headers = {"Authorization": self._login.basic()} if self._login else {}
            response = self._send("GET", f"{realm}{'&' if '?' in realm else '?'}{urlencode(asked)}", headers)
        content = self.read(response, _TOKEN_LIMIT_BYTES)
        if response.status != 200:
            raise self.refusal(response, content)
        return read_token(content, self._host)

    # --- errors ------------------------------------------------------------------------------------------------

    def error(self, what: str, remedy: str) -> RegistryError:
        """An error about this registry."""
        return RegistryError(f"registry {self._host} {what}", remedy)

    def refusal(self, response: urllib3.BaseHTTPResponse, content: bytes, action: str = "pull") -> RegistryError:
        """The error for an error status; `action` is what may lack permission."""
        return Refusal(
            host=self._host,
            repository=self._path,
            status=response.status,
            codes=error_codes(content),
            action=action,
            retry_after=response.headers.get("Retry-After", ""),
            login=self._login is not None,
        ).error()
