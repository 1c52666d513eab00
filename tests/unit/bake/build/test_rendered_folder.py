"""A rendered folder over time: what in it is ours, what goes, and what stays and is reported."""

from __future__ import annotations

import resource
import subprocess
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from desktop_bake import (
    BakeOptions,
    ConfigurationError,
    Digest,
    Environment,
    ImageReference,
    LayerKey,
    Recipe,
    Stack,
    bake_targets,
    stack_key,
)
from desktop_bake.bake.build.render import rendered_files
from desktop_bake.bake.build.rendered_folder import (
    ALSO_READ,
    LIST,
    also_read,
    kept_by_others,
    left_over,
    whole_folder,
    write_folder,
)
from tests.harness.recipes import BASE, ENVIRONMENT, PREFLIGHT, RECIPE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from desktop_bake.bake.build.render import RenderedFiles

OPTIONS = BakeOptions(repository=ImageReference.parse("a"))


def files(recipe: Recipe = RECIPE, environment: Environment = ENVIRONMENT) -> RenderedFiles:
    """The rendered files of a recipe with a preflight on it."""
    stack = Stack(desktop=recipe, preflight=PREFLIGHT)
    targets = bake_targets([(environment, stack, stack_key(environment, stack, BASE))], OPTIONS)
    return whole_folder(rendered_files(targets, OPTIONS))


FILES, OTHER = files(), files(replace(RECIPE, setup=b"echo other\n"), replace(ENVIRONMENT, env_id="other"))


def write(folder: Path, rendered: RenderedFiles = FILES) -> list[str]:
    """Write it, and what is said."""
    lines: list[str] = []
    write_folder(folder, rendered, [ENVIRONMENT], lines.append)
    return lines


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def place(folder: Path, name: str) -> Path:
    """The desktop's file of this name in the build contexts."""
    (found,) = (p for p in folder.glob(f"context/*/{name}") if not p.parent.name.startswith("preflight-"))
    return found


def test_the_list(tmp_path: Path) -> None:
    """The list is one that sha256sum checks, of every file that is rendered."""
    write(tmp_path)
    assert contents(tmp_path) == {name: content for name, (content, _) in FILES.items()}
    listed = {line.split("  ", 1)[1] for line in FILES[LIST][0].decode().splitlines()}
    assert listed == set(FILES) - {LIST, ".gitattributes", ".gitignore"}
    subprocess.run(["sha256sum", "--check", "--quiet", "--strict", LIST], cwd=tmp_path, check=True)


def test_nothing_is_left(tmp_path: Path) -> None:
    """Files of an earlier render are removed, with their folders, silently."""
    write(tmp_path)
    assert write(tmp_path, OTHER) == []
    assert contents(tmp_path) == {name: content for name, (content, _) in OTHER.items()}
    assert len(list((tmp_path / "context").iterdir())) == 2


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    """A file that was edited, or added, or is a link, stays and is told; so does a folder that only looks like ours."""
    write(tmp_path)
    edited, context = place(tmp_path, "desktop_setup.sh"), place(tmp_path, "Dockerfile").parent
    edited.write_text("edited")
    (context / "added").write_text("mine")
    (tmp_path / "precious").write_text("mine")
    install = place(tmp_path, "desktop_install.sh")
    install.unlink()
    install.symlink_to("../../precious")
    own = tmp_path / "context" / "my-own-data-lies-here" / "x"
    own.parent.mkdir()
    own.write_text("mine")
    told = [edited, context / "added", install]
    left = left_over(tmp_path, OTHER, [ENVIRONMENT])
    assert left.unknown == tuple(sorted(told))
    assert {path.name for path in left.ours} == {"Dockerfile", "preflight.sh"}
    assert sorted(write(tmp_path, OTHER)) == [
        f"[desktop-cache] WARNING: {path} stays: it is not known to be rendered; remove it by hand"
        for path in sorted(told)
    ]
    assert sorted(context.iterdir()) == sorted(told)
    assert (tmp_path / "precious").read_text() == own.read_text() == "mine"


@pytest.mark.parametrize(
    "entry",
    [
        "../precious",
        "context/../../precious",
        "/etc/passwd",
        "precious",
        "context/link/precious",
    ],
)
def test_a_list_that_leads_out(tmp_path: Path, entry: str) -> None:
    """A list that names a file elsewhere, also through a link, has nothing removed there."""
    folder = tmp_path / "ci"
    (folder / "context").mkdir(parents=True)
    (folder / "context" / "link").symlink_to("../..")
    for precious in (tmp_path / "precious", folder / "precious"):
        precious.write_text("mine")
    digest = Digest.of(b"mine").hex
    (folder / LIST).write_text(f"{digest}  {entry}\n")
    assert left_over(folder, FILES, []).ours == ()
    write(folder)
    assert (tmp_path / "precious").exists()
    assert (folder / "precious").exists()


@pytest.mark.parametrize("content", [b"\xff\xfe", b"nonsense\n", b"", b"0" * 64 + b"  context/x"])
def test_a_list_that_is_none(tmp_path: Path, content: bytes) -> None:
    """A list that is not understood, or names what is not there, is passed over."""
    (tmp_path / LIST).write_bytes(content)
    assert write(tmp_path) == []
    assert (tmp_path / LIST).read_bytes() == FILES[LIST][0]


@pytest.mark.parametrize("edited", [False, True])
@pytest.mark.parametrize("with_arguments", [False, True])
def test_a_folder_without_a_list(tmp_path: Path, edited: bool, with_arguments: bool) -> None:
    """Without a list, a build context goes that contains what its name, the key, was computed from; any other stays."""
    environment = replace(ENVIRONMENT, build_args={"A": "1"}) if with_arguments else ENVIRONMENT
    write(tmp_path, files(environment=environment))
    key = stack_key(environment, Stack(desktop=RECIPE, preflight=PREFLIGHT), BASE)
    assert isinstance(key, LayerKey)
    for name, old in (("e", key.desktop), ("preflight-e", key)):
        (tmp_path / "context" / name).rename(tmp_path / "context" / str(old))
    (tmp_path / LIST).unlink()
    if edited:
        for context in (tmp_path / "context").iterdir():
            (context / "Dockerfile").write_text("FROM base\nRUN mine\n")
    lines: list[str] = []
    write_folder(tmp_path, files(replace(RECIPE, setup=b"x"), environment), [environment], lines.append)
    assert len(lines) == (5 if edited else 0)
    assert len(list((tmp_path / "context").iterdir())) == (4 if edited else 2)


@pytest.mark.parametrize("name", ["docker-bake.hcl", "check/Dockerfile", "context/e/Dockerfile"])
def test_no_file_of_others_is_replaced(tmp_path: Path, name: str) -> None:
    """A file of somebody else where one of ours would go is not replaced, and nothing is written beside it."""
    rendered = {**FILES, "check/Dockerfile": (b"FROM scratch\n", False)}
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(ConfigurationError, match=f"/{name} is not ours, and would be replaced$") as caught:
        write(tmp_path, rendered)
    assert caught.value.remedy == "render into a folder of its own: -o DIR"
    assert contents(tmp_path) == {name: b"mine"}


def test_a_killed_render(tmp_path: Path) -> None:
    """A render that is killed before its list is written leaves one that tells the next which files are whose."""
    write(tmp_path)
    partly = {name: file for name, file in OTHER.items() if name != LIST}
    for name, (content, _) in partly.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert write(tmp_path, OTHER) == []
    assert contents(tmp_path) == {name: content for name, (content, _) in OTHER.items()}


@pytest.mark.parametrize(
    ("theirs", "lacks"),
    [
        ("*.png binary\n", ("* -text",)),
        ("*.png binary\n* -text\n", ()),
        ("# * -text\n", ("* -text",)),
        ("", ("* -text",)),
    ],
)
def test_files_for_git_of_others(tmp_path: Path, theirs: str, lacks: tuple[str, ...]) -> None:
    """Somebody's own `.gitattributes` stays, and what it lacks is reported."""
    (tmp_path / ".gitattributes").write_text(theirs)
    assert kept_by_others(tmp_path, FILES) == {".gitattributes": lacks}
    warning = f"[desktop-cache] WARNING: {tmp_path / '.gitattributes'} stays as it is: add to it '* -text'"
    assert write(tmp_path) == ([warning] if lacks else [])
    assert (tmp_path / ".gitattributes").read_text() == theirs


def test_what_bake_reads_besides(tmp_path: Path) -> None:
    """A file beside ours that Docker's own client reads too is reported; none of ours is one."""
    assert also_read(tmp_path) == []
    for name in ALSO_READ:
        (tmp_path / name).touch()
    assert also_read(tmp_path) == [tmp_path / name for name in ALSO_READ]
    assert write(tmp_path) == [
        f"[desktop-cache] WARNING: Bake reads {tmp_path / name} as well: always name our file, -f docker-bake.hcl"
        for name in ALSO_READ
    ]


@contextmanager
def no_bytes() -> Iterator[None]:
    """No file may have any, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_cannot_be_written(tmp_path: Path) -> None:
    """A place that cannot be written is reported by its name, and so is a file for which a disk has no room."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"^cannot write .*: (Not a directory|File exists)$") as caught:
        write(tmp_path / "file" / "ci")
    assert caught.value.remedy == "make it writable and room there, or name another folder: -o DIR"
    with no_bytes(), pytest.raises(ConfigurationError, match=rf"^cannot write {tmp_path}/ci/\S+: File too large$"):
        write(tmp_path / "ci")
    assert not [path for path in (tmp_path / "ci").rglob("*") if path.is_file()]
