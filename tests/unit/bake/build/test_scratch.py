"""The folder that a build has for itself, and what becomes of those of killed builds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from desktop_bake.bake.build.machine_lock import lock_of
from desktop_bake.bake.build.scratch import build_folder, clear_build_folders
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


def test_after_an_error(tmp_path: Path) -> None:
    """A build that fails leaves no folder."""

    def fail() -> None:
        with build_folder(tmp_path, KEY) as own:
            (own / "context").mkdir()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(tmp_path.glob("bake-*")) == []


def test_clear(tmp_path: Path) -> None:
    """A clean-up holds no key's lock, and removes what nobody builds, be its name of no key at all."""
    other = replace(KEY, variant="other")
    for name in (f"bake-{KEY}.left", "bake-", "bake-x.y", "caches"):
        (tmp_path / name).mkdir()
    with lock_of(other), build_folder(tmp_path, other) as living:
        clear_build_folders(tmp_path)
        assert set(tmp_path.iterdir()) >= {living, tmp_path / "caches"}
        assert set(tmp_path.glob("bake-*")) == {living}
