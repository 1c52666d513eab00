"""The lock as it is written: sorted, stable, and nothing touched that did not change."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_bake import ConfigurationError
from desktop_bake.bake.config.lock import Lock, LockedImage, parse_lock
from desktop_bake.bake.config.lock_edit import edit_lock
from tests.harness.locks import LOCK, NEW, OLD, TEXT, THEN, TODAY

if TYPE_CHECKING:
    from pathlib import Path

ONE = LockedImage(digest=NEW, platforms=("linux/arm64",), locked=TODAY)
NAMES = st.sampled_from(["a:1", "b:1", "c:1", "debian:bookworm", "registry.example.com/base:1", "z:latest"])
IMAGES = st.builds(
    LockedImage,
    digest=st.sampled_from([OLD, NEW]),
    platforms=st.sampled_from([(), ("linux/amd64",), ("linux/amd64", "linux/arm64")]),
    locked=st.sampled_from([None, THEN, TODAY]),
)
TABLES = st.dictionaries(NAMES, IMAGES)
LOCKS = st.builds(Lock, packages=st.sampled_from([None, THEN, TODAY]), bases=TABLES, tools=TABLES)


def test_a_new_file() -> None:
    """The file explains itself, sorted, with a block for each entry; the same lock is always the same text."""
    shuffled = Lock(
        packages=LOCK.packages, bases=dict(reversed([*LOCK.bases.items()])), tools=LOCK.tools, images=LOCK.images
    )
    assert edit_lock("", shuffled) == TEXT
    assert edit_lock(TEXT, LOCK) == TEXT
    assert edit_lock("", Lock()).endswith("schema = 1\n")


def test_one_entry_moves() -> None:
    """One digest that moves is one line, wherever it stands; comments, order and layout of people stay."""
    mine = TEXT.replace('[base."debian', '# ours, since\n# the start\n[base."debian').replace(
        '"2026-11-01"\n\n[base."reg', '"2026-11-01"   # by hand\n\n\n[base."reg'
    )
    assert parse_lock(mine) == LOCK
    moved = replace(LOCK.bases["debian:bookworm"], digest=NEW)
    edited = edit_lock(mine, replace(LOCK, bases={**LOCK.bases, "debian:bookworm": moved}))
    assert edited == mine.replace(f'digest = "{OLD}"', f'digest = "{NEW}"', 1)
    later = edit_lock(
        mine, replace(LOCK, bases={**LOCK.bases, "debian:bookworm": replace(moved, digest=OLD, locked=TODAY)})
    )
    assert later == mine.replace('"2026-11-01"   # by hand', '"2026-11-27"   # by hand')


def test_a_date_moves() -> None:
    """The packages date is one line; one that was not there comes with its comment, and can go again."""
    assert edit_lock(TEXT, replace(LOCK, packages=TODAY)) == TEXT.replace(
        f'packages = "{THEN}"', f'packages = "{TODAY}"'
    )
    without = edit_lock(TEXT, replace(LOCK, packages=None))
    assert parse_lock(without).packages is None
    bare = 'schema = 1\n[base."a:1"]\ndigest = "' + str(OLD) + '"\n'
    assert 'again.\npackages = "2026-11-27"\n[base."a:1"]' in edit_lock(bare, replace(parse_lock(bare), packages=TODAY))


def test_comments_behind_values_stay() -> None:
    """Also those that hold quotes, brackets or a second mark; and a value that is the same keeps its form."""
    mine = (
        f"schema = 1\npackages = '{THEN}' # CVE's \"late\" [1]\n\n[base.\"a:1\"]\ndigest = '{OLD}'# don't #2\n"
        f'platforms = [ "linux/arm64" ] # "one" [only]\nlocked = "{THEN}" # it\'s old\n'
    )
    before = parse_lock(mine)
    edited = edit_lock(mine, replace(before, packages=TODAY, bases={"a:1": ONE}))
    assert edited == mine.replace(f"'{THEN}'", f'"{TODAY}"').replace(f"'{OLD}'", f'"{NEW}"').replace(
        f'"{THEN}"', f'"{TODAY}"'
    )


def test_a_block_comes_and_goes() -> None:
    """A new block goes where it belongs, and one that goes takes its comment and leaves no gap."""
    wanted = replace(LOCK, bases={**LOCK.bases, "fedora:41": ONE})
    more = edit_lock(TEXT, wanted)
    block = f'[base."fedora:41"]\ndigest = "{NEW}"\nplatforms = ["linux/arm64"]\nlocked = "2026-11-27"\n\n'
    assert more == TEXT.replace('[base."registry', block + '[base."registry')
    commented = more.replace('[base."fedora', '# why\n[base."fedora')
    assert edit_lock(commented, LOCK) == TEXT
    assert edit_lock(TEXT, Lock(packages=THEN)).endswith('packages = "2026-11-01"\n')


def test_values_come_and_go() -> None:
    """A value that a block had not is added below the others, and one that it has no more goes."""
    text = f'schema = 1\n\n[base."a:1"]\n# why\ndigest = "{OLD}"\n# below\n'
    added = edit_lock(text, Lock(bases={"a:1": replace(ONE, digest=OLD)}))
    assert added == text.replace("# below", 'platforms = ["linux/arm64"]\nlocked = "2026-11-27"\n# below')
    assert edit_lock(added, Lock(bases={"a:1": LockedImage(digest=OLD)})) == text


def test_line_ends_stay() -> None:
    """A file with Windows' line ends keeps them."""
    edited = edit_lock(TEXT.replace("\n", "\r\n"), replace(LOCK, packages=TODAY))
    assert edited == TEXT.replace(f'packages = "{THEN}"', f'packages = "{TODAY}"').replace("\n", "\r\n")


@pytest.mark.parametrize(
    "text",
    [
        f'schema = 1\nbase = {{"a:1" = {{digest = "{OLD}"}}}}\n',
        f'schema = 1\nbase."a:1".digest = "{OLD}"\n',
        f'schema = 1\n[base]\n"a:1" = {{digest = "{OLD}"}}\n',
    ],
)
def test_an_odd_layout_is_refused(text: str) -> None:
    """A file that an edit would damage is not edited, but still read."""
    assert parse_lock(text).bases["a:1"].digest == OLD
    with pytest.raises(ConfigurationError, match=r"^cannot edit desktop-bake\.lock as it is written$") as caught:
        edit_lock(text, Lock(bases={"a:1": ONE}))
    assert caught.value.remedy == "edit it in an editor, or remove it and run: desktop-bake lock"


@given(LOCKS, LOCKS)
def test_any_lock_becomes_any_other(before: Lock, after: Lock) -> None:
    """The edited file means the wanted lock, whatever it was before, and is sorted."""
    text = edit_lock("", before)
    edited = edit_lock(text, after)
    assert parse_lock(edited) == after
    assert edit_lock("", after).count("[") == edited.count("[")
    headers = [line for line in edited.splitlines() if line.startswith("[")]
    kinds = [line.startswith("[tool") for line in headers]
    assert kinds == sorted(kinds)
    assert headers == sorted(headers)


def test_concurrent_edits_merge(tmp_path: Path) -> None:
    """Git merges what two people did to different blocks, and what comes out is read."""
    git = shutil.which("git")
    assert git
    mine = replace(LOCK, bases={**LOCK.bases, "debian:bookworm": replace(ONE, locked=THEN), "alpine:3": ONE})
    theirs = replace(LOCK, tools={**LOCK.tools, "golang:1": ONE}, images={})
    for name, lock in (("mine", mine), ("base", LOCK), ("theirs", theirs)):
        (tmp_path / name).write_text(edit_lock(TEXT, lock))
    words = [git, "merge-file", "-p", "mine", "base", "theirs"]
    merged = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert merged.returncode == 0, merged.stdout
    assert parse_lock(merged.stdout) == replace(mine, tools=theirs.tools, images={})
