"""A configuration that was found and not named: a stranger's is not used, since it runs programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop_bake.bake.system.found_file import find_upwards, why_untrusted
from desktop_bake.generator.errors import ConfigurationError
from tests.harness.found_file import NAME

ROOT, DAEMON, GAMES = (0, 0), (1, 1), (5, 60)  # users and groups that every Debian has
NOBODY_KNOWS = (54321, 54321)
# The file's owner and mode, its folder's owner and mode, who asks, and why it is not used if it is found above.
CASES = {
    "mine": (DAEMON, 0o644, DAEMON, 0o755, 1, None),
    "root's": (ROOT, 0o644, ROOT, 0o755, 1, None),
    "a user's, for root": (DAEMON, 0o644, ROOT, 0o755, 0, "it belongs to daemon"),
    "another user's": (GAMES, 0o644, DAEMON, 0o755, 1, "it belongs to games"),
    "a user's without a name": (NOBODY_KNOWS, 0o644, DAEMON, 0o755, 1, "it belongs to user 54321"),
    "mine in another user's folder": (DAEMON, 0o644, GAMES, 0o755, 1, "its folder belongs to games"),
    "writable by all": (DAEMON, 0o666, DAEMON, 0o755, 1, "everybody may write it"),
    "in a folder writable by all": (DAEMON, 0o644, DAEMON, 0o777, 1, "everybody may write its folder"),
    "in a folder like /tmp": (DAEMON, 0o644, ROOT, 0o1777, 1, "everybody may write its folder"),
    "writable by my own group": (DAEMON, 0o664, DAEMON, 0o775, 1, None),
    "writable by root's group": ((1, 0), 0o664, ROOT, 0o775, 1, None),
    "writable by another group": ((1, 60), 0o664, DAEMON, 0o755, 1, "a group may write it"),
    "in a folder writable by another group": (DAEMON, 0o644, (1, 60), 0o775, 1, "a group may write its folder"),
    "of a user without a name": (NOBODY_KNOWS, 0o664, NOBODY_KNOWS, 0o755, 54321, "a group may write it"),
}


@pytest.mark.parametrize("case", CASES)
def test_whose(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the working directory only what nobody but this user and root can write; in it, what is theirs."""
    owner, mode, folders_owner, folders_mode, user, why = CASES[case]
    path = tmp_path / NAME
    path.touch()
    os.chown(path, *owner)
    path.chmod(mode)
    os.chown(tmp_path, *folders_owner)
    tmp_path.chmod(folders_mode)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.delenv("SUDO_UID", raising=False)
    assert why_untrusted(path, named_by_place=False) == why
    assert why_untrusted(path, named_by_place=True) == (why if why and "belongs" in why else None)


def test_sudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For root, a file of the user who called sudo is theirs; for another user that variable says nothing."""
    path = tmp_path / NAME
    path.touch()
    os.chown(path, *DAEMON)
    monkeypatch.setenv("SUDO_UID", "1")
    assert why_untrusted(path, named_by_place=False) is None
    monkeypatch.setattr(os, "geteuid", lambda: 5)
    assert why_untrusted(path, named_by_place=False) == "it belongs to daemon"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    for text in ("", "no number", "²"):
        monkeypatch.setenv("SUDO_UID", text)
        assert why_untrusted(path, named_by_place=False) == "it belongs to daemon"


def test_a_link(tmp_path: Path) -> None:
    """A stranger's link to a file of ours is a stranger's choice, and ours to a stranger's file is the stranger's."""
    (tmp_path / "elsewhere").mkdir()
    real = tmp_path / "elsewhere" / "ours.toml"
    real.touch()
    link = tmp_path / NAME
    link.symlink_to(real)
    assert why_untrusted(link, named_by_place=True) is None
    os.chown(link, *DAEMON, follow_symlinks=False)
    assert why_untrusted(link, named_by_place=True) == "it belongs to daemon"
    os.chown(link, *ROOT, follow_symlinks=False)
    os.chown(real, *DAEMON)
    assert why_untrusted(link, named_by_place=True) == "it belongs to daemon"


def test_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest counts; a stranger's is not passed over for one further up."""
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / NAME).touch()
    monkeypatch.chdir(below)
    assert find_upwards(NAME) == tmp_path / NAME
    (below.parent / NAME).touch()
    assert find_upwards(NAME) == below.parent / NAME
    os.chown(below.parent / NAME, *DAEMON)
    with pytest.raises(ConfigurationError, match="is not used: it belongs to daemon") as caught:
        find_upwards(NAME)
    assert caught.value.remedy == f"if you trust it: --config {below.parent / NAME}"


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that every user may enter and write."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def test_a_strangers_program(shared_folder: Path) -> None:
    """In a folder of root's own below one that others write, their configuration is one line and runs nothing, until
    it is named; their edit of it is refused as well."""
    (shared_folder / NAME).write_text('[environments.default]\nbase_image = "127.0.0.1:9/none:1"\n')
    os.chown(shared_folder / NAME, *DAEMON)
    (shared_folder / "mine").mkdir()

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "desktop_bake", *words],
            cwd=shared_folder / "mine",
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])},
        )

    for words in (("env", "list"), ("resolve",), ("env", "set", "default", "name=x")):
        done = run(*words)
        assert (done.returncode, done.stdout) == (2, "")
        error, remedy = done.stderr.splitlines()
        assert (
            error == f"error: {shared_folder / NAME} is not used: it belongs to daemon; a configuration runs programs"
        )
        assert remedy == f"  if you trust it: --config {shared_folder / NAME}"
    assert run("env", "list", *remedy.split()[-2:]).returncode == 0


def test_the_working_directory_is_gone(tmp_path: Path) -> None:
    """A working directory that was removed is one line."""
    program = (
        "import os, sys; from desktop_bake.bake.cli.main import main; os.mkdir('gone'); os.chdir('gone'); "
        "os.rmdir('../gone')\n"
        "sys.exit(main(['env', 'list']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])},
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "error: the working directory cannot be read: No such file or directory"


def test_a_folder_that_cannot_be_read(shared_folder: Path) -> None:
    """A folder above that this user cannot read holds nothing for them, and is no traceback."""
    closed = shared_folder / "closed"
    (closed / "open").mkdir(parents=True)
    closed.chmod(0o700)
    program = (
        "import os, sys; from pathlib import Path; from desktop_bake.bake.system.found_file import find_upwards\n"
        "os.chdir(sys.argv[1]); os.setgid(1); os.setuid(1); print(find_upwards('desktop-bake.toml'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, closed / "open"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])},
    )
    assert done.stdout == "None\n"
