"""Files and folders of a build context: what is read of them, and what is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from desktop_bake.bake.config import context_files
from desktop_bake.bake.config.context_files import ContextFiles
from desktop_bake.bake.system.files import LIMIT_BYTES
from desktop_bake.generator.errors import ConfigurationError
from desktop_bake.generator.recipe import ContextFile
from tests.harness.file_names import OUTSIDE, SECRET


def write(root: Path, *names: str) -> None:
    """Write files that hold their names; those that end in a star are executable."""
    for name in names:
        path = root / name.removesuffix("*")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name.removesuffix("*"))
        path.chmod(0o755 if name.endswith("*") else 0o644)


def read(root: Path, *names: str | Path, beside: Path | None = None) -> dict[str, ContextFile]:
    """The files of these names."""
    return ContextFiles(root=root, where="layer 'a': ", beside=beside).read(names)


def test_files_and_folders(tmp_path: Path) -> None:
    """A folder is all below it, under the names that it has from the configuration's folder, executables too."""
    write(tmp_path, "x", "dir/run*", "dir/sub/y", "other")
    expected = {
        name: ContextFile(content=name.encode(), executable=name == "dir/run") for name in ("x", "dir/run", "dir/sub/y")
    }
    assert read(tmp_path, "x", "dir/") == expected
    assert read(tmp_path, "./x", "dir", "dir/run") == expected
    assert read(tmp_path / "nowhere") == {}
    assert list(read(tmp_path, ".")) == ["other", "x", "dir/run", "dir/sub/y"]


def test_what_is_left_out_of_folders(tmp_path: Path) -> None:
    """What Python, Git, editors and the like keep in a folder is no part of it; a file that is named is."""
    left_out = ("__pycache__/a.pyc", ".git/config", ".mypy_cache/a", ".venv/bin/python", "b.pyc", "c~", ".d.swp")
    write(tmp_path, "dir/kept", "dir/.kept", *(f"dir/{name}" for name in left_out), "dir/.DS_Store")
    assert list(read(tmp_path, "dir")) == ["dir/.kept", "dir/kept"]
    assert list(read(tmp_path, "dir/b.pyc")) == ["dir/b.pyc"]


def test_beside_a_script(tmp_path: Path) -> None:
    """A file in the folder of the script lies beside it, any other under the name that the list has."""
    write(tmp_path, "layers/common.sh", "layers/lib/a", "requirements.txt")
    found = read(tmp_path, "layers/common.sh", "layers/lib", "requirements.txt", beside=tmp_path / "layers")
    assert list(found) == ["common.sh", "lib/a", "requirements.txt"]


def test_a_programs_own_paths(tmp_path: Path) -> None:
    """A `Path` may lead out of the folder: it comes under its last part; a text may not."""
    root, away = tmp_path / "root", tmp_path / "away"
    write(root, "a")
    write(away, "b", "dir/c")
    assert list(read(root, "a", away / "b", away / "dir")) == ["a", "b", "dir/c"]
    assert list(read(root, root / "a", away / "dir" / "c", beside=away)) == ["a", "dir/c"]


@pytest.mark.parametrize("name", [*OUTSIDE, "within-folder"])
def test_outside(root: Path, name: str) -> None:
    """Neither a name nor a link leads out of the folder, nor a link in a folder that is listed."""
    name = name.format(away=root.parent / "away")
    if name == "within-folder":
        (root / "within-folder").mkdir()
        (root / "within-folder" / "link").symlink_to(root.parent / "away" / "secret")
    with pytest.raises(ConfigurationError) as refused:
        read(root, name)
    assert str(refused.value).startswith("layer 'a': files '")
    assert str(refused.value).endswith("' leads out of the configuration's folder")


def test_links_within(root: Path) -> None:
    """A link to a file of the folder is that file under the link's name."""
    assert SECRET.encode() in read(root, "within")["within"].content


def nothing(folder: Path) -> None:
    """Leave a folder as it is."""


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (nothing, "holds the folder 'dir', which has no file"),
        (lambda folder: os.mkfifo(folder / "p"), "holds 'dir/p', which cannot be read: no regular file"),
        (
            lambda folder: os.mknod(folder / "null", 0o20666, os.makedev(1, 3)),
            "holds 'dir/null', which cannot be read: no regular file",
        ),
        (lambda folder: (folder / "up").symlink_to(".."), "holds 'dir/up', a link to a folder"),
        (
            lambda folder: (folder / "gone").symlink_to("nowhere"),
            "holds 'dir/gone', which cannot be read: No such file or directory",
        ),
        (
            lambda folder: (folder / "loop").symlink_to("loop"),
            "holds 'dir/loop', which cannot be read: Too many levels of symbolic links",
        ),
        (
            lambda folder: (folder / "a\nb").write_text(""),
            "holds 'dir/a\\nb': a backslash or a character that cannot be printed",
        ),
        (
            lambda folder: (folder / "a\\b").write_text(""),
            "holds 'dir/a\\\\b': a backslash or a character that cannot be printed",
        ),
        (
            lambda folder: Path(os.fsdecode(os.fsencode(folder) + b"/\xff")).write_text(""),
            "holds 'dir/\\udcff': a backslash or a character that cannot be printed",
        ),
    ],
)
def test_what_is_no_file(tmp_path: Path, made: object, says: str) -> None:
    """A file that cannot be copied is refused with layer, field and its name, and a remedy."""
    (tmp_path / "dir").mkdir()
    assert callable(made)
    made(tmp_path / "dir")
    with pytest.raises(ConfigurationError) as refused:
        read(tmp_path, "dir")
    assert str(refused.value) == f"layer 'a': files {says}"
    assert refused.value.remedy


@pytest.mark.parametrize(("name", "why"), [("no", "No such file or directory"), ("a\0", "embedded null")])
def test_no_such_file(tmp_path: Path, name: str, why: str) -> None:
    """A name of nothing is refused by itself."""
    with pytest.raises(ConfigurationError) as refused:
        read(tmp_path, name)
    assert str(refused.value).startswith(f"layer 'a': files holds {name!r}".replace("\\\\", "\\"))
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("name", "content"), [("a.sh", b"true\r\n"), ("a", b"#!/bin/sh\r\n"), ("b.sh", b"\xef\xbb\xbf#!")]
)
def test_files_of_windows(tmp_path: Path, name: str, content: bytes) -> None:
    """A script that no shell can run is refused as every script is; other files are anything, also empty."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigurationError, match=f"^layer 'a': '{name}' "):
        read(tmp_path, name)
    (tmp_path / "data").write_bytes(b"a\r\n")
    (tmp_path / "empty.sh").write_bytes(b"")
    assert list(read(tmp_path, "data", "empty.sh")) == ["data", "empty.sh"]


def test_two_of_one_name(tmp_path: Path) -> None:
    """Two files that would lie at one place are refused; one that is named twice is one."""
    write(tmp_path, "a", "layers/a")
    with pytest.raises(ConfigurationError, match=r"^layer 'a': files holds two files for 'a'$"):
        read(tmp_path, "a", "layers/a", beside=tmp_path / "layers")
    assert list(read(tmp_path, "a", "a", "layers", "layers/a")) == ["a", "layers/a"]


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too much is reported with the entry that is too much, whether it is one file or many."""
    write(tmp_path, "dir/a", "dir/b", "dir/c")
    for name in ("large", "larger"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(LIMIT_BYTES + (name == "larger"))
    assert len(read(tmp_path, "large")["large"].content) == LIMIT_BYTES
    for names, says in (
        (("larger",), "files holds 'larger', which cannot be read: more than 16 MiB"),
        (("large", "dir"), "files holds more than 16 MiB, with 'dir'"),
    ):
        with pytest.raises(ConfigurationError, match=f"^layer 'a': {says}$"):
            read(tmp_path, *names)
    monkeypatch.setattr(context_files, "MOST_FILES", 2)
    with pytest.raises(ConfigurationError, match=r"^layer 'a': files holds more than 2 files, with 'dir'$"):
        read(tmp_path, "dir")
