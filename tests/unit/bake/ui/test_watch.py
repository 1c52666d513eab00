"""What others change."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from desktop_bake import EngineError
from desktop_bake.bake.ui import watch as module
from desktop_bake.bake.ui.watch import Files, Watch, files_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from desktop_bake.bake.ui.source import Source


class EndOfTestError(Exception):
    """Ends what would go on for ever."""


def test_which_files(source: Source, project: Path) -> None:
    """The configuration, its lock, and every script with the environments that it is of."""
    files = files_of(source.load(), source)
    assert files[project] == ()
    assert files[project.with_name("desktop-bake.lock")] == ()
    assert files[project.with_name("setup.sh")] == ("office",)
    assert set(files_of(None, source)) == {project, project.with_name("state.toml")}


def test_marks(tmp_path: Path) -> None:
    """A file that is written, replaced, made or removed looks different; one that is not does not."""
    path, files = tmp_path / "a", Files()
    assert files.changed([path]) == set()
    path.write_text("1")
    assert files.changed([path]) == {path}
    assert files.changed([path]) == set()
    new = tmp_path / "b"
    new.write_text("2")
    status = path.stat()
    os.utime(new, ns=(status.st_atime_ns, status.st_mtime_ns))
    new.replace(path)
    assert files.changed([path]) == {path}
    path.unlink()
    assert files.changed([path]) == {path}


def test_told(source: Source, project: Path) -> None:
    """The page's own changes are distinguished from those of others."""
    told: list[object] = []
    watch = Watch(source, source.load, told.append)
    assert watch.look() == 4
    project.with_name("setup.sh").write_text("changed")
    project.with_name("metrics.jsonl").write_text("{}\n")
    watch.look()
    assert told == [("office",), "metrics"]
    project.write_text(project.read_text() + "\n")
    watch.look()
    assert told[2:] == [None]


def test_the_engine(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its events are reported by their kind, those that matter; once it is back from a restart, that is reported."""
    told: list[object] = []
    rounds = iter(
        [
            [{"Type": "image", "Action": "tag"}, {"Type": "image", "Action": "save"}, {"Type": "network"}],
            [{"Type": "container", "Action": "die"}],
        ]
    )

    def lines_of(_endpoint: object, path: str, query: dict[str, object]) -> Iterator[dict[str, str]]:
        assert path == "/events"
        assert query["filters"]
        yield from next(rounds, None) or end()
        raise EngineError("it ended")

    def end() -> list[dict[str, str]]:
        raise EndOfTestError

    monkeypatch.setattr(module, "lines_of", lines_of)
    monkeypatch.setattr(module, "_AGAIN_S", 0.0)
    watch = Watch(source, source.load, told.append)
    monkeypatch.setattr(watch, "hear", told.append)
    monkeypatch.setattr(module, "background", lambda _work, _name: None)
    watch.want(wanted=True)
    with pytest.raises(EndOfTestError):
        watch._listen()  # noqa: SLF001 (it is what a thread of its own runs)
    assert told == ["image", "engine", "engine", "container", "engine"]


def test_a_burst(source: Source) -> None:
    """What comes at once is reported once."""
    told: list[object] = []
    watch = Watch(source, source.load, told.append)
    for kind in ("image", "container", "image"):
        watch.hear(kind)
    watch.pass_on()
    watch.pass_on()
    assert told == ["container", "image"]
