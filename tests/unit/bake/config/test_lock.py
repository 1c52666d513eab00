"""The lock as it is read: whole and right, or refused in one line with a remedy."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_bake import ConfigurationError
from desktop_bake.bake.config.lock import Lock, LockedImage, load_lock, parse_lock
from tests.harness.every import every
from tests.harness.locks import LOCK, NEW, OLD, TEXT
from tests.harness.recipes import KEY

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = "schema = 1\n"
BLOCK = f'{SCHEMA}[base."a:1"]\ndigest = "{OLD}"\n'


def test_read() -> None:
    """Each block has its place; what is optional may be missing."""
    assert parse_lock(TEXT) == LOCK
    assert parse_lock(SCHEMA) == Lock()
    assert parse_lock(BLOCK) == Lock(bases={"a:1": LockedImage(digest=OLD)})
    assert Lock.of(LOCK.packages, LOCK.entries()) == LOCK


@every(
    ("text", "says", "remedy"),
    [
        (f"{SCHEMA}<<<<<<< HEAD\n", r"^f\.lock has conflict markers in line 2$", "keep one side of each block"),
        (f"{SCHEMA}a = 1\n=======\n", r"^f\.lock has conflict markers in line 3$", "the later packages date"),
        (f"{SCHEMA}>>>>>>> theirs\n", r"^f\.lock has conflict markers in line 2$", "desktop-bake lock --check"),
        (f"{SCHEMA}||||||| base\n", r"^f\.lock has conflict markers in line 2$", "keep one side"),
        ("schema = x", r"^invalid TOML in f\.lock: .*line 1", "fix that line"),
        (f"{BLOCK}{BLOCK.removeprefix(SCHEMA)}", r"^invalid TOML in f\.lock: .*line 4", "fix that line"),
        (f"{BLOCK}digest = '{NEW}'\n", r"^invalid TOML in f\.lock: .*line 4", "fix that line"),
        ("[" * 2000, r"^f\.lock is nested too deeply$|^invalid TOML", "restore it"),
        ("", r"^f\.lock has no schema; this version reads schema 1$", "install the version of desktop-bake that"),
        ("schema = 2\nnew = 1", r"^f\.lock has schema 2; this version reads schema 1$", "or remove it and run"),
        ("schema = '1'", r"^f\.lock has schema '1'; this", "install the version"),
        ("schema = true", r"^f\.lock has schema True; this", "install the version"),
        (f"{SCHEMA}package = '2026-11-27'", r"^f\.lock: unknown key 'package'$", "did you mean 'packages'"),
        (f"{SCHEMA}packages = 2026-11-27", r"^f\.lock: packages is 2026-11-27$", "a text in quotes"),
        (f"{SCHEMA}packages = '27.11.2026'", r"^f\.lock: packages is '27\.11\.2026'$", 'packages = "2026-11-27"'),
        (f"{SCHEMA}packages = '2026-02-30'", r"^f\.lock: packages is '2026-02-30'$", "write a day"),
        (f"{SCHEMA}base = 'a'", r"^f\.lock: base is a$", "write a table"),
        (
            f"{SCHEMA}[base]\n'a:1' = 'x'",
            r"^f\.lock, base 'a:1' is not a table$",
            "remove it, and run: desktop-bake lock",
        ),
        (f"{SCHEMA}[base.'a:1']", r"^f\.lock, base 'a:1' has no digest$", "remove the block, and run"),
        (f"{SCHEMA}[base.'a:1']\ndigest = 1", r"^f\.lock, base 'a:1': digest is 1$", "a text in quotes"),
        (
            f"{SCHEMA}[tool.'a:1']\ndigest = 'sha256:0'",
            r"^f\.lock, tool 'a:1': malformed digest",
            "restore it from Git",
        ),
        (f"{SCHEMA}[image.'{KEY}']\ndigest = 'x'", r"^f\.lock, image .*: malformed digest 'x'$", "remove the block"),
        (f"{SCHEMA}[image.'a']\ndigest = '{OLD}'", r"^f\.lock, image 'a': malformed cache key 'a'$", "a key is"),
        (f"{SCHEMA}[base.'A']\ndigest = '{OLD}'", r"^f\.lock, base 'A': malformed image reference", "lower-case"),
        (f"{SCHEMA}[base.'a']\ndigest = '{OLD}'", r"base 'a': it is no name that desktop-bake writes$", "'a:latest'"),
        (f"{SCHEMA}[base.'docker.io/a:1']\ndigest = '{OLD}'", r"it is no name that desktop-bake writes$", "'a:1'"),
        (f"{SCHEMA}[base.'a@{OLD}']\ndigest = '{OLD}'", r"it is no name that desktop", "needs no lock"),
        (f"{BLOCK}platforms = 'linux/amd64'", r"base 'a:1': platforms is linux/amd64$", "a list such as"),
        (f"{BLOCK}platforms = [1]", r"base 'a:1': platforms holds 1, which is not text$", "put it in quotes"),
        (f"{BLOCK}platforms = ['amd64']", r"base 'a:1': malformed platform 'amd64'$", "os/architecture"),
        (f"{BLOCK}locked = 'today'", r"base 'a:1': locked is 'today'$", 'locked = "2026-11-27"'),
        (f"{BLOCK}pushed = 'today'", r"base 'a:1': unknown key 'pushed'$", "known: digest, platforms, locked"),
    ],
)
def test_refused(text: str, says: str, remedy: str) -> None:
    """Whatever is wrong is reported in one line, with the line or block it is in, and a remedy."""
    with pytest.raises(ConfigurationError, match=says) as caught:
        parse_lock(text, "f.lock")
    assert remedy in caught.value.remedy


@given(st.text())
def test_any_text(text: str) -> None:
    """Any text at all is read, or refused with a remedy."""
    try:
        parse_lock(SCHEMA + text)
    except ConfigurationError as error:
        assert error.remedy


def test_the_file(tmp_path: Path) -> None:
    """No file is no lock; one that cannot be read is reported, and nothing waits for a pipe."""
    file = tmp_path / "desktop-bake.lock"
    assert load_lock(file) is None
    file.write_text(TEXT)
    assert load_lock(file) == LOCK
    for content, says in ((b"\xef\xbb\xbf", "byte order mark"), (b"\xff", "is not UTF-8")):
        file.write_bytes(content)
        with pytest.raises(ConfigurationError, match=says):
            load_lock(file)
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(ConfigurationError, match=r"cannot read .*: no regular file"):
        load_lock(file)
