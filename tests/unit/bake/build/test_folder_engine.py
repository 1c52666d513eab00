"""Rendering without an engine, by what a rendered folder pins."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Digest, ImageReference, RegistryError, Settings, Stack
from desktop_bake.bake.build.folder_engine import FolderEngine, pinned_digests
from desktop_bake.bake.context import Context
from desktop_bake.bake.images.base_digest import base_digest
from desktop_bake.bake.system.reporter import Reporter
from tests.harness.rendered import DEBIAN, SHIPPED, Rendering, environments

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.memory_registry import MemoryRegistry

TWO = Rendering(stacks=environments(2))


def test_a_bake_file_pins(tmp_path: Path) -> None:
    """The folder's digests serve instead of an engine, by the reference that they were had for; no other's do."""
    moved = replace(TWO, bases={"debian:bookworm": Digest.of(b"there")})
    moved.write(tmp_path)
    text = (tmp_path / "docker-bake.hcl").read_text()
    assert {n: str(i.digest) for n, i in pinned_digests(text).items()} == {"debian:bookworm": str(Digest.of(b"there"))}
    engine = FolderEngine(text)
    context = Context(settings=Settings(pull="never"), engine=engine)
    reference = ImageReference.parse("docker.io/library/debian:bookworm")
    assert base_digest(reference, engine.image(str(reference)), context) == Digest.of(b"there")
    assert engine.image("debian:trixie") is None


def test_the_registry_before_the_folder(tmp_path: Path, registry: MemoryRegistry) -> None:
    """Without an engine a registry that answers is believed, since a base may have moved; one that does not, is not."""
    reference = ImageReference.parse("registry.example.com/base:1")
    environment = replace(DEBIAN, base_image=reference)
    Rendering(stacks=((environment, Stack(desktop=SHIPPED)),)).write(tmp_path)
    engine = FolderEngine((tmp_path / "docker-bake.hcl").read_text())
    lines: list[str] = []
    context = Context(settings=Settings(pull="always"), engine=engine, reporter=Reporter(lines.append))

    def digest() -> Digest:
        return base_digest(reference, engine.image(str(reference)), context)

    moved = registry.put(str(reference), {})
    assert (digest(), lines) == (moved, [])
    registry.broken["registry.example.com"] = RegistryError("no route", "")
    assert digest() == Digest.of(b"base")
    assert "taking what is known here" in lines[0]


def test_tools_and_frontends() -> None:
    """The images of a user's Dockerfile are pinned, too."""
    digest = Digest.of(b"x")
    text = f"""target "desktop-a" {{
  contexts = {{
    base = "docker-image://debian@{digest}"
    "docker.io/library/alpine:3" = "docker-image://alpine:3@{digest}"
    below = "target:desktop-b"
  }}
  args = {{
    BUILDKIT_SYNTAX = "docker/dockerfile:1@{digest}"
  }}
}}
"""
    assert set(pinned_digests(text)) == {"debian:latest", "alpine:3", "docker/dockerfile:1"}


@pytest.mark.parametrize("text", ["", "nonsense", 'target "a" {\n  contexts = { base = "docker-image://A B@x" }\n}\n'])
def test_a_file_that_pins_nothing(text: str) -> None:
    """Whatever the file is, what is not understood of it pins nothing."""
    engine = FolderEngine(text)
    assert engine.image("debian:bookworm") is None
    assert engine.labelled({}) == {}
    assert engine.registry_config() == {}
