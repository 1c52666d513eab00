"""One conversation with a registry about one repository: reading, adding and deleting."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from ...generator.errors import ConfigurationError
from ...generator.reference import Digest
from .exchange import Exchange
from .manifest import DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Descriptor

if TYPE_CHECKING:
    import urllib3


MANIFEST_LIMIT_BYTES = 4 << 20  # OCI distribution spec, "Pushing Manifests": registries should accept 4 MiB
_ACCEPT = f"{OCI_INDEX}, {OCI_MANIFEST}, {DOCKER_INDEX}, {DOCKER_MANIFEST}"


class Session(Exchange):
    """One conversation with a registry about one repository."""

    # --- questions ---------------------------------------------------------------------------------------------

    def manifest(self, tag: object) -> tuple[bytes, Digest] | None:
        """The manifest or index under a tag or digest, and its digest."""
        answer = self.get(f"manifests/{tag}", MANIFEST_LIMIT_BYTES, {"Accept": _ACCEPT}, absent=True)
        if answer is None:
            return None
        content, headers = answer
        if headers.get("Content-Type", "").startswith("text/html"):
            raise self.error("answers, but not like a registry", "check the host and the port")
        digest = Digest.of(content)
        stated = str(tag) if isinstance(tag, Digest) else headers.get("Docker-Content-Digest")
        if stated and stated.startswith("sha256:") and stated != str(digest):
            raise self.error(f"sent content that is not {stated[:80]}", "try again; then push the image again")
        return content, digest

    def digest(self, tag: object) -> Digest | None:
        """The digest under a tag, by a HEAD request if the registry states it there."""
        response = self.request("HEAD", f"manifests/{tag}", {"Accept": _ACCEPT})
        self.discard(response)
        if response.status == 200:
            with contextlib.suppress(ConfigurationError):  # no digest is stated, or a malformed one
                return Digest(response.headers.get("Docker-Content-Digest", ""))
        found = self.manifest(tag)
        return found[1] if found else None

    def content(self, kind: str, descriptor: Descriptor, limit_bytes: int) -> bytes:
        """The verified content that a descriptor names."""
        if descriptor.size_bytes > limit_bytes:
            raise self.error(f"states {descriptor.size_bytes} bytes for {descriptor.digest}", "push the image again")
        wanted = {"Accept": _ACCEPT} if kind == "manifests" else {}
        answer = self.get(f"{kind}/{descriptor.digest}", limit_bytes, wanted, absent=True)
        if answer is None:
            raise self.error(f"lacks {descriptor.digest}, a part of the image", "build and push the image again")
        if Digest.of(answer[0]) != descriptor.digest:
            raise self.error(f"sent content that is not {descriptor.digest}", "try again; then push the image again")
        return answer[0]

    # --- changes -----------------------------------------------------------------------------------------------

    def put_manifest(self, tag: str, content: bytes, media_type: str) -> None:
        """Put a manifest under a tag, replacing what is there (OCI distribution spec, "Pushing Manifests")."""
        self._require(self.request("PUT", f"manifests/{tag}", {"Content-Type": media_type}, content), 201)

    def put_blob(self, content: bytes) -> None:
        """Put a blob in one piece, unless it is there (OCI distribution spec, "Pushing a blob monolithically")."""
        digest = Digest.of(content)
        found = self.request("HEAD", f"blobs/{digest}", {})
        self.discard(found)
        if found.status == 200:
            return
        response = self.request("POST", "blobs/uploads/", {"Content-Length": "0"})
        self._require(response, 202)
        here = urlsplit(self._base or "")
        stated = response.headers.get("Location", "")
        try:
            place = urlsplit(urljoin(f"{self._base}/v2/{self._path}/blobs/uploads/", stated))
        except ValueError:
            place = None
        if place is None or place.netloc != here.netloc:  # our login must not be sent there
            raise self.error("takes uploads at another host", "ask the operator of that registry")
        query = f"{place.query}&digest={digest}".removeprefix("&")
        kind = {"Content-Type": "application/octet-stream", **self._login_header()}
        self._require(self._send("PUT", f"{self._base}{place.path}?{query}", kind, body=content), 201)

    def delete_manifest(self, digest: Digest) -> None:
        """Delete a manifest and every tag that names it; a manifest that is gone is not an error."""
        response = self.request("DELETE", f"manifests/{digest}", {})
        if response.status == 405:
            raise self.error("has deleting switched off", "ask its operator to allow it")
        self._require(response, 200, 202, 404, action="delete")

    def _require(self, response: urllib3.BaseHTTPResponse, *statuses: int, action: str = "push") -> None:
        content = self.read(response, MANIFEST_LIMIT_BYTES)
        if response.status not in statuses:
            raise self.refusal(response, content, action)
