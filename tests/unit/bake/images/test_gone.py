"""Locked images that their registry has no more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from desktop_bake import ImageReference, RegistryError, Settings
from desktop_bake.bake.config.lock import Lock, LockedImage
from desktop_bake.bake.images.gone import gone
from desktop_bake.bake.images.order import order_of
from tests.harness.recipes import OFFICE
from tests.harness.work import work

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.fake_engine import FakeEngine
    from tests.harness.memory_registry import MemoryRegistry

BASE_NAME, TOOL_NAME, FRONTEND = str(OFFICE.base_image), "tools.example.com/tool:1", "tools.example.com/dockerfile:1"
DOCKERFILE = f"# syntax={FRONTEND}\nFROM {TOOL_NAME} AS tool\nFROM base\nRUN true\n"


def test_what_a_registry_has_no_more(tmp_path: Path, engine: FakeEngine, registry: MemoryRegistry) -> None:
    """A locked base or tool that was garbage-collected is named; what is there, or cannot be asked about, is not."""
    (tmp_path / "own").write_text(DOCKERFILE)
    base, tool, frontend = (registry.put(name, {}) for name in (BASE_NAME, TOOL_NAME, FRONTEND))
    tools = {TOOL_NAME: LockedImage(digest=tool), FRONTEND: LockedImage(digest=frontend)}
    lock = Lock(bases={BASE_NAME: LockedImage(digest=base)}, tools=tools)
    context = work(engine, Settings(root=tmp_path, lock=lock))
    order = order_of(replace(OFFICE, dockerfile="own"), context)
    assert gone(order, context) is None
    for name, digest, said in ((TOOL_NAME, tool, "the Dockerfile's image"), (BASE_NAME, base, "base image")):
        del registry.manifests[f"{ImageReference.parse(name).repository}@{digest}"]
        assert gone(order, context) == f"{said} {name} is locked at {digest}, which its registry no longer has"
    registry.broken = {OFFICE.base_image.domain: RegistryError("down"), "tools.example.com": RegistryError("down")}
    assert gone(order, context) is None
    assert gone(order, work(engine, Settings(root=tmp_path))) is None
