"""A full disk in the engine: what the build left is given back, and nothing else."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

import pytest

from desktop_bake import CancelledError, EngineError
from desktop_bake.bake.build import disk_full
from desktop_bake.bake.build.disk_full import collect, give_back
from desktop_bake.bake.engine.api import Answer
from tests.harness.work import work

if TYPE_CHECKING:
    from desktop_bake.bake.engine.engine import Engine
    from desktop_bake.generator.reference import ImageReference

NOW = "2026-03-01T12:00:00.123456789Z"


def record(name: str, seconds_ago: int, kind: str = "regular") -> dict[str, Any]:
    """A record of BuildKit's cache."""
    minute, second = divmod(12 * 3600 - seconds_ago, 60)
    hour, minute = divmod(minute, 60)
    return {"ID": name, "Type": kind, "CreatedAt": f"2026-03-01T{hour:02}:{minute:02}:{second:02}Z"}


class Full:
    """An engine whose disk is full.

    Args:
        records: of BuildKit's cache.

    Attributes:
        records: those that are left.
        busy: IDs that cannot be removed, and how often that is asked before they can.
        asked: what was asked.
        room: the statuses of the next containers' creations; 201 then.
        files: the statuses of the next files that are put into one; 200 then.
        pruned: the IDs of each call.
    """

    def __init__(self, *records: dict[str, Any]) -> None:
        self.records = list(records)
        self.busy: dict[str, int] = {}
        self.asked: list[str] = []
        self.room: list[int | EngineError] = []
        self.files: list[int | EngineError] = []
        self.pruned: list[str] = []
        self.endpoint = self

    def images(self, _filters: object) -> list[dict[str, str]]:
        """As `Engine.images`."""
        return [{"Id": "sha256:a"}]

    def tag(self, image: str, name: ImageReference) -> None:
        """As `Engine.tag`."""
        assert image == "sha256:a"
        self.asked.append("tag")
        self.name = name

    def ask(self, method: str, path: str, query: Any = None, body: Any = None) -> Answer:
        """As `Engine.ask` and `Endpoint.ask`."""
        self.asked.append(f"{method} {path.partition('desktop-bake')[0]}")
        if path == "/info":
            return Answer(status=200, content={"SystemTime": NOW})
        if path == "/system/df":
            assert query == {"type": "build-cache"}
            return Answer(status=200, content={"BuildCache": self.records or None})
        if path == "/build/prune":
            (pattern,) = query["filters"]["id"]
            names = pattern.removeprefix("^(").removesuffix(")$").split("|")
            self.pruned += names
            for name in names:
                self.busy[name] = self.busy.get(name, 0) - 1
            self.records = [r for r in self.records if r["ID"] not in names or self.busy[r["ID"]] >= 0]
        if path == "/containers/create":
            assert body == {"Image": "sha256:a", "Cmd": ["true"]}
            status = self.room.pop(0) if self.room else 201
            if isinstance(status, EngineError):
                raise status
            return Answer(status=status, content={"Id": "desktop-bake-made"} if status == 201 else {})
        if path.endswith("/archive"):
            assert len(body) > 4 << 20
            status = self.files.pop(0) if self.files else 200
            if isinstance(status, EngineError):
                raise status
            return Answer(status=status, content={})
        return Answer(status=200, content={})


def context_of(engine: Full, lines: list[str], cancel: threading.Event | None = None) -> Any:
    """Work on it."""
    return work(cast("Engine", engine), log=lines.append, cancel=cancel)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits between two tries."""
    monkeypatch.setattr(disk_full, "_EVERY_S", 0.0)


def test_what_the_build_left(lines: list[str]) -> None:
    """Records made since the build began go, layers first; older ones stay."""
    engine = Full(record("old", 100), record("mount", 5, "exec.cachemount"), record("layer", 10), record("b", 20))
    give_back(context_of(engine, lines), 60)
    assert engine.pruned == ["layer", "b", "mount"]
    assert [r["ID"] for r in engine.records] == ["old"]
    assert lines == []


def test_nothing_left(lines: list[str]) -> None:
    """Without such records nothing is removed: an empty list would name every one of them."""
    for engine in (Full(record("old", 100)), Full()):
        give_back(context_of(engine, lines), 60)
        assert engine.pruned == []
    assert lines == []


def test_in_use_for_a_moment(lines: list[str]) -> None:
    """Records in use are tried again."""
    engine = Full(record("a", 1))
    engine.busy["a"] = 3
    give_back(context_of(engine, lines), 60)
    assert engine.records == []
    assert lines == []


def test_in_use(lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Records that stay in use are reported, and the fallback goes on."""
    monkeypatch.setattr(disk_full, "IN_USE_S", -1.0)
    engine = Full(record("a", 1), record("b", 1))
    engine.busy = {"a": 1000, "b": 1000}
    give_back(context_of(engine, lines), 60)
    assert lines == ["[desktop-cache] WARNING: what the build left was not removed: 2 records are in use"]


@pytest.mark.parametrize("broken", [{"ID": "a"}, {"ID": "a", "Type": "regular", "CreatedAt": "soon"}, None])
def test_an_answer_that_is_none(lines: list[str], monkeypatch: pytest.MonkeyPatch, broken: Any) -> None:
    """Records of another form are reported, and nothing is removed."""
    monkeypatch.setattr(disk_full, "IN_USE_S", -1.0)
    engine = Full(broken)
    give_back(context_of(engine, lines), 60)
    assert engine.pruned == []
    assert lines[0].startswith("[desktop-cache] WARNING: what the build left was not removed: ")


def test_room_at_once(lines: list[str]) -> None:
    """Room for a container and a file is found by making one with a file, which is taken away again."""
    engine = Full()
    assert collect(context_of(engine, lines))
    made = ["POST /containers/create", "PUT /containers/", "DELETE /containers/"]
    assert engine.asked == ["tag", "DELETE /images/", *made]
    assert lines == []


def test_room_for_a_container_alone(lines: list[str]) -> None:
    """What a load leaves has room for a container and no file: it is still waited for, and no container stays."""
    engine = Full()
    engine.files = [500, EngineError("no space left on device")]
    assert collect(context_of(engine, lines))
    assert engine.asked.count("POST /containers/create") == engine.asked.count("DELETE /containers/") == 3
    assert lines


def test_room_after_a_while(lines: list[str]) -> None:
    """It is tried until there is room; the wait is reported once, with its limit."""
    engine = Full()
    engine.room = [500, EngineError("no space left on device"), 500]
    assert collect(context_of(engine, lines))
    (line,) = lines
    assert line.startswith("[desktop-cache] no room for a container: waiting until what failed is cleared, at most ")


def test_no_room(lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a limit to that."""
    monkeypatch.setattr(disk_full, "COLLECT_S", -1.0)
    engine = Full()
    engine.room = [500] * 1000
    assert not collect(context_of(engine, lines))


def test_given_up(lines: list[str]) -> None:
    """Nobody waits for room who has given up."""
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(CancelledError, match=r"^cancelled$"):
        collect(context_of(Full(), lines, cancel))
