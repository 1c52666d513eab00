"""`desktop-bake resolve`: what a task would use, and how it exits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from desktop_bake import Digest, RegistryError
from desktop_bake.bake.images.trust import BUILT, note
from desktop_bake.generator.key import CacheKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.harness.fake_engine import FakeEngine
    from tests.harness.memory_registry import MemoryRegistry

REPOSITORY = "registry.example.com/team/desktop"


def labels(typed: Callable[..., tuple[int, str, str]]) -> tuple[str, dict[str, str]]:
    """The key, and the labels of an image that proves it."""
    told = json.loads(typed("key", "--json")[1])
    variant, parts = told["cache_key"].split("-")[0], told["components"]
    names = ("base", "install", "setup", "dockerfile")
    base, install, setup, dockerfile = (Digest(f"sha256:{parts[name].rpartition(':')[2]}") for name in names)
    key = CacheKey(variant=variant, base=base, install=install, setup=setup, dockerfile=dockerfile)
    return told["cache_key"], key.labels("debian:bookworm")


def test_miss(typed: Callable[..., tuple[int, str, str]]) -> None:
    """A miss is status 3, and JSON says why."""
    status, output, _ = typed("resolve", "--json")
    told = json.loads(output)
    assert (status, told["status"], told["image_id"]) == (3, "miss", None)
    assert told["reason"]
    status, output, _ = typed("resolve")
    assert (status, output) == (3, f"miss  {told['image']}\n")


def test_local_hit(typed: Callable[..., tuple[int, str, str]], engine: FakeEngine) -> None:
    """An image here that proves the key is a hit, with its ID."""
    key, proof = labels(typed)
    image = engine.add(f"{REPOSITORY}:{key}", proof)
    note(image.image_id, BUILT)
    hit = f"local-hit  {REPOSITORY}:{key}  {image.image_id}\n"
    assert typed("resolve", "-q") == (0, hit, "")
    status, output, errors = typed("resolve")
    assert (status, output) == (0, hit)
    assert f"[desktop-cache] hit (local): {REPOSITORY}:{key}\n" in errors


def test_registry_hit(typed: Callable[..., tuple[int, str, str]], registry: MemoryRegistry) -> None:
    """An image of the registry is a hit, not pulled."""
    key, proof = labels(typed)
    digest = registry.put(f"{REPOSITORY}:{key}", proof)
    status, output, _ = typed("resolve")
    assert (status, output) == (0, f"registry-hit  {REPOSITORY}:{key}@{digest}\n")


def test_disabled(typed: Callable[..., tuple[int, str, str]]) -> None:
    """An environment without a cache uses its base."""
    status, output, _ = typed("resolve", "plain")
    assert (status, output.split()[0]) == (0, "disabled")


def test_a_registry_that_cannot_be_asked(
    typed: Callable[..., tuple[int, str, str]], registry: MemoryRegistry, project: Path
) -> None:
    """A miss that may be none is status 5; a line of the metrics is left."""
    registry.broken["registry.example.com"] = RegistryError("registry registry.example.com cannot be reached")
    status, output, _ = typed("resolve", "--json", "--metrics", "m.jsonl")
    assert (status, json.loads(output)["status"]) == (5, "miss")
    assert "cannot be reached" in json.loads(output)["registry_error"]
    assert json.loads((project / "m.jsonl").read_text())["command"] == "resolve"
