"""Hostile values, folders and registries: what BuildKit, the engine and the disk get of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop_bake import ConfigurationError, ContextFile, Environment, ImageReference, Recipe, Settings
from desktop_bake.bake.build.render import write_files
from tests.harness.every import every


@pytest.mark.parametrize("name", ["BUILDKIT_SYNTAX", "BUILDKIT_INLINE_CACHE"])
def test_an_argument_that_is_an_option(name: str) -> None:
    """A build argument that BuildKit takes as one of its own options is refused: one names a frontend to run."""
    with pytest.raises(ConfigurationError, match="as one of its own options"):
        Environment(env_id="e", base_image=ImageReference.parse("a"), build_args={name: "x"})


# --- what the docker client and the engine are told ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["--bootstrap", "-x", "a b", "a\n", "--", "a/b"])
def test_a_builder_is_no_option(name: str) -> None:
    """A builder's name that the docker client would take for an option is refused."""
    with pytest.raises(ConfigurationError, match="malformed builder"):
        Settings(builder=name)


# --- what is written and read ----------------------------------------------------------------------------------------


def tree(folder: Path) -> dict[str, bytes | str | None]:
    """Everything below a folder."""
    return {
        str(path.relative_to(folder)): str(path.readlink())
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else None
        for path in sorted(folder.rglob("*"))
    }


def linked_below(folder: Path, away: Path) -> None:
    """A folder with a link in it."""
    folder.mkdir()
    (folder / "k").symlink_to(away)


OBSTACLES: dict[str, Callable[[Path, Path], object]] = {
    "a link for the folder of contexts": lambda out, away: (out / "context").symlink_to(away),
    "a link for one context": lambda out, away: linked_below(out / "context", away),
    "a link to a folder not there": lambda out, away: (out / "context").symlink_to(away / "new"),
    "a link up": lambda out, away: (out / "context").symlink_to("../.."),
    "a link in a file's place": lambda out, away: (out / "docker-bake.hcl").symlink_to(away / "kept"),
    "a link where a partial file was": lambda out, away: (out / f".docker-bake.hcl.{os.getpid()}").symlink_to(
        away / "kept"
    ),
    "a pipe in a file's place": lambda out, away: os.mkfifo(out / "docker-bake.hcl"),
    "a device in a file's place": lambda out, away: os.mknod(out / "docker-bake.hcl", 0o20666, os.makedev(1, 5)),
    "a folder in a file's place": lambda out, away: (out / "docker-bake.hcl").mkdir(),
    "a file in a folder's place": lambda out, away: (out / "context").write_text(""),
}
FILES = {"docker-bake.hcl": (b"new", False), "context/k/Dockerfile": (b"new", False), "context/k/x": (b"new", True)}


@pytest.mark.parametrize("case", OBSTACLES)
def test_render_writes_in_its_folder(case: str, tmp_path: Path) -> None:
    """Whatever lies in the folder, nothing outside it is written, and nothing half-written stays within."""
    out, away = tmp_path / "out", tmp_path / "away"
    out.mkdir()
    away.mkdir()
    (away / "kept").write_text("old")
    OBSTACLES[case](out, away)
    before = tree(away)
    try:
        write_files(out, FILES)
    except (ConfigurationError, OSError) as error:
        assert getattr(error, "remedy", None) or getattr(error, "filename", None)
        assert not [p for p in out.iterdir() if p.name.startswith(".docker-bake.hcl.") and not p.is_symlink()]
    else:
        assert {name: (out / name).read_bytes() for name in FILES} == dict.fromkeys(FILES, b"new")
    assert tree(away) == before
    assert {p.name for p in tmp_path.iterdir()} == {"out", "away"}


@every("path", ["../x", "/x", "a/../../x", "a//b", ".", "", "a\0b", "a\nb", "./a", "Dockerfile"])
def test_a_path_that_leaves_the_context(path: str) -> None:
    """No file of a recipe has a name that leads out of its context."""
    with pytest.raises(ConfigurationError, match="outside the context"):
        Recipe(dockerfile=b"FROM base\n", install=b"x", setup=b"x", files={path: ContextFile(content=b"")})


def test_a_dockerfile_of_blank_lines() -> None:
    """A million of them are looked through at once."""
    with pytest.raises(ConfigurationError, match="no 'FROM base'"):
        Recipe(dockerfile=b"FROM other" + b"\n" * 1_000_000, install=b"x", setup=b"x")
