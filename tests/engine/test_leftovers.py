"""What killed processes left goes, and nothing of a living one."""

from __future__ import annotations

import concurrent.futures
import secrets
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bake import local_cache
from bake.build_folder import build_folder
from bake.leftovers import abandoned, hold
from bake.replace_file import replace_file
from bake.resolve import cache_folder
from bake.start_note import StartNote, remove_abandoned
from bake.turn import lock_of
from tests.test_failures import KEY

if TYPE_CHECKING:
    from bake.engine import Engine


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache folder of this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_folders_of_builds(tmp_path: Path) -> None:
    """A build clears the folders of killed builds, of its key and of others, and leaves that of one that goes on."""
    other, third = replace(KEY, variant="other"), replace(KEY, variant="third")
    for key in (KEY, third):
        (tmp_path / f"bake-{key}.left" / "context").mkdir(parents=True)
    with lock_of(other), build_folder(tmp_path, other) as living:
        with lock_of(KEY), build_folder(tmp_path, KEY) as own:
            assert set(tmp_path.glob("bake-*")) == {living, own}
        assert living.is_dir()
    assert list(tmp_path.glob("bake-*")) == []


def test_files(tmp_path: Path) -> None:
    """A file is abandoned once it is closed."""
    with (tmp_path / "held").open("w") as held:
        hold(held.fileno())
        (tmp_path / "left").touch()
        assert [file.name for file in abandoned(tmp_path.iterdir())] == ["left"]
    assert sorted(file.name for file in abandoned(tmp_path.iterdir())) == ["held", "left"]


def test_many_that_clear_up(tmp_path: Path) -> None:
    """Of several that clear up at once, one gets each file, and it is there."""
    files = [tmp_path / str(number) for number in range(1000)]
    for file in files:
        file.touch()

    def clear() -> int:
        count = 0
        for file in abandoned(files):
            file.stat()
            file.unlink()
            count += 1
        return count

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: clear(), range(8))) == len(files)


def test_an_edit(tmp_path: Path) -> None:
    """An edit clears what a killed one left, and neither another program's files nor another edit's."""
    file = tmp_path / "a[1].toml"
    file.write_bytes(b"old")
    names = [f".{file.name}.x.desktop-bake", f".{file.name}.swp", ".a1.toml.x.desktop-bake"]
    for name in names:
        (tmp_path / name).touch()
    replace_file(file, b"old", b"new")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([file.name, *names[1:]])


def test_local_caches(tmp_path: Path) -> None:
    """A cache that was set aside by a killed process is none, and goes with the next change."""
    for name in ("f", ".gone-x"):
        (tmp_path / "caches" / name).mkdir(parents=True)
    assert [folder.name for folder in local_cache.folders(tmp_path / "caches")] == ["f"]
    local_cache.discard(tmp_path / "caches", "f")
    assert list((tmp_path / "caches").iterdir()) == []


def test_containers(base: str, engine: Engine) -> None:
    """A container whose start was killed goes by its name or its ID; one that is being started stays, as does what
    another engine was asked for."""
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
    """A note whose disk was full when it was to hold the ID removes no other container, whose ID begins so."""
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
