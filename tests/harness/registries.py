"""A real registry for one test, and images that are pushed to it part by part, right or wrong."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.client
import io
import json
import os
import platform
import random
import socket
import ssl
import subprocess
import tarfile
import time
import urllib.parse
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import trustme

HERE = "linux/amd64" if platform.machine() == "x86_64" else "linux/arm64"
OTHER = "linux/arm64" if HERE == "linux/amd64" else "linux/amd64"
USER = "robot"
PASSWORD = "SECRET-of-robot-5be1"
BASIC = "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()
_HTPASSWD = f"{USER}:$2b$04$QafLcwRoXRZGAeyHR9NaHuySG6QD9Rsj0DdTa0WpzMvoHexHfCTei\n"

OCI = "application/vnd.oci.image"
DOCKER = "application/vnd.docker"
MEDIA = {
    "oci": {
        "index": f"{OCI}.index.v1+json",
        "manifest": f"{OCI}.manifest.v1+json",
        "config": f"{OCI}.config.v1+json",
        "layer": f"{OCI}.layer.v1.tar+gzip",
    },
    "docker": {
        "index": f"{DOCKER}.distribution.manifest.list.v2+json",
        "manifest": f"{DOCKER}.distribution.manifest.v2+json",
        "config": f"{DOCKER}.container.image.v1+json",
        "layer": f"{DOCKER}.image.rootfs.diff.tar.gzip",
    },
}

ACCEPT = {"Accept": ", ".join(types[kind] for types in MEDIA.values() for kind in ("index", "manifest"))}


def closed_port() -> int:
    """A loopback port without a listener, outside the range of outgoing connections."""
    while True:
        port = random.randint(20000, 29999)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """A loopback port that accepts connections and never answers, not even to TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@dataclass(kw_only=True)
class RealRegistry:
    """A `docker-registry` process; `host` is the part before the repository in a reference."""

    host: str
    storage: Path
    ca: Path | None
    _configuration: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it on its port, and wait until it answers."""
        log = self._configuration.with_suffix(".log")
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [Path(os.environ["DESKTOP_BAKE_TEST_TOOLS"]) / "docker-registry", "serve", self._configuration],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        end = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                Api(self.host, ca=self.ca).send("GET", "/v2/")
                return
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"the registry did not start: {log.read_text()[-1000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Kill it; its content stays."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def spoil(self, digest: str, change: Callable[[bytes], bytes]) -> None:
        """Change the content that is stored under a digest, as a bad disk would."""
        name = digest.removeprefix("sha256:")
        file = self.storage / "docker/registry/v2/blobs/sha256" / name[:2] / name / "data"
        file.write_bytes(change(file.read_bytes()))


@contextlib.contextmanager
def real_registry(
    folder: Path, *, address: str = "127.0.0.1", port: int | None = None, htpasswd: bool = False, tls: bool = False
) -> Iterator[RealRegistry]:
    """A running registry, with its files in `folder`; with `htpasswd` it accepts only USER and PASSWORD.

    Its certificate is valid for a month from yesterday.
    """
    folder.mkdir(parents=True, exist_ok=True)
    host = f"{address}:{port or closed_port()}"
    ca = folder / "ca.pem" if tls else None
    http_part: dict[str, object] = {"addr": host}
    configuration: dict[str, object] = {
        "version": 0.1,
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}, "delete": {"enabled": True}},
        "http": http_part,
    }
    if ca:
        authority = trustme.CA()
        now, day = datetime.now(UTC), timedelta(days=1)
        leaf = authority.issue_cert(address, "localhost", not_before=now - day, not_after=now + 30 * day)
        authority.cert_pem.write_to_path(ca)
        leaf.private_key_and_cert_chain_pem.write_to_path(folder / "leaf.pem")
        http_part["tls"] = {"certificate": str(folder / "leaf.pem"), "key": str(folder / "leaf.pem")}
    if htpasswd:
        (folder / "htpasswd").write_text(_HTPASSWD)
        configuration["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}
    file = folder / "registry.yml"
    file.write_text(json.dumps(configuration))  # JSON is valid YAML
    registry = RealRegistry(host=host, storage=folder / "storage", ca=ca, _configuration=file)
    try:
        registry.start()
        yield registry
    finally:
        registry.stop()


@dataclass(frozen=True)
class Answer:
    """A registry's answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Api:
    """One registry's HTTP interface (OCI distribution specification)."""

    host: str
    ca: Path | None = field(default=None, kw_only=True)
    authorization: str | None = field(default=None, kw_only=True)

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request; the answer's header names are lower-case."""
        if self.ca:
            context = ssl.create_default_context(cafile=self.ca)
            connection = http.client.HTTPSConnection(self.host, timeout=10, context=context)
        else:
            connection = http.client.HTTPConnection(self.host, timeout=10)  # type: ignore[assignment]
        with contextlib.closing(connection):
            extra = {"Authorization": self.authorization} if self.authorization else {}
            connection.request(method, path, body, {**extra, **(headers or {})})
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())

    def _must(self, wanted: int, method: str, path: str, body: bytes | None = None, kind: str = "") -> Answer:
        answer = self.send(method, path, body, {"Content-Type": kind} if kind else {})
        if answer.status != wanted:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.body.decode(errors='replace')}")
        return answer

    def push_blob(self, repository: str, content: bytes) -> str:
        """Push a blob in one piece; return its digest."""
        url = urllib.parse.urlsplit(self._must(202, "POST", f"/v2/{repository}/blobs/uploads/").headers["location"])
        query = f"{url.query}&digest={digest_of(content)}"
        return self._must(201, "PUT", f"{url.path}?{query}", content, "application/octet-stream").headers[
            "docker-content-digest"
        ]

    def push_manifest(self, repository: str, reference: str, content: bytes, media_type: str) -> str:
        """Push a manifest or an index under a tag or its digest; return its digest."""
        path = f"/v2/{repository}/manifests/{reference}"
        return self._must(201, "PUT", path, content, media_type).headers["docker-content-digest"]

    def delete(self, repository: str, kind: Literal["blobs", "manifests"], digest: str) -> None:
        """Delete a blob or a manifest from a repository, even if something refers to it."""
        self._must(202, "DELETE", f"/v2/{repository}/{kind}/{digest}")


def digest_of(content: bytes) -> str:
    """The digest of some bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def push_image(
    host: str,
    repository: str,
    tag: str,
    labels: object | Callable[[str], object],
    *,
    platforms: Sequence[str] = ("linux/amd64",),
    media: Literal["oci", "docker"] = "oci",
    index: bool | None = None,
    nested: bool = False,
    attestation: bool = False,
    config: bytes | None = None,
    size_error: int = 0,
    missing: Literal["config", "layer", "manifest"] | None = None,
    authorization: str | None = None,
    ca: Path | None = None,
) -> str:
    """Push a small image, part by part, and return the digest behind the tag.

    The same labels make the same content, and an engine does not fetch content again that it already has, from
    whichever repository. If the test needs a fetch, make the labels unique.

    labels: the value of `Labels` in the configuration, valid or not, or a function of the platform
    index: whether there is an index; None for one only if several platforms, an attestation or `nested` need it
    nested: the index has one entry, which is the index of the platforms
    attestation: the index has an entry of platform unknown/unknown for each image, as BuildKit writes them
    config: these bytes instead of the right configuration
    size_error: added to the size in every descriptor
    missing: what is deleted after everything is pushed
    authorization, ca: like those of `Api`
    """
    api, types = Api(host, ca=ca, authorization=authorization), MEDIA[media]

    def descriptor(kind: str, content: bytes) -> dict[str, Any]:
        size = len(content) + size_error
        return {"mediaType": types.get(kind, kind), "digest": digest_of(content), "size": size}

    def push(part: dict[str, Any], kind: str) -> dict[str, Any]:
        content = json.dumps({"schemaVersion": 2, "mediaType": types[kind], **part}).encode()
        api.push_manifest(repository, digest_of(content), content, types[kind])
        top.append((digest_of(content), content, types[kind]))
        return descriptor(kind, content)

    def push_one(platform: str) -> dict[str, Any]:
        own = labels(platform) if callable(labels) else labels
        tar = layer_of(f"{platform} {json.dumps(own)}\n".encode())
        layer = gzip.compress(tar, mtime=0)
        names = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))
        content = (
            config
            if config is not None
            else json.dumps(
                {
                    **names,
                    "config": {"Cmd": ["/hello"], "Labels": own},
                    "rootfs": {"type": "layers", "diff_ids": [digest_of(tar)]},
                }
            ).encode()
        )
        blobs["layer"], blobs["config"] = api.push_blob(repository, layer), api.push_blob(repository, content)
        image = push({"config": descriptor("config", content), "layers": [descriptor("layer", layer)]}, "manifest")
        return {**image, "platform": names}

    def push_attestation(image: dict[str, Any]) -> dict[str, Any]:
        statement = json.dumps({"_type": "https://in-toto.io/Statement/v0.1", "subject": [image["digest"]]}).encode()
        content = json.dumps({"os": "unknown", "architecture": "unknown", "config": {}}).encode()
        for blob in (statement, content):
            api.push_blob(repository, blob)
        layer = descriptor("application/vnd.in-toto+json", statement)
        part = push({"config": descriptor("config", content), "layers": [layer]}, "manifest")
        notes = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": image["digest"]}
        return {**part, "platform": {"os": "unknown", "architecture": "unknown"}, "annotations": notes}

    top: list[tuple[str, bytes, str]] = []
    blobs: dict[str, str] = {}
    images = [push_one(platform) for platform in platforms]
    if index or (index is None and (len(images) > 1 or attestation or nested)):
        extra = [push_attestation(image) for image in images] if attestation else []
        outer = push({"manifests": images + extra}, "index")
        if nested:
            push({"manifests": [outer]}, "index")
    digest, content, media_type = top[-1]
    api.push_manifest(repository, tag, content, media_type)
    if missing == "manifest":
        api.delete(repository, "manifests", images[-1]["digest"])
    elif missing:
        api.delete(repository, "blobs", blobs[missing])
    return digest


def layer_of(content: bytes) -> bytes:
    """A layer of one file, as a tar archive."""
    file = tarfile.TarInfo("hello")
    file.size, file.mode = len(content), 0o644
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(file, io.BytesIO(content))
    return buffer.getvalue()
