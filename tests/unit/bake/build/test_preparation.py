"""What a build needs, before it is known whether there will be one."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import EngineError
from desktop_bake.bake.build import preparation
from desktop_bake.bake.build.preparation import Preparation
from desktop_bake.bake.engine.buildx import Builder
from desktop_bake.bake.system.folders import cache_folder
from tests.harness.work import work

if TYPE_CHECKING:
    from tests.harness.fake_engine import FakeEngine


class Child(contextlib.AbstractContextManager[None]):
    """A process that does nothing.

    Attributes:
        all: each that was started, with its arguments.
        is_gone: whether it was left.
    """

    all: list[Child]

    def __init__(self, words: list[str], **more: Any) -> None:
        self.words, self.more, self.is_gone = words, more, False
        self.all.append(self)

    def __exit__(self, *_: object) -> None:
        self.is_gone = True


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[Child]:
    """The processes that were started."""
    Child.all = []
    monkeypatch.setattr(preparation, "Child", Child)
    return Child.all


def test_the_process(engine: FakeEngine, children: list[Child]) -> None:
    """A bake's process finds our packages, runs in the cache folder, and draws if the work does."""
    with Preparation(work(engine, progress="plain")):
        pass
    (child,) = children
    assert child.words[1] == "-P"
    assert Path(child.words[2]).name == "bake_process.py"
    assert Path(child.words[2]).is_file()
    assert (child.more["cwd"], child.more["draw"]) == (cache_folder(), False)
    assert str(Path(preparation.__file__).parents[3]) in child.more["env"]["PYTHONPATH"].split(os.pathsep)


def test_another_process(engine: FakeEngine, children: list[Child]) -> None:
    """A further bake has another process; the first is gone then, and the second on exit."""
    with Preparation(work(engine)) as ready:
        ready.renew()
        assert [child.is_gone for child in children] == [True, False]
        assert id(ready.child) == id(children[1])
    assert [child.is_gone for child in children] == [True, True]


def test_the_builder(engine: FakeEngine, children: list[Child], monkeypatch: pytest.MonkeyPatch) -> None:
    """The builder is asked for once, however often it is wanted."""
    asked: list[str | None] = []

    def ask(_: FakeEngine, name: str | None) -> Builder:
        asked.append(name)
        return Builder(driver="docker", exports_cache=True)

    monkeypatch.setattr(preparation, "builder", ask)
    with Preparation(work(engine)) as ready:
        assert ready.builder() is ready.builder()
    assert asked == [None]


def test_no_such_builder(engine: FakeEngine, children: list[Child], monkeypatch: pytest.MonkeyPatch) -> None:
    """A faulty builder is reported when it is needed."""

    def fail(*_: object) -> None:
        raise EngineError("builder b: no such builder")

    monkeypatch.setattr(preparation, "builder", fail)
    with Preparation(work(engine)) as ready:
        for _ in range(2):
            with pytest.raises(EngineError, match=r"^builder b: no such builder$"):
                ready.builder()
