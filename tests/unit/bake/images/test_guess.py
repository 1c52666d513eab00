"""The image that is asked for before it is known to be wanted: a right guess saves time, a wrong one has no effect."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

import pytest

from desktop_bake import Digest, EngineError, Settings
from desktop_bake.bake.ensure import ensured
from desktop_bake.bake.images.guess import Guess
from desktop_bake.bake.images.known_digests import known_digest
from desktop_bake.bake.images.order import key_of
from desktop_bake.bake.images.resolve import glance
from desktop_bake.bake.images.trust import BUILT, note
from tests.harness.recipes import BASE, KEY, OFFICE
from tests.harness.work import work

if TYPE_CHECKING:
    from desktop_bake.bake.engine.engine import Image
    from tests.harness.fake_engine import FakeEngine

NAME = str(OFFICE.base_image)
OTHER = Digest("sha256:" + "cd" * 32)


def move(engine: FakeEngine, digest: Digest) -> str:
    """Put a base under its tag, and an image that was baked on it; the image's ID."""
    engine.add(NAME, known_as=f"{OFFICE.base_image.repository}@{digest}")
    key = key_of(OFFICE, work(engine))
    image = engine.add(f"desktop-bake:{key}", key.labels(NAME))
    note(image.image_id, BUILT)
    engine.asked.clear()
    return image.image_id


def test_a_base_that_moves(engine: FakeEngine) -> None:
    """A base that did not move makes no further question; one that moved is a question more, and no wrong image."""
    context, first = work(engine), move(engine, BASE)
    assert ensured(OFFICE, context).image_id == first
    assert known_digest(OFFICE.base_image) == BASE
    once = sorted(engine.asked)
    engine.asked.clear()
    assert ensured(OFFICE, context).image_id == first
    assert sorted(engine.asked) == once
    second = move(engine, OTHER)
    assert first != second == ensured(OFFICE, context).image_id
    assert len(engine.asked) == len(once) + 1
    assert known_digest(OFFICE.base_image) == OTHER


class Waiting:
    """An engine that answers about a base only after it was asked for the image that is probably wanted.

    Args:
        engine: answers.
    """

    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine
        self._asked = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def image(self, reference: str) -> Image | None:
        """As `Engine.image`."""
        if reference == NAME:
            assert self._asked.wait(60)
        else:
            self._asked.set()
        return self._engine.image(reference)


def test_at_once(engine: FakeEngine) -> None:
    """The image is asked for while the base is."""
    first = move(engine, BASE)
    ensured(OFFICE, work(engine))
    assert ensured(OFFICE, work(cast("FakeEngine", Waiting(engine)))).image_id == first


def test_an_engine_that_fails(engine: FakeEngine) -> None:
    """The engine's error is raised only if its image is wanted."""
    guess = Guess(work(engine))
    engine.is_up = False
    guess.begin(KEY)
    with pytest.raises(EngineError):
        guess.image(f"desktop-bake:{KEY}")
    engine.is_up = True
    assert guess.image("desktop-bake:another") is None


def test_a_fault_of_our_own(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that no engine causes is raised as it is, with what it says."""

    def fail(_: str) -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(engine, "image", fail)
    guess = Guess(work(engine))
    guess.begin(KEY)
    with pytest.raises(ZeroDivisionError, match="a fault"):
        guess.image(f"desktop-bake:{KEY}")


def test_nothing_is_guessed(engine: FakeEngine) -> None:
    """Who only looks writes nothing down; a base by its digest needs no guess."""
    move(engine, BASE)
    glance(OFFICE, work(engine, Settings()))
    assert known_digest(OFFICE.base_image) is None
