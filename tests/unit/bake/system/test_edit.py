"""A file replaced whole: nobody's change is lost, and nothing but its content changes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from desktop_bake import ConfigurationError
from desktop_bake.bake.system import edit
from desktop_bake.bake.system.edit import editing, replace_file


def test_an_edit(tmp_path: Path) -> None:
    """An edit clears what a killed one left, and neither another program's files nor another edit's."""
    file = tmp_path / "a[1].toml"
    file.write_bytes(b"old")
    names = [f".{file.name}.x.desktop-bake", f".{file.name}.swp", ".a1.toml.x.desktop-bake"]
    for name in names:
        (tmp_path / name).touch()
    replace_file(file, b"old", b"new")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([file.name, *names[1:]])


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o755])
def test_the_mode_stays(tmp_path: Path, mode: int) -> None:
    """The same users can read or run it afterwards, whatever the umask, and nobody else."""
    file = tmp_path / "a"
    file.write_bytes(b"old")
    file.chmod(mode)
    replace_file(file, b"old", b"new")
    assert (file.read_bytes(), file.stat().st_mode & 0o7777) == (b"new", mode)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """What is replaced is the file that the link names."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").write_bytes(b"old")
    (tmp_path / "link").symlink_to("folder/a")
    replace_file(tmp_path / "link", b"old", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "a").read_bytes() == b"new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "link"]


def test_changed_meanwhile(tmp_path: Path) -> None:
    """What somebody else wrote since it was read stays."""
    file = tmp_path / "a"
    file.write_bytes(b"theirs")
    with pytest.raises(ConfigurationError, match=r"/a was changed meanwhile$") as caught:
        replace_file(file, b"old", b"new")
    assert (file.read_bytes(), list(tmp_path.iterdir())) == (b"theirs", [file])
    assert caught.value.remedy == "nothing was written: try again"


def test_one_edit_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second edit of the file, by whatever path, waits for the first, and says so after a while; others do not."""
    monkeypatch.setattr(edit, "_LOCK_LIMIT_S", 0.01)
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    (tmp_path / "link").symlink_to("a")
    said: list[str] = []

    def another(name: str) -> None:
        try:
            with editing(tmp_path / name) as content:
                said.append(content.decode())
        except ConfigurationError as error:
            said.append(str(error))

    with editing(tmp_path / "a") as content:
        assert content == b"a"
        for name in ("link", "b"):
            thread = threading.Thread(target=another, args=(name,))
            thread.start()
            thread.join()
    another("link")
    assert said == [f"another program is editing {tmp_path / 'link'}", "b", "a"]


@pytest.mark.parametrize("kind", ["gone", "folder"])
def test_what_cannot_be_edited(tmp_path: Path, kind: str) -> None:
    """An unreadable file is reported by its path and the reason."""
    (tmp_path / "folder").mkdir()

    def read() -> None:
        with editing(tmp_path / kind):
            raise AssertionError

    reason = os.strerror(2 if kind == "gone" else 21)
    with pytest.raises(ConfigurationError) as caught:
        read()
    assert str(caught.value) == f"cannot edit {tmp_path / kind}: {reason}"


def test_a_full_disk_leaves_the_file(tmp_path: Path) -> None:
    """If the new content cannot be written, the old is there."""
    path = tmp_path / "a.toml"
    path.write_bytes(b"old")
    program = (
        "import resource, signal, sys; from pathlib import Path; "
        "from desktop_bake.bake.system.edit import replace_file\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: replace_file(Path(sys.argv[1]), b'old', b'x' * 5000)\n"
        "except OSError: sys.exit(7)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, path], check=False, env=os.environ)
    assert done.returncode == 7
    assert path.read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.toml"]
