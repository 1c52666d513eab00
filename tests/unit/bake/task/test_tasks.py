"""The tasks of an engine: what it lists, read, and which of them a name means."""

from __future__ import annotations

from typing import Any, cast

import pytest

from desktop_bake import ConfigurationError, EngineError, TaskGoneError, Tasks
from desktop_bake.bake.engine.api import Answer
from desktop_bake.bake.system.whose import this_user
from desktop_bake.bake.task import tasks as module
from desktop_bake.bake.task.container import Container
from tests.harness.listed import listed
from tests.harness.work import work


class Listing:
    """An engine that lists containers.

    Attributes:
        asked: what it was asked for.
    """

    def __init__(self, content: Any, status: int = 200) -> None:
        self.asked: list[Any] = []
        self._answer = Answer(status=status, content=content)

    def ask(self, *words: Any) -> Answer:
        """As `Engine.ask`."""
        self.asked.append(words)
        return self._answer


def tasks(content: Any, status: int = 200, **more: Any) -> tuple[Tasks, Listing]:
    """The tasks that an engine lists, and the engine."""
    engine = Listing(content, status)
    return Tasks(work(cast("Any", engine)), **more), engine


def test_list() -> None:
    """One request finds them, of this user alone, the newest first; each has what its labels say."""
    found, engine = tasks([listed("a1", created=1), listed("b2", created=2, state="exited", said="Exited (3) 2 s ago")])
    newest, oldest = found.list()
    filters = {"label": ["desktop-bake-task", f"desktop-bake-task.owner={this_user()}"]}
    assert engine.asked == [("GET", "/containers/json", {"all": "1", "filters": filters})]
    assert (newest.container_id[:2], newest.state, newest.status, newest.is_running) == ("b2", "exited", 3, False)
    assert (oldest.environment, oldest.cache_key, oldest.novnc_port, oldest.status) == ("office", "key", 49153, None)
    assert oldest.as_json() == {
        "short_name": oldest.container_id[:12],
        "container_id": oldest.container_id,
        "name": oldest.name,
        "environment": "office",
        "cache_key": "key",
        "project": "0123",
        "project_name": "mine",
        "owner": "me",
        "version": "1",
        "state": "running",
        "status": None,
        "created_s": 1.0,
        "novnc_port": 49153,
        "fixed_size": False,
    }


def test_list_of_everyone() -> None:
    """Those of others are requested by name only."""
    found, engine = tasks([], everyone=True)
    assert found.list() == []
    assert engine.asked[0][2]["filters"] == {"label": ["desktop-bake-task"]}


@pytest.mark.parametrize("kept", [True, False])
def test_attach_to_one_that_ends_now(monkeypatch: pytest.MonkeyPatch, *, kept: bool) -> None:
    """A task that ends after it was listed is one that has ended if it is kept, and else is gone."""

    def ended(_: object) -> bool:
        raise TaskGoneError("it has ended", "start another")

    monkeypatch.setattr(module, "_secret", ended)
    monkeypatch.setattr(Container, "is_kept", (lambda _: True) if kept else ended)
    found, engine = tasks([listed("a1")])
    monkeypatch.setattr(engine, "endpoint", None, raising=False)
    if kept:
        task = found.attach("a1")
        assert (task.novnc_url, task.forward, task.options.keep) == (None, None, True)
    else:
        with pytest.raises(TaskGoneError, match="it has ended"):
            found.attach("a1")


@pytest.mark.parametrize("content", [[{}], [1], {"message": "x"}, [{**listed("a"), "Labels": None}]])
def test_an_answer_that_is_none(content: Any) -> None:
    """What answers and is no engine is told so."""
    with pytest.raises(EngineError, match="the engine's answer is not understood"):
        tasks(content)[0].list()


def test_refused() -> None:
    """A refusal is reported in the engine's words."""
    with pytest.raises(EngineError, match="cannot list tasks: go away"):
        tasks({"message": "go away"}, 400)[0].list()


@pytest.mark.parametrize(("secret", "auth"), [("s" * 32, True), ("-", False)])
def test_to_look_on(monkeypatch: pytest.MonkeyPatch, secret: str, auth: bool) -> None:
    """A desktop's address to look on has another secret; one without a secret has no such address."""
    monkeypatch.setattr(module, "_secret", lambda _: secret)
    engine = Listing([listed("a1")])
    monkeypatch.setattr(Listing, "endpoint", None, raising=False)
    monkeypatch.setattr(Listing, "is_remote", lambda _: False, raising=False)
    found = Tasks(work(cast("Any", engine)))
    if auth:
        url, forward = found.url("a1", view_only=True)
        assert ("view_only=1" in url, secret in url, forward) == (True, False, None)
    else:
        with pytest.raises(ConfigurationError, match="has no secret"):
            found.url("a1", view_only=True)
