"""Which images of the local store count, by what is recorded of their IDs, the settings and their history."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Settings, Stack
from desktop_bake.bake.images import trust
from desktop_bake.bake.images.trust import BUILT, PULLED, WHOLE, note, verified, why_not
from desktop_bake.bake.system.folders import cache_folder
from tests.harness.recipes import BASE, RECIPE
from tests.harness.work import work

if TYPE_CHECKING:
    from tests.harness.fake_engine import FakeEngine

STACK = Stack(desktop=replace(RECIPE, dockerfile=b"FROM base\nRUN install\n"))
OWN, UPON = ("RUN /bin/sh -c install # buildkit",), ("RUN /bin/sh -c install # buildkit", "RUN evil")
ACCEPTS = (sys.executable, "-c", "open('asked', 'a').write('x')", "{image}")
REFUSES = (sys.executable, "-c", "open('asked', 'a').write('x'); print('no'); exit(1)", "{image}")
NOT_OURS = "this machine neither built nor pulled it, so that it may not be pushed"
BUILT_UPON = "its history does not end with the recipe's steps: something was built upon it"
UNKNOWN = "it is not verified: it has no digest in the registry"
REFUSED = f"it is not verified: {sys.executable} ended with status 1: no"


@pytest.mark.parametrize(
    ("known", "push", "command", "history", "has_digest", "wanted", "asks"),
    [
        ((BUILT,), False, (), UPON, False, None, 0),
        ((BUILT,), True, REFUSES, UPON, True, None, 0),
        ((PULLED,), True, (), UPON, False, None, 0),
        ((PULLED,), False, REFUSES, OWN, True, REFUSED, 1),
        ((PULLED,), False, ACCEPTS, UPON, True, None, 1),
        ((), False, ACCEPTS, OWN, False, UNKNOWN, 0),
        ((), False, (), OWN, False, None, 0),
        ((), False, (), UPON, False, BUILT_UPON, 0),
        ((), True, (), OWN, False, NOT_OURS, 0),
        ((WHOLE,), False, (), UPON, False, None, 0),
        ((WHOLE,), True, (), OWN, False, NOT_OURS, 0),
        ((WHOLE,), False, REFUSES, OWN, True, REFUSED, 1),
        (("verified-by-another-command",), True, (), UPON, False, None, 0),
        (("verified-by-another-command",), False, REFUSES, OWN, True, REFUSED, 1),
        ((verified(Settings(verify_command=REFUSES)),), True, REFUSES, UPON, True, None, 0),
        (("rebuilt", "BUILT"), False, (), UPON, False, BUILT_UPON, 0),
    ],
)
def test_why_not(
    tmp_path: Path,
    engine: FakeEngine,
    team: Settings,
    known: tuple[str, ...],
    push: bool,
    command: tuple[str, ...],
    history: tuple[str, ...],
    has_digest: bool,
    wanted: str | None,
    asks: int,
) -> None:
    """What was built here counts; else the team's check decides; else what was pulled; else, without push, history."""
    image = engine.add("a:1", known_as=f"{team.repository}@{BASE}" if has_digest else f"elsewhere@{BASE}")
    image = replace(image, layers=1)
    engine.histories[image.image_id] = history
    note(image.image_id, *known)
    settings = replace(team, root=tmp_path, push=push, verify_command=command)
    assert why_not(image, STACK, work(engine, settings)) == wanted
    assert (len((tmp_path / "asked").read_text()) if asks else (tmp_path / "asked").exists()) == asks


def test_asked_once(tmp_path: Path, engine: FakeEngine, team: Settings) -> None:
    """What the check accepted and what the history showed is recorded; a refusal is asked about again."""
    image = replace(engine.add("a:1", known_as=f"{team.repository}@{BASE}"), layers=1)
    engine.histories[image.image_id] = OWN
    for _ in range(2):
        assert why_not(image, STACK, work(engine, team)) is None
    assert engine.asked.count(f"history {image.image_id}") == 1
    for number, command in enumerate((REFUSES, REFUSES, ACCEPTS, ACCEPTS, REFUSES), 1):
        why_not(image, STACK, work(engine, replace(team, root=tmp_path, verify_command=command)))
        assert len((tmp_path / "asked").read_text()) == number - (number > 3)


def test_no_dockerfile(engine: FakeEngine, team: Settings) -> None:
    """Without a Dockerfile only what is recorded counts."""
    image = engine.add("a:1")
    engine.histories[image.image_id] = OWN
    assert (
        why_not(image, Stack(desktop=RECIPE), work(engine, team))
        == "its Dockerfile's last stage has no step that its history could show"
    )


def test_notes_add_up() -> None:
    """A further note keeps what was written before."""
    note("sha256:a", BUILT)
    note("sha256:a", PULLED)
    assert (cache_folder() / "images" / "a").read_text().split() == [BUILT, PULLED]


def test_notes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """If there are many images, the newest notes are kept."""
    monkeypatch.setattr(trust, "_KEPT", 3)
    for number in range(3):
        note(f"sha256:{number}", BUILT)
        os.utime(cache_folder() / "images" / str(number), (number, number))
    note("sha256:9", BUILT)
    assert sorted(file.name for file in (cache_folder() / "images").iterdir()) == ["1", "2", "9"]


@pytest.mark.parametrize("content", [b"\xff\xfe built", None])
def test_a_note_that_cannot_be_read(engine: FakeEngine, team: Settings, content: bytes | None) -> None:
    """A note that is no text, or a folder in its place, vouches for nothing and breaks nothing."""
    image = engine.add("a:1")
    place = cache_folder() / "images" / image.image_id.removeprefix("sha256:")
    place.parent.mkdir(parents=True)
    if content is None:
        place.mkdir()
    else:
        place.write_bytes(content)
    assert why_not(image, STACK, work(engine, team)) == BUILT_UPON
    note(image.image_id, BUILT)


def test_verified_names_the_command() -> None:
    """Another command, also one that only splits its words otherwise, has another note."""
    commands = [(), ("a", "{image}"), ("a", "b", "{image}"), ("a", "b {image}")]
    assert len({verified(Settings(verify_command=command)) for command in commands}) == len(commands)
