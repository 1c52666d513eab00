"""What killed processes left goes, and nothing of a living one."""

from __future__ import annotations

import concurrent.futures
from dataclasses import replace
from pathlib import Path

from desktop_bake.bake.build import local_cache
from desktop_bake.bake.build.machine_lock import lock_of
from desktop_bake.bake.build.scratch import build_folder
from desktop_bake.bake.system.edit import replace_file
from desktop_bake.bake.system.files import abandoned, hold
from tests.harness.keys import KEY


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
