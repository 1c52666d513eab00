"""The cost of `images` and `explain` in a large store: a separate engine, filled from one generated archive."""

from __future__ import annotations

import hashlib
import io
import json
import statistics
import sys
import tarfile
import time
from typing import TYPE_CHECKING, Any

from desktop_bake import CacheKey, Digest
from tests.harness.machines import machine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Add = Callable[[str, str, str, str], None]


OURS, OTHERS = 500, 2000
BARS = {"images": "<= 1.1", "images (the first time)": "<= 1.5", "explain": "< 1.5"}
_BASE = "debian:bookworm"
_VARIANT = "bookworm"
_PLAIN = "docker image ls"
_FIRST = "images (the first time)"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = """repository = "desktop-bake"
[environments.default]
base_image = "debian:bookworm"
headless_desktop_enabled = true
cache_desktop_build = true
"""


class Archive:
    """An OCI image layout in a tar file, as `docker image load` reads it (OCI image spec, image-layout.md).

    Args:
        path: the file to write.
    """

    def __init__(self, path: Path) -> None:
        self._tar = tarfile.open(path, "w")  # noqa: SIM115 (closed by `close`)
        self._written: set[str] = set()
        self._manifests: list[dict[str, Any]] = []

    def _file(self, name: str, content: bytes) -> None:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        self._tar.addfile(entry, io.BytesIO(content))

    def _blob(self, content: bytes) -> dict[str, Any]:
        name = hashlib.sha256(content).hexdigest()
        if name not in self._written:
            self._file(f"blobs/sha256/{name}", content)
            self._written.add(name)
        return {"digest": f"sha256:{name}", "size": len(content)}

    def add(self, name: str, layers: list[bytes], labels: dict[str, str]) -> str:
        """Add an image of these uncompressed layers; return its digest."""
        blobs = [self._blob(layer) for layer in layers]
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Labels": labels},
            "created": "2026-01-01T00:00:00Z",
            "rootfs": {"type": "layers", "diff_ids": [blob["digest"] for blob in blobs]},
            "history": [{"created_by": f"RUN {number}"} for number in range(len(layers))],
        }
        kind = "application/vnd.oci.image.layer.v1.tar"
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "layers": [{"mediaType": kind, **blob} for blob in blobs],
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                **self._blob(json.dumps(config).encode()),
            },
        }
        described = self._blob(json.dumps(manifest).encode())
        named = {"io.containerd.image.name": f"docker.io/library/{name}"}
        self._manifests.append({"mediaType": _MANIFEST, **described, "annotations": named})
        return str(described["digest"])

    def close(self) -> None:
        """Write the index that names the images."""
        self._file("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        self._file("index.json", json.dumps({"schemaVersion": 2, "manifests": self._manifests}).encode())
        self._tar.close()


def layer(text: str) -> bytes:
    """A layer of one file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo(hashlib.sha256(text.encode()).hexdigest()[:12])
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def write_store(path: Path, ours: int, others: int) -> None:
    """An archive of a base, of many images of ours on it, a twentieth of them with the same packages, and of others."""
    archive = Archive(path)
    base = layer("base")
    digest = Digest(archive.add(_BASE, [base], {}))
    for number in range(ours):
        install = f"install {number % 20}"
        key = CacheKey(
            variant=_VARIANT,
            base=digest,
            install=Digest.of(install.encode()),
            setup=Digest.of(f"setup {number}".encode()),
            dockerfile=Digest.of(b"dockerfile"),
        )
        layers = [base, layer(install), layer(f"setup {number}")]
        archive.add(f"desktop-bake:{key}", layers, key.labels(_BASE))
    for number in range(others):
        archive.add(f"other-{number % 100}:{number}", [base, layer(f"other {number % 50}")], {"other": str(number)})
    archive.close()


def measure(repetitions: int, folder: Path, add: Add, *, ours: int = OURS, others: int = OTHERS) -> None:
    """Add the rows: each command as a whole process, in turns with `docker image ls` on the same store.

    Args:
        repetitions: the number of runs of every measurement.
        folder: an empty folder.
        add: takes the four cells of a row.
        ours, others: the number of images of each kind.
    """
    write_store(folder / "store.tar", ours, others)
    (folder / "desktop-bake.toml").write_text(CONFIG)
    with machine(folder / "machine") as where:
        start = time.perf_counter()
        where.run("docker", "image", "load", "-q", "-i", str(folder / "store.tar"), check=True, timeout=1800)
        print(f"loaded {ours} + {others} in {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
        flags = ["-q", "--config", str(folder / "desktop-bake.toml")]
        timed = {
            name: ([sys.executable, "-m", "desktop_bake", name, *more, *flags], says)
            for name, more, says in (
                ("images", ["--no-trunc"], f"desktop-bake:{_VARIANT}-"),
                ("explain", [], "nearest: "),
            )
        }
        timed[_PLAIN] = (["docker", "image", "ls"], "desktop-bake")
        times: dict[str, list[float]] = {name: [] for name in (_FIRST, *timed)}

        def run(name: str, column: str) -> None:
            words, says = timed[name]
            start = time.perf_counter()
            done = where.run(*words, check=True)
            times[column].append(time.perf_counter() - start)
            assert done.stdout.count(says) == (1 if name == "explain" else ours), done.stdout

        run("images", _FIRST)  # which asks for the layers of each
        for number in range(repetitions):
            for name in sorted(timed, reverse=bool(number % 2)):  # no command always goes first
                run(name, name)
    plain = statistics.median(times.pop(_PLAIN))
    for name, taken in times.items():
        mine = statistics.median(taken)
        add(
            f"`{name}` over {ours} images among {others} others / {_PLAIN}",
            f"{mine:.3f} s / {plain:.3f} s",
            f"{mine / plain:.2f}",
            BARS[name],
        )
