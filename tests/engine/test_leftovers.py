"""What killed processes left is removed, and nothing of a living one."""

from __future__ import annotations

import secrets
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake.bake.system.folders import cache_folder
from desktop_bake.bake.task.start_note import StartNote, remove_abandoned

if TYPE_CHECKING:
    from desktop_bake.bake.engine.engine import Engine


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache folder of this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_containers(base: str, engine: Engine) -> None:
    """A container whose start was killed is removed by its name or ID; one that is being started stays, and so does
    another engine's."""
    names = [f"desktop-bake-{secrets.token_hex(6)}" for _ in range(3)]
    ids = [
        subprocess.run(
            ["docker", "create", "--name", n, base], capture_output=True, check=True, text=True
        ).stdout.strip()
        for n in names
    ]
    try:
        notes = [StartNote(engine.endpoint, name) for name in names]
        notes[1].add(ids[1])
        subprocess.run(["docker", "rename", names[1], f"{names[1]}-renamed"], check=True)
        folder = cache_folder() / "starting"
        (folder / "elsewhere").write_text(f"ssh://elsewhere\n{names[2]}\n")
        (folder / "in-flight").write_text(f"{engine.endpoint.host}\ndesktop-bake-none\n")
        (folder / "gone").write_text(f"{engine.endpoint.host}\ndesktop-bake-none\n{'0' * 64}\n")
        del notes[:2]  # closes them, as the end of their process does
        remove_abandoned(engine.endpoint)
        assert {path.name for path in folder.iterdir()} == {"elsewhere", "in-flight", names[2]}
        shown = [subprocess.run(["docker", "inspect", i], capture_output=True, check=False).returncode for i in ids]
        assert shown == [1, 1, 0]
        notes[0].close()
        assert {path.name for path in folder.iterdir()} == {"elsewhere", "in-flight"}
    finally:
        subprocess.run(["docker", "rm", "-f", *ids], capture_output=True, check=False)


def test_half_an_id(base: str, engine: Engine) -> None:
    """A note without an ID, as the disk was full, removes no other container whose ID begins so."""
    words = ["docker", "create", base]
    other = subprocess.run(words, capture_output=True, check=True, text=True).stdout.strip()
    try:
        folder = cache_folder() / "starting"
        folder.mkdir(parents=True)
        (folder / "half").write_text(f"{engine.endpoint.host}\ndesktop-bake-none\n{other[:12]}")
        remove_abandoned(engine.endpoint)
        assert subprocess.run(["docker", "inspect", other], capture_output=True, check=False).returncode == 0
    finally:
        subprocess.run(["docker", "rm", "-f", other], capture_output=True, check=False)
