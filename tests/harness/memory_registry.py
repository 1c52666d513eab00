"""Registries in memory: `Session` speaks to them in unit tests, instead of to a transport that opens sockets."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from desktop_bake import Digest, ImageReference, RegistryError
from desktop_bake.bake.registry.manifest import OCI_INDEX, OCI_MANIFEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from desktop_bake.bake.registry.deadline import Deadline

_CONFIG = "application/vnd.oci.image.config.v1+json"


@dataclass
class Response:
    """An answer whose whole body has arrived."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""


@dataclass
class MemoryRegistry:
    """Every registry that a unit test knows.

    Attributes:
        tags: digests by `host/path:tag`.
        manifests: contents and media types by `host/path@digest`.
        blobs: contents by digest.
        asked: each request, `METHOD host/path…`.
        broken: what a request to a host raises.
        login: the `user:password` that each request needs; empty for none.
        realm: the token service that exchanges that login for the token that each request needs; empty for none.
        page_tags: the number of tags in a page; 0 for all.
        is_old: whether it returns all tags at once, whatever the request, as Distribution does before 3.0.
        is_strict: whether its pages begin only after existing tags.
        statuses: the status instead of an answer, by request as in `asked`.
    """

    tags: dict[str, str] = field(default_factory=dict)
    manifests: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    broken: dict[str, RegistryError] = field(default_factory=dict)
    login: str = ""
    realm: str = ""
    page_tags: int = 0
    is_old: bool = False
    is_strict: bool = False
    statuses: dict[str, int] = field(default_factory=dict)

    def put(self, name: str, labels: Mapping[str, str], platform: str = "linux/amd64", created: str = "") -> Digest:
        """Publish an image under a name."""
        system, architecture, *variant = platform.split("/")
        config = json.dumps(
            {
                "os": system,
                "architecture": architecture,
                **({"variant": variant[0]} if variant else {}),
                "created": created,
                "config": {"Labels": dict(labels)},
            }
        ).encode()
        self.blobs[str(Digest.of(config))] = config
        described = {"mediaType": _CONFIG, "digest": str(Digest.of(config)), "size": len(config)}
        table = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": described, "layers": []}
        return self._keep(ImageReference.parse(name), json.dumps(table).encode(), OCI_MANIFEST)

    def put_index(self, name: str, images: Mapping[str, Digest]) -> Digest:
        """Publish an index of images from the same repository, by their platforms."""
        reference = ImageReference.parse(name)
        entries = []
        for platform, digest in images.items():
            system, architecture, *_ = platform.split("/")
            content, media_type = self.manifests[f"{_place(reference)}@{digest}"]
            entry = {"mediaType": media_type, "digest": str(digest), "size": len(content)}
            entries.append({**entry, "platform": {"os": system, "architecture": architecture}})
        table = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
        return self._keep(reference, json.dumps(table).encode(), OCI_INDEX)

    def labels(self, name: str) -> tuple[Mapping[str, str], str]:
        """Labels and platform of an image, `repository@digest`, or of the only image of an index."""
        reference = ImageReference.parse(name)
        table = json.loads(self.manifests[f"{_place(reference)}@{reference.digest}"][0])
        while "manifests" in table:
            table = json.loads(self.manifests[f"{_place(reference)}@{table['manifests'][0]['digest']}"][0])
        config = json.loads(self.blobs[table["config"]["digest"]])
        return config["config"]["Labels"], f"{config['os']}/{config['architecture']}"

    def _keep(self, reference: ImageReference, content: bytes, media_type: str) -> Digest:
        digest = Digest.of(content)
        self.manifests[f"{_place(reference)}@{digest}"] = content, media_type
        if reference.tag:
            self.tags[f"{_place(reference)}:{reference.tag}"] = str(digest)
        return digest

    def transport(self, host: str, base: str, deadline: Deadline, *, verify: bool) -> MemoryTransport:
        """Stands in for `Transport`."""
        return MemoryTransport(self, host, base)

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        """The registry's answer."""
        parts = urlsplit(url)
        host = "docker.io" if parts.netloc == "registry-1.docker.io" else parts.netloc
        place = parts.path.removeprefix("/v2/")
        self.asked.append(f"{method} {host}/{place}")
        if host in self.broken:
            raise self.broken[host]
        if self.asked[-1] in self.statuses:
            return Response(self.statuses[self.asked[-1]])
        if refused := self._refused(url, headers, body):
            return refused
        if not place:
            return Response(200)
        for kind in ("manifests", "blobs", "tags"):
            path, found, last = place.rpartition(f"/{kind}/")
            if found:
                query = parse_qs(parts.query)
                return getattr(self, f"_{kind}")(method, f"{host}/{path}", last, query, headers, body)  # type: ignore[no-any-return]
        return Response(404)

    def _refused(self, url: str, headers: Mapping[str, str], body: bytes) -> Response | None:
        """The answer to a request without login or token; and the token itself."""
        brought = headers.get("Authorization")
        basic = f"Basic {base64.b64encode(self.login.encode()).decode()}"
        if self.realm and url.partition("?")[0] == self.realm:
            has_login = not self.login or brought == basic or b"refresh_token=" in body
            return Response(200, b'{"token": "t"}') if has_login else Response(401)
        if self.realm and brought != "Bearer t":
            return Response(401, headers={"WWW-Authenticate": f'Bearer realm="{self.realm}",service="s"'})
        if self.login and not self.realm and brought != basic:
            return Response(401, headers={"WWW-Authenticate": 'Basic realm="registry"'})
        return None

    def _manifests(
        self, method: str, place: str, last: str, _: object, sent: Mapping[str, str], body: bytes
    ) -> Response:
        if method == "PUT":
            reference = ImageReference.parse(f"{place}:{last}")
            self._keep(reference, body, sent["Content-Type"])
            return Response(201)
        digest = last if last.startswith("sha256:") else self.tags.get(f"{place}:{last}", "")
        found = self.manifests.get(f"{place}@{digest}")
        if found is None:
            return _unknown("MANIFEST_UNKNOWN")
        if method == "DELETE":
            del self.manifests[f"{place}@{digest}"]
            self.tags = {n: d for n, d in self.tags.items() if (n.rpartition(":")[0], d) != (place, digest)}
            return Response(202)
        headers = {"Docker-Content-Digest": digest, "Content-Type": found[1]}
        return Response(200, b"" if method == "HEAD" else found[0], headers)

    def _blobs(
        self, method: str, place: str, last: str, query: Mapping[str, list[str]], _: object, body: bytes
    ) -> Response:
        if method == "POST":
            return Response(202, headers={"Location": f"/v2/{place.partition('/')[2]}/blobs/uploads/1"})
        if method == "PUT":
            self.blobs[query["digest"][0]] = body
            return Response(201)
        if method == "DELETE":
            return Response(204)
        return Response(200, self.blobs[last]) if last in self.blobs else _unknown("BLOB_UNKNOWN")

    def _tags(self, _method: str, place: str, _last: str, query: Mapping[str, list[str]], *_: object) -> Response:
        after = query.get("last", [""])[0]
        tags = sorted(name.removeprefix(f"{place}:") for name in self.tags if name.startswith(f"{place}:"))
        if self.is_strict and after and after not in tags:
            return _unknown("NAME_UNKNOWN")
        tags = [tag for tag in tags if tag > after]
        if self.is_old:
            tags = sorted(name.removeprefix(f"{place}:") for name in self.tags if name.startswith(f"{place}:"))
        asked = 0 if self.is_old else int(query.get("n", ["0"])[0])
        page = tags[: min(filter(None, (self.page_tags, asked)), default=None)]
        path = f"/v2/{place.partition('/')[2]}/tags/list?last={page[-1]}" if page != tags else ""
        headers = {"Link": f'<{path}>; rel="next"'} if path else {}
        return Response(200, json.dumps({"tags": page}).encode(), headers) if tags else _unknown("NAME_UNKNOWN")


class MemoryTransport:
    """The members of `Transport` that `Session` uses."""

    def __init__(self, registry: MemoryRegistry, host: str, base: str) -> None:
        self.answered = False
        self._registry = registry
        self._host = host
        self._base = base

    def send(self, method: str, url: str, headers: Mapping[str, str], body: str | bytes | None = None) -> Response:
        """One request."""
        response = self._registry.answer(method, url, headers, body.encode() if isinstance(body, str) else body or b"")
        response.url, self.answered = url, True
        return response

    def is_own(self, url: str) -> bool:
        """Whether a URL is the registry's own."""
        return url.startswith(self._base)

    def read(self, response: Response, limit_bytes: int) -> bytes:
        """An answer's body."""
        assert len(response.body) <= limit_bytes
        return response.body

    def beginning(self, response: Response, limit_bytes: int) -> bytes:
        """The beginning of an answer's body."""
        return response.body[:limit_bytes]

    def discard(self, response: Response) -> None:
        """Release an answer."""

    def close(self) -> None:
        """Close it."""

    def abort(self) -> None:
        """Close it."""


def _place(reference: ImageReference) -> str:
    return f"{reference.domain}/{reference.path}"


def _unknown(code: str) -> Response:
    return Response(404, json.dumps({"errors": [{"code": code}]}).encode())
