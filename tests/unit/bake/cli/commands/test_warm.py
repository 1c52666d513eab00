"""`desktop-bake warm`: one round, or one every so often."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import RegistryError
from desktop_bake.bake.cli.commands import warm
from desktop_bake.bake.config.lock import Lock, LockedImage
from desktop_bake.bake.config.lock_edit import edit_lock
from desktop_bake.bake.upkeep.warm import Round, Tidied, Warmed
from tests.harness.locks import OLD, THEN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from desktop_bake.bake.context import Context
    from tests.harness.memory_registry import MemoryRegistry

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The rounds that were made, with what each was asked."""
    made: list[dict[str, Any]] = []

    def warm_round(number: int, context: Context, chosen: Any, tidy: Any, _recorder: object) -> Round:
        made.append({"number": number, "settings": context.settings, "chosen": chosen, "tidy": tidy})
        status = 6 if context.settings.cache == "local" else 0
        warmed = (Warmed(environment="default", action="fresh", result=None, exit_status=status),)
        return Round(number=number, at=AT, seconds=1.0, warmed=warmed, tidied=tidy() if tidy else None)

    monkeypatch.setattr(warm, "warm_round", warm_round)
    monkeypatch.setattr(warm, "tidy_up", lambda *_: Tidied(removed=2))
    return made


def test_a_round(typed: Callable[..., tuple[int, str, str]], rounds: list[dict[str, Any]]) -> None:
    """One round asks registries whether a base moved, and publishes, if there is a registry; it has a line."""
    status, output, _ = typed("warm", "default")
    assert (status, output) == (0, "2026-03-01T00:00:00Z round 1: 1 fresh in 1.0 s\n")
    (made,) = rounds
    assert (made["settings"].pull, made["settings"].push, made["chosen"], made["tidy"]) == (
        "always",
        True,
        ["default"],
        None,
    )


@pytest.mark.parametrize(
    ("words", "pull", "push"),
    [
        (("--no-push",), "always", False),
        (("--pull", "missing"), "missing", True),
        (("--repository", "desktop-bake"), "always", False),
    ],
)
def test_what_is_asked(
    typed: Callable[..., tuple[int, str, str]],
    rounds: list[dict[str, Any]],
    words: tuple[str, ...],
    pull: str,
    push: bool,
) -> None:
    """The flags go before what a round does by itself."""
    assert typed("warm", *words)[0] == 0
    assert (rounds[0]["settings"].pull, rounds[0]["settings"].push) == (pull, push)


def test_json_and_prune(typed: Callable[..., tuple[int, str, str]], rounds: list[dict[str, Any]]) -> None:
    """JSON has an object a line; --prune removes what nobody reaches; what went wrong is the status."""
    status, output, _ = typed("warm", "--json", "--prune", "--cache", "local")
    told = json.loads(output)
    assert (status, told["round"], told["removed"]) == (6, 1, 2)


def test_watch(
    typed: Callable[..., tuple[int, str, str]],
    rounds: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    project: Path,
) -> None:
    """Rounds follow each other until Ctrl-C, which is a good end; what breaks meanwhile ends nothing."""
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 1:
            (project / "desktop-bake.toml").write_text("nonsense")
        else:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    status, output, errors = typed("warm", "--watch", "15m")
    assert (status, errors) == (0, "[desktop-cache] stopped\n")
    first, second = output.splitlines()
    assert first.endswith("round 1: 1 fresh in 1.0 s")
    assert " round 2: " in second
    assert "desktop-bake.toml" in second
    assert 800 < slept[0] <= 900


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--watch", "0"), "--watch is 0"),
        (("--watch", "soon"), "soon"),
        (("--keep=-1",), "--keep is -1"),
        (("--older-than", "x"), "x"),
    ],
)
def test_refused(
    typed: Callable[..., tuple[int, str, str]], rounds: list[dict[str, Any]], words: tuple[str, ...], says: str
) -> None:
    """Malformed arguments are reported before the first round."""
    status, _, errors = typed("warm", *words)
    assert status == 2
    assert says in errors
    assert rounds == []


def test_a_configuration_that_does_not_load(
    typed: Callable[..., tuple[int, str, str]], rounds: list[dict[str, Any]], project: Path
) -> None:
    """The first round needs one that loads."""
    (project / "desktop-bake.toml").write_text("nonsense")
    assert typed("warm", "--watch", "15m")[0] == 2
    assert rounds == []


LOCKED = Lock(bases={"debian:bookworm": LockedImage(digest=OLD)}, packages=THEN)


def test_an_older_lock_moves_first(
    typed: Callable[..., tuple[int, str, str]], rounds: list[dict[str, Any]], registry: MemoryRegistry, project: Path
) -> None:
    """With --max-age what is old in the lock is moved, told, and what the round uses."""
    (project / "desktop-bake.lock").write_text(edit_lock("", LOCKED))
    moved = registry.put("debian:bookworm", {})
    status, _, errors = typed("warm", "--max-age", "1d")
    assert status == 0
    assert f"[desktop-cache] lock: base debian:bookworm moved from {OLD.value[:19]} to {moved.value[:19]}" in errors
    assert rounds[0]["settings"].lock.bases["debian:bookworm"].digest == moved


def test_a_lock_that_cannot_move(
    typed: Callable[..., tuple[int, str, str]], rounds: list[dict[str, Any]], registry: MemoryRegistry, project: Path
) -> None:
    """If the registry does not answer, the lock stays, which is a warning, and the round goes on with it."""
    (project / "desktop-bake.lock").write_text(edit_lock("", LOCKED))
    registry.broken["docker.io"] = registry.broken["registry-1.docker.io"] = RegistryError("no answer")
    status, _, errors = typed("warm", "--max-age", "1d")
    assert status == 0
    assert "the lock stays as it is: base image debian:bookworm: no answer" in errors
    assert rounds[0]["settings"].lock == LOCKED


@pytest.mark.parametrize(("locked", "words"), [(False, ()), (True, ("--frozen",))])
def test_no_lock_that_may_move(
    typed: Callable[..., tuple[int, str, str]],
    rounds: list[dict[str, Any]],
    project: Path,
    locked: bool,
    words: tuple[str, ...],
) -> None:
    """Without a lock, or with a frozen one, --max-age is refused."""
    if locked:
        (project / "desktop-bake.lock").write_text(edit_lock("", LOCKED))
    status, _, errors = typed("warm", "--max-age", "1d", *words)
    assert status == 2
    assert "--max-age moves the lock of desktop-bake.toml, and there is none that may move" in errors
    assert rounds == []
