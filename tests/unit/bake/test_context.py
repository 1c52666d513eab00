"""What one piece of work needs: the keywords it is made of, and who gives it up."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import CancelledError, Engine, Settings
from desktop_bake.bake.context import Context, context_of
from desktop_bake.bake.system.process import Ended
from desktop_bake.bake.system.reporter import Reporter
from tests.harness.work import work

if TYPE_CHECKING:
    from tests.harness.fake_engine import FakeEngine


def test_keywords() -> None:
    """What is left out has a default; a log becomes a reporter, and a reporter stays one."""
    context = context_of(Settings())
    assert isinstance(context.engine, Engine)
    assert (context.cancel, context.progress, context.draws) == (None, "plain", False)
    engine, cancel, reporter, lines = Engine(), threading.Event(), Reporter(), list[str]()
    context = context_of(Settings(), engine=engine, log=reporter, cancel=cancel, progress="auto")
    assert context == Context(settings=Settings(), engine=engine, reporter=reporter, cancel=cancel, progress="auto")
    assert context.draws
    context_of(Settings(), engine=None, log=lines.append).reporter.warn("w")
    assert lines == ["[desktop-cache] WARNING: w"]


def test_cancelled(engine: FakeEngine) -> None:
    """Work goes on until its own event is set."""
    cancel = threading.Event()
    mine, other = work(engine, cancel=cancel), work(engine)
    mine.check_cancelled()
    assert not mine.is_cancelled
    cancel.set()
    with pytest.raises(CancelledError, match=r"^cancelled$"):
        mine.check_cancelled()
    other.check_cancelled()


def test_long_work(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls of the client have this work's limit, log, progress and cancellation."""
    cancel, seen = threading.Event(), dict[str, Any]()

    def ran(*words: str, **more: Any) -> Ended:
        seen.update(more, words=words)
        return Ended(status=0, lines=(), timed_out=False)

    monkeypatch.setattr(engine, "work", ran)
    context = work(engine, Settings(build_timeout_s=7), cancel=cancel, progress="auto")
    context.work("pull", "x")
    assert seen == {
        "words": ("pull", "x"),
        "log": context.reporter,
        "draw": True,
        "limit_s": 7,
        "cancel": cancel,
    }


def test_access(engine: FakeEngine) -> None:
    """Registries are asked with the settings' limits and the engine's logins."""
    access = work(engine, Settings(registry_timeout_s=3, credential_helper_timeout_s=4)).access()
    assert (access.timeout_s, access.helper_timeout_s, access.logins) == (3, 4, engine.logins)
