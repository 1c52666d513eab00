"""Files come whole or not at all; what killed processes left goes, and nothing of a living one."""

from __future__ import annotations

import concurrent.futures
import errno
import os
from pathlib import Path

import pytest

from desktop_bake.bake.system.files import (
    LIMIT_BYTES,
    abandoned,
    cannot_write,
    hold,
    new_file,
    read_regular_file,
    write_note,
)


def test_files(tmp_path: Path) -> None:
    """A file is abandoned once it is closed."""
    with (tmp_path / "held").open("w") as held:
        hold(held.fileno())
        (tmp_path / "left").touch()
        assert [file.name for file in abandoned(tmp_path.iterdir())] == ["left"]
    assert sorted(file.name for file in abandoned(tmp_path.iterdir())) == ["held", "left"]


def test_many_that_clear_up(tmp_path: Path) -> None:
    """If several processes clear up at once, one gets each file, and it is there."""
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


def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    """A link, a folder and a pipe are not opened, and what is gone is no error."""
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    names = ("link", "folder", "gone", "file")
    assert [file.name for file in abandoned(tmp_path / name for name in names)] == ["file"]


def test_new_file(tmp_path: Path) -> None:
    """What is written takes the place of what was there, for this user alone."""
    file = tmp_path / "a"
    file.write_text("old")
    with new_file(file) as opened:
        opened.write(b"new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_new_file_fails(tmp_path: Path) -> None:
    """After an error what was there stays, and nothing else."""
    file = tmp_path / "a"
    file.write_text("old")

    def fail() -> None:
        with new_file(file) as opened:
            opened.write(b"new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (file.read_text(), list(tmp_path.iterdir())) == ("old", [file])


def test_new_file_without_room(tmp_path: Path) -> None:
    """An error of the system names the file, also if it is known only by its descriptor, as on a full disk."""

    def fill() -> None:
        with new_file(tmp_path / "a"):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left on device") as raised:
        fill()
    assert (raised.value.filename, list(tmp_path.iterdir())) == (str(tmp_path / "a"), [])


def test_new_file_beside_another(tmp_path: Path) -> None:
    """One that may take no other's place is made only if there is none."""
    file = tmp_path / "a"
    with new_file(file, instead=False) as opened:
        opened.write(b"first")

    def again() -> None:
        with new_file(file, instead=False) as opened:
            opened.write(b"second")

    with pytest.raises(FileExistsError):
        again()
    assert (file.read_bytes(), list(tmp_path.iterdir())) == (b"first", [file])


def test_read(tmp_path: Path) -> None:
    """A regular file, or a link to one, is read up to the limit, which itself is allowed."""
    (tmp_path / "file").write_bytes(b"x" * LIMIT_BYTES)
    (tmp_path / "link").symlink_to("file")
    assert len(read_regular_file(tmp_path / "link")) == LIMIT_BYTES
    with (tmp_path / "file").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ValueError, match=r"^more than 16 MiB$"):
        read_regular_file(tmp_path / "file")


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "gone"])
def test_what_is_not_read(tmp_path: Path, kind: str) -> None:
    """Anything that is no regular file is refused and left closed, and a pipe that nobody writes holds nobody up."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    path = Path("/dev/null") if kind == "device" else tmp_path / kind
    if kind in ("folder", "gone"):
        with pytest.raises(OSError, match=r"Is a directory|No such file") as caught:
            read_regular_file(path)
        assert caught.value.filename == str(path)
    else:
        with pytest.raises(ValueError, match=r"^no regular file$"):
            read_regular_file(path)
    opened = [str(file.readlink()) for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]
    assert kind == "device" or str(path) not in opened


def test_notes(tmp_path: Path) -> None:
    """A note is written whole, and of its folder the newest stay."""
    folder = tmp_path / "a" / "b"
    for number in range(5):
        write_note(folder / str(number), b"%d" % number, 3)
        os.utime(folder / str(number), (number, number))
    write_note(folder / "1", b"again", 3)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {"1": b"again", "3": b"3", "4": b"4"}


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOENT, "make its folder, or name another file: -o FILE"),
        (errno.EISDIR, "it is a folder: name another file: -o FILE"),
        (errno.ENOSPC, "make room there, or name another file: -o FILE"),
        (errno.EACCES, "make its folder writable, or name another file: -o FILE"),
    ],
)
def test_cannot_write(number: int, remedy: str) -> None:
    """A file that cannot be written is named, with what helps against the cause."""
    error = cannot_write(Path("a.png"), OSError(number, os.strerror(number)), "-o")
    assert (str(error), error.remedy) == (f"cannot write a.png: {os.strerror(number)}", remedy)
    assert cannot_write("a", OSError(number, "x")).remedy == remedy.removesuffix(": -o FILE")
