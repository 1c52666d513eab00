"""A rendered folder: which files it has, and that nothing outside it is written."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake import ConfigurationError, Settings
from desktop_bake.bake.build.render import bake_options, namesakes, rendered_files, seen_from, targets_of, write_files
from desktop_bake.bake.config.shipped import gate_text, shipped
from tests.harness.recipes import BASE, OFFICE
from tests.harness.work import work

if TYPE_CHECKING:
    from tests.harness.fake_engine import FakeEngine


def test_options() -> None:
    """The settings decide what every target shares."""
    settings = Settings(cache="none", attest=("type=sbom",), compression="gzip")
    options = bake_options(settings)
    assert (options.repository, options.cache_backend) == (settings.repository, "none")
    assert (options.attest, options.compression) == (("type=sbom",), "gzip")


def test_platforms_of_tasks() -> None:
    """A task's platform is its environment's, or that of all; what the engine is to choose is not there."""
    two = {"a": replace(OFFICE, env_id="a", platform="linux/arm64"), "b": replace(OFFICE, env_id="b")}
    assert bake_options(Settings(environments=two)).task_platforms == {"a": "linux/arm64"}
    everywhere = bake_options(Settings(environments=two, platform="linux/amd64"))
    assert everywhere.task_platforms == {"a": "linux/arm64", "b": "linux/amd64"}


def test_files(engine: FakeEngine) -> None:
    """The bake file, a build context for each key, the check, and what starts an image, whose files are the shipped
    ones."""
    engine.add(str(OFFICE.base_image), known_as=f"{OFFICE.base_image.repository}@{BASE}")
    other = replace(OFFICE, env_id="c", build_args={"A": "1"})
    targets = targets_of([OFFICE, replace(OFFICE, env_id="b"), other], work(engine))
    assert [target.name for target in targets] == ["desktop-office", "desktop-c"]
    files = rendered_files(targets, bake_options(Settings()))
    for target in targets:
        for path, file in target.recipe.context():
            assert files[f"{target.context}/{path}"] == (file.content, file.executable)
    assert files["check/desktop_check.sh"] == (shipped("recipe/desktop_check.sh").read_bytes(), False)
    assert files["run/desktop_gate.py"] == files["check/desktop_gate.py"] == (gate_text().encode(), False)
    assert {name.split("/")[0] for name in files} == {"docker-bake.hcl", "context", "check", "run", "missing.sh"}
    assert b"target" in files["docker-bake.hcl"][0]


@pytest.mark.parametrize(
    ("repository", "folder", "seen"),
    [
        (".", "ci", "ci"),
        (".", "a/b", "a/b"),
        ("a", "a/b", "b"),  # the nearest repository
        ("a/b", "a/b", ""),
        (None, "ci", "ci"),  # the configuration's folder stands for it
        (None, ".", ""),
        (None, "../outside", ""),
        (".", "c\ni", ""),
        (".", None, ""),
    ],
)
def test_where_the_folder_is(tmp_path: Path, repository: str | None, folder: str | None, seen: str) -> None:
    """It is named as its repository's root sees it, and not at all if that has no name for it."""
    root = tmp_path / "root"
    root.mkdir()
    if repository:
        (root / repository / ".git").mkdir(parents=True)
    assert seen_from(root, root / folder if folder is not None else None) == seen


@pytest.mark.parametrize(
    ("folder", "warned"), [("ci", True), ("deploy/ci", True), ("ci/deploy", False), ("deploy", False), (".", False)]
)
def test_a_root_of_the_same_name(tmp_path: Path, folder: str, warned: bool) -> None:
    """If the repository is called as its rendered folder, Bake would mistake it for that folder, which is told."""
    root = tmp_path / "ci"
    root.mkdir()
    said = namesakes(root, root / folder)
    assert said.startswith(f"{root} is called ci as well") is warned
    assert (f"set DESKTOP_BAKE_FOLDER={folder} " in said) is warned


def test_written(tmp_path: Path) -> None:
    """Each file is whole, with its mode; what else is there stays."""
    (tmp_path / "mine").write_text("mine")
    folder = tmp_path / "a" / "b"
    for content in (b"old", b"new"):
        write_files(folder, {"x/run": (content, True), "x/y/text": (content, False)})
    assert [(folder / name).read_bytes() for name in ("x/run", "x/y/text")] == [b"new", b"new"]
    assert [(folder / name).stat().st_mode & 0o777 for name in ("x/run", "x/y/text")] == [0o755, 0o644]
    assert sorted(p.name for p in folder.rglob("*")) == ["run", "text", "x", "y"]
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize("name", ["link/a", "link/deep/a"])
def test_a_link_that_leads_out(tmp_path: Path, name: str) -> None:
    """A symbolic link in the folder cannot lead a write out of it."""
    folder, elsewhere = tmp_path / "ci", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    (folder / "link").symlink_to(elsewhere)
    with pytest.raises(ConfigurationError, match=f"^{name} leads out of {folder}$"):
        write_files(folder, {name: (b"x", False)})
    assert list(elsewhere.iterdir()) == []


def test_a_link_to_the_folder(tmp_path: Path) -> None:
    """The folder itself may be a link."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    write_files(tmp_path / "link", {"a/b": (b"x", False)})
    assert (tmp_path / "real" / "a" / "b").read_bytes() == b"x"


def test_folders_whatever_the_umask(tmp_path: Path) -> None:
    """A step that runs as another user reads the folders of a context, too."""
    before = os.umask(0o077)
    try:
        write_files(tmp_path / "ci", {"context/layer/files/lib/a.sh": (b"x", False)})
    finally:
        os.umask(before)
    file = tmp_path / "ci/context/layer/files/lib/a.sh"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (file, *file.parents[:4])] == [0o644, *[0o755] * 4]
