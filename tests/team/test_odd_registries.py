"""Registries that support less than the specification: no zstd, no token for pushing alone."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Digest, ImageReference
from desktop_bake.bake.registry.client import check_push, within
from desktop_bake.bake.registry.manifest import OCI_MANIFEST
from tests.harness import faults
from tests.harness.project import remove_images
from tests.harness.proxy import Exchange, Fault, faulty
from tests.harness.registries import ACCEPT, Api, real_registry

if TYPE_CHECKING:
    from desktop_bake.bake.registry.session import Session
    from tests.harness.project import Run


NAME = "team/desktop"


def refuse_zstd(exchange: Exchange) -> bool:
    """The behaviour of a registry that refuses layers packed with zstd."""
    return b"+zstd" in exchange.peek() and faults.refuses(400, "MANIFEST_INVALID").act(exchange)


def test_a_registry_without_zstd(cli: Run, project: Path, tmp_path: Path) -> None:
    """Its refusal names the setting; with that setting the image is published, every layer packed otherwise."""
    fault = Fault(act=refuse_zstd, on="PUT .*/manifests/")
    with real_registry(tmp_path / "registry") as registry, faulty(registry.host, fault) as proxy:
        settings = {"REPOSITORY": f"{proxy.host}/{NAME}", "PUSH": "1", "LEASE": "0", "CACHE": "none"}
        where = {f"DESKTOP_BAKE_{name}": value for name, value in settings.items()}
        try:
            refused = cli("build", **where)
            assert refused.returncode == 5, refused.stderr
            remedy = re.search(r'write compression = "gzip", run: docker image rm -f (\S+), and build', refused.stderr)
            assert remedy, refused.stderr
            subprocess.run(["docker", "image", "rm", "-f", remedy[1]], check=True, capture_output=True)
            built = cli("build", "--json", **where, DESKTOP_BAKE_COMPRESSION="gzip")
            assert built.returncode == 0, built.stderr
            tag = json.loads(built.stdout)["images"][0]["image"].rpartition(":")[2]
            top = Api(registry.host).send("GET", f"/v2/{NAME}/manifests/{tag}", headers=ACCEPT).body
            assert b"zstd" not in top
            for child in json.loads(top).get("manifests", []):
                found = Api(registry.host).send("GET", f"/v2/{NAME}/manifests/{child['digest']}", headers=ACCEPT).body
                assert b"zstd" not in found
        finally:
            remove_images(f"{proxy.host}/{NAME}")


@pytest.mark.parametrize("late", [401, 403])
@pytest.mark.parametrize("scope", ["pull", "push", ""])
def test_a_token_for_both(tmp_path: Path, late: int, scope: str) -> None:
    """A registry that wants one token for pulling and pushing, whatever the request, can be written after reading."""
    where = f"repository:{NAME}:"

    def act(exchange: Exchange) -> bool:
        path, _, query = exchange.path.partition("?")
        if path == "/token":
            granted = urllib.parse.parse_qs(query)["scope"][0].removeprefix(where)
            return faults.answers(200, json.dumps({"token": granted.replace(",", "-")})).act(exchange)
        has = (exchange.headers.get("Authorization") or "").removeprefix("Bearer ").split("-")
        if has == ["pull", "push"] or (exchange.command in ("GET", "HEAD") and "pull" in has):
            return False
        asks = f'Bearer realm="http://{exchange.host}/token",service="s"'
        asks += f',scope="{where}{scope if exchange.command in ("POST", "PUT") else "pull"}"' if scope else ""
        status = late if has != [""] else 401
        return faults.refuses(status, "DENIED", headers={"WWW-Authenticate": asks}).act(exchange)

    with real_registry(tmp_path) as registry, faulty(registry.host, Fault(act=act)) as proxy:
        reference = ImageReference.parse(f"{proxy.host}/{NAME}")
        check_push(reference)
        config = json.dumps({"architecture": "amd64", "os": "linux"}).encode()

        def write(session: Session) -> None:
            assert session.digest("t") is None
            session.put_blob(config)
            digest = Digest.of(config)
            part = {"mediaType": OCI_MANIFEST.replace("manifest", "config"), "digest": str(digest), "size": len(config)}
            content = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": part, "layers": []}
            session.put_manifest("t", json.dumps(content).encode(), OCI_MANIFEST)

        within(None, reference, write)
