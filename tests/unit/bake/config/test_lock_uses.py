"""What environments need of a lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop_bake import Environment, ImageReference, Settings
from desktop_bake.bake.config.lock_uses import uses_of
from tests.harness.locks import BASE, OLD, TOOL, use

if TYPE_CHECKING:
    from pathlib import Path


def environment(env_id: str, base: str = "debian:bookworm", **fields: object) -> Environment:
    """An environment with a desktop."""
    values = {"headless_desktop_enabled": True, **fields}
    return Environment(env_id=env_id, base_image=ImageReference.parse(base), **values)  # type: ignore[arg-type]


def test_uses(tmp_path: Path) -> None:
    """Bases and the images of Dockerfiles without a digest, each once, with all who name it; and who takes the date."""
    dockerfile = "# syntax=docker/dockerfile:1\nFROM golang AS go\nFROM x@{0} AS x\nFROM base\n{1}RUN true\n"
    for name, line in (("own", ""), ("dated", "ARG DESKTOP_BAKE_BASE\n"), ("global", "")):
        (tmp_path / name).write_text(dockerfile.format(OLD, line))
    (tmp_path / "global").write_text("ARG DESKTOP_BAKE_BASE\nFROM base\nRUN true\n")
    (tmp_path / "preflight").write_text("echo\n")
    environments = [
        environment("shipped"),
        environment("same", "docker.io/library/debian:bookworm"),
        environment("untagged", "debian"),
        environment("pinned", f"debian:trixie@{OLD}"),
        environment("own", dockerfile="own"),
        environment("dated", dockerfile="dated"),
        environment("global", dockerfile="global"),
        environment("alone", headless_desktop_enabled=False, preflight_script="preflight"),
    ]
    found = uses_of(environments, Settings(root=tmp_path))
    everyone = ("shipped", "same", "own", "dated", "global", "alone")
    assert found.images == (
        use(BASE, *everyone),
        use(("base", "debian"), "untagged"),
        use(TOOL, "own", "dated"),
        use(("tool", "golang"), "own", "dated"),
    )
    assert [u.key[1] for u in found.images] == ["debian:bookworm", "debian:latest", TOOL[1], "golang:latest"]
    assert found.dated == ("shipped", "same", "untagged", "pinned", "dated")
    assert found.undated == ("own", "global")
