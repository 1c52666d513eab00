"""`desktop-bake prune`: what is asked, what is removed, and how it exits."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.harness.recipes import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.fake_engine import FakeEngine

TAG = f"registry.example.com/team/desktop:{KEY}"


@pytest.fixture(autouse=True)
def unreached(engine: FakeEngine) -> None:
    """An image that no environment reaches."""
    engine.add(TAG, KEY.labels("b"))


def answering(monkeypatch: pytest.MonkeyPatch, said: str, *, terminal: bool = True) -> None:
    """Somebody at the keyboard, who says this."""
    stream = io.StringIO(said)
    monkeypatch.setattr(stream, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(sys, "stdin", stream)


def test_dry_run(typed: Callable[..., tuple[int, str, str]], engine: FakeEngine) -> None:
    """Only what would go is said."""
    status, output, _ = typed("prune", "--dry-run", "--no-trunc")
    assert status == 0
    assert str(KEY) in output
    told = json.loads(typed("prune", "--dry-run", "--json")[1])
    assert (told["dry_run"], told["removed"]) == (True, 0)
    assert TAG in engine.names


@pytest.mark.parametrize(("said", "goes"), [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("", False)])
def test_it_asks(
    typed: Callable[..., tuple[int, str, str]],
    engine: FakeEngine,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    goes: bool,
) -> None:
    """Only a yes removes."""
    answering(monkeypatch, said)
    status, _, errors = typed("prune")
    assert "Remove? [y/N] " in errors
    assert (status, TAG in engine.names) == ((0, False) if goes else (1, True))


def test_nobody_to_ask(
    typed: Callable[..., tuple[int, str, str]], engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a terminal it removes nothing unless told to."""
    answering(monkeypatch, "y\n", terminal=False)
    status, _, errors = typed("prune")
    assert (status, TAG in engine.names) == (2, True)
    assert "nobody can answer here" in errors
    status, output, _ = typed("prune", "--yes", "--json")
    assert (status, json.loads(output)["removed"], TAG in engine.names) == (0, 1, False)


def test_what_stays(typed: Callable[..., tuple[int, str, str]], engine: FakeEngine) -> None:
    """Images that the flags keep stay, and there is no question if nothing would go."""
    assert typed("prune", "--keep", "1")[0] == 0
    assert TAG in engine.names
    status, _, errors = typed("prune", "--keep=-1")
    assert (status, errors.splitlines()[0]) == (2, "error: --keep is -1")


def test_what_cannot_be_removed(typed: Callable[..., tuple[int, str, str]], engine: FakeEngine) -> None:
    """An image that cannot be removed exits with 1 and the reason."""
    engine.refused = {TAG}
    status, _, errors = typed("prune", "--yes")
    assert status == 1
    assert errors.splitlines()[-2].startswith("error: not removed: ")


def test_a_key_that_cannot_be_computed(typed: Callable[..., tuple[int, str, str]], engine: FakeEngine) -> None:
    """If one environment's key is not known, nothing is removed: it may be the one that is reached."""
    del engine.names["debian:bookworm"]
    status, _, _ = typed("prune", "--yes", "--pull", "never")
    assert status != 0
    assert TAG in engine.names
