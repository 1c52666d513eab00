"""The cache folder: this user's alone, whoever made it and however."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import platformdirs
import pytest

from desktop_bake.bake.system.folders import cache_folder, cache_place
from desktop_bake.generator.errors import ConfigurationError
from tests.harness.users import DAEMON

# The mode that it had, and whether it is used.
MODES = {None: True, 0o700: True, 0o750: True, 0o755: True, 0o775: True, 0o2770: True, 0o777: False, 0o1777: False}


@pytest.fixture
def usual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the cache usually is; the folder for temporary files is this test's own."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / "cache"))
    return tmp_path / "home" / "cache" / "desktop-bake"


def mode(path: Path) -> int:
    """The permissions of a file."""
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("before", MODES, ids=lambda before: oct(before) if before else "missing")
def test_modes(usual: Path, before: int | None) -> None:
    """It is made for this user alone, whatever the umask, and closed if it was open; not used if all could write it."""
    if before:
        usual.mkdir(parents=True)
        usual.chmod(before)
    umask = os.umask(0)
    try:
        place = cache_place()
    finally:
        os.umask(umask)
    assert place.folder == (usual if MODES[before] else Path(tempfile.gettempdir(), f"desktop-bake-{os.geteuid()}"))
    assert mode(place.folder) == 0o700
    if not MODES[before]:
        assert place.why == f"everybody could write {usual}, so the cache is in {place.folder}"
        assert place.remedy == f"set XDG_CACHE_HOME to a folder of your own, or remove {usual}"
        usual.chmod(0o700)
    assert (cache_folder(), cache_place().why) == (usual, "")


@pytest.mark.parametrize("strange", ["folder", "link", "link's target"])
def test_somebody_elses(usual: Path, tmp_path: Path, strange: str) -> None:
    """A stranger's folder, a stranger's link to ours and our link to a stranger's are left alone and told."""
    real = tmp_path / "real" if "link" in strange else usual
    real.mkdir(parents=True)
    if "link" in strange:
        usual.parent.mkdir(parents=True)
        usual.symlink_to(real)
        assert cache_folder() == usual
    os.chown(usual if strange == "link" else real, DAEMON, DAEMON, follow_symlinks=False)
    real.chmod(0o755)
    place = cache_place()
    assert place.folder.parent == tmp_path / "tmp"
    assert place.why == f"{usual} belongs to daemon, so the cache is in {place.folder}"
    if strange != "link":
        assert mode(real) == 0o755


def test_nowhere(usual: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a home it is in the folder for temporary files; if that one is a stranger's, too, nothing is used."""
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(os.path, "expanduser", str)  # as for a user without an entry
    place = cache_place()
    assert place.why.startswith("~/.cache/desktop-bake is no absolute path, so the cache is in ")
    os.chown(place.folder, DAEMON, DAEMON)
    with pytest.raises(ConfigurationError, match=r"is no absolute path, and .* belongs to daemon") as refused:
        cache_folder()
    assert refused.value.remedy.startswith("set XDG_CACHE_HOME ")


def test_read_only(usual: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of ours on a file system that is mounted read-only is not used."""
    usual.mkdir(parents=True)
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode, **how: path != usual and access(path, mode, **how))
    place = cache_place()
    assert place.folder == Path(tempfile.gettempdir(), f"desktop-bake-{os.geteuid()}")
    assert place.why == f"{usual} is read-only, so the cache is in {place.folder}"


def test_the_service_closes_its_folders() -> None:
    """The unit's cache, state and files are its user's alone."""
    unit = (Path(__file__).parents[4] / "docs" / "warm" / "desktop-bake-warm.service").read_text().splitlines()
    assert {"UMask=0077", "CacheDirectoryMode=0700", "StateDirectoryMode=0700"} <= set(unit)


@pytest.mark.parametrize("variable", [None, "", "  ", "absolute", "relative"])
def test_the_usual_one(variable: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Linux it is where the library says, which is not loaded for it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    if variable is None:
        monkeypatch.delenv("XDG_CACHE_HOME")
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", variable.replace("absolute", str(tmp_path / "mine")))
    assert str(cache_folder()) == platformdirs.user_cache_dir("desktop-bake")
