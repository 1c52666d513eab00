"""What differs between a rendered folder and what would be rendered now."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake import ConfigurationError
from desktop_bake.bake.build.rendered_folder import LIST, LeftOver, whole_folder
from desktop_bake.bake.build.stale import again, differences
from tests.harness.recipes import GOLDEN

if TYPE_CHECKING:
    from desktop_bake.bake.build.render import RenderedFiles

NOTHING = LeftOver(ours=(), unknown=())
NEXT = f"{GOLDEN[:-16]}{'0' * 16}"


def folder_of(folder: Path, files: RenderedFiles) -> None:
    """Write these files."""
    for name, (content, executable) in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o755 if executable else 0o644)


def rendered(**files: bytes) -> RenderedFiles:
    """A rendered folder of these files in a build context."""
    return whole_folder({f"context/{GOLDEN}/{name}": (content, False) for name, content in files.items()})


@pytest.mark.parametrize(
    ("typed", "output", "wanted"),
    [
        (["render", "-o", "ci", "--check"], True, "desktop-bake render -o ci"),
        (["render", "--chec", "-oci", "a b"], True, "desktop-bake render -oci 'a b'"),
        (["render", "--check"], False, "desktop-bake render -o ."),
        (["render", "--check", "--", "--check"], False, "desktop-bake render -o . -- --check"),
        (["render", "--ch", "--cache", "none"], False, "desktop-bake render --cache none -o ."),
        (
            ["--environments", "it's", "render", "--check", "-o", "x"],
            True,
            "desktop-bake --environments 'it'\"'\"'s' render -o x",
        ),
    ],
)
def test_the_command(typed: list[str], output: bool, wanted: str) -> None:
    """The remedy is what was typed, but for the check, and names the folder."""
    assert again(typed, Path("ci") if output else None) == wanted


def test_fresh(tmp_path: Path) -> None:
    """What is as it would be rendered now is not told."""
    files = rendered(a=b"1\n", b=b"2\n")
    folder_of(tmp_path, files)
    assert differences(tmp_path, files, NOTHING) == []


def test_stale(tmp_path: Path) -> None:
    """A changed file is one line and a diff, a wrong mode is one line, and the list is never shown itself."""
    files = rendered(a=b"new\n", b=b"same\n", c=b"\0new")
    folder_of(tmp_path, rendered(a=b"old\n", b=b"same\n", c=b"\0old"))
    place = tmp_path / "context" / GOLDEN
    (place / "b").chmod(0o755)
    assert differences(tmp_path, files, NOTHING) == [
        f"stale: {place}/a: content",
        f"--- {place}/a",
        f"+++ {place}/a (rendered now)",
        "@@ -1 +1 @@",
        "-old",
        "+new",
        f"stale: {place}/b: must not be executable",
        f"stale: {place}/c: content",
        "binary: no lines to compare",
        f"stale: {tmp_path}/{LIST}: content",
    ]


def test_missing(tmp_path: Path) -> None:
    """A missing file is compared with the nearest one of its name in a build context that belongs to nothing now."""
    far, near = NEXT.replace("emerald", "ruby"), NEXT
    old = {f"context/{key}/a": (content, False) for key, content in ((far, b"far\n"), (near, b"near\n"))}
    folder_of(tmp_path, old)
    left = LeftOver(ours=tuple(tmp_path / name for name in old), unknown=())
    lines = differences(tmp_path, rendered(a=b"now\n"), left)
    assert lines[0] == f"missing: {tmp_path}/context/{GOLDEN}/a"
    assert "-near" in lines
    assert "+now" in lines
    assert "-far" not in lines
    assert [line for line in lines if line.startswith("extra: ")] == [
        f"extra: {tmp_path / name}: belongs to no target any more" for name in old
    ]


def test_a_change_is_told_once(tmp_path: Path) -> None:
    """Many environments share a script, and its change has one diff."""
    new, old = ({f"context/{key}/a": (content, False) for key in (GOLDEN, NEXT)} for content in (b"new\n", b"old\n"))
    folder_of(tmp_path, whole_folder(old))
    lines = differences(tmp_path, whole_folder(new), NOTHING)
    assert len([line for line in lines if line.endswith("/a: content")]) == 2
    assert lines.count("+new") == 1


def test_what_lies_elsewhere_is_not_shown(tmp_path: Path) -> None:
    """A link's content is none of the folder's, and no diff shows it."""
    files = rendered(a=b"now\n")
    folder = tmp_path / "ci"
    folder_of(folder, files)
    (tmp_path / "secret").write_text("hunter2\n")
    file = folder / "context" / GOLDEN / "a"
    file.unlink()
    file.symlink_to(tmp_path / "secret")
    assert differences(folder, files, NOTHING) == [f"missing: {file}"]
    file.parent.rename(tmp_path / "moved")
    (tmp_path / "moved" / "a").unlink()
    (tmp_path / "moved" / "a").write_text("hunter2\n")
    file.parent.symlink_to(tmp_path / "moved")
    assert "hunter2" not in "".join(differences(folder, files, NOTHING))


def test_nothing_for_a_terminal_to_obey(tmp_path: Path) -> None:
    """A name or a line that holds control characters shows them."""
    files = whole_folder({f"context/{GOLDEN}/a": (b"now\n", False)})
    folder = tmp_path / "\x1b[2J"
    folder_of(folder, whole_folder({f"context/{GOLDEN}/a": (b"\x1b[2Jold\n", False)}))
    assert "\x1b" not in "".join(differences(folder, files, NOTHING))


def test_what_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be read is told by its path and the reason."""
    files = rendered(a=b"now\n")
    folder_of(tmp_path, files)

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, os.strerror(13), str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ConfigurationError, match=f"^cannot read {tmp_path}/context/{GOLDEN}/a: Permission denied$"):
        differences(tmp_path, files, NOTHING)
