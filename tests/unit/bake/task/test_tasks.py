"""The tasks of an engine: what it lists, read, and which of them a name means."""

from __future__ import annotations

from typing import Any, cast

import pytest

from desktop_bake import ConfigurationError, EngineError, TaskGoneError, Tasks
from desktop_bake.bake.engine.api import Answer
from desktop_bake.bake.system.whose import this_user
from desktop_bake.bake.task.entry import named
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
    }


def test_list_of_everyone() -> None:
    """Those of others are asked for by name only."""
    found, engine = tasks([], everyone=True)
    assert found.list() == []
    assert engine.asked[0][2]["filters"] == {"label": ["desktop-bake-task"]}


@pytest.mark.parametrize("content", [[{}], [1], {"message": "x"}, [{**listed("a"), "Labels": None}]])
def test_an_answer_that_is_none(content: Any) -> None:
    """What answers and is no engine is told so."""
    with pytest.raises(EngineError, match="the engine's answer is not understood"):
        tasks(content)[0].list()


def test_refused() -> None:
    """A refusal is told in the engine's words."""
    with pytest.raises(EngineError, match="cannot list tasks: go away"):
        tasks({"message": "go away"}, 400)[0].list()


ENTRIES = [
    listed("aa1"),
    listed("aa2", environment="game", state="exited"),
    listed("bb3", environment="game", name="mine"),
    listed("cc4", environment="twice"),
    listed("cc5", environment="twice"),
]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("aa1", "aa1"), ("b", "bb3"), ("mine", "bb3"), ("game", "bb3"), ("office", "aa1"), (ENTRIES[1]["Id"], "aa2")],
)
def test_which_is_meant(name: str, wanted: str) -> None:
    """A name, the beginning of an ID, or an environment of which one task runs."""
    assert named(tasks(ENTRIES)[0].list(), name).container_id.startswith(wanted)


@pytest.mark.parametrize(("name", "which"), [("aa", "aa1"), ("twice", "cc4"), ("c", "cc5")])
def test_several_are_meant(name: str, which: str) -> None:
    """What may mean several is refused, and they are named."""
    with pytest.raises(ConfigurationError, match=f"^'{name}' is the name of 2 tasks$") as caught:
        tasks(ENTRIES)[0].find(name)
    assert which in caught.value.remedy


@pytest.mark.parametrize(
    ("entries", "name", "remedy"),
    [
        (ENTRIES, "mien", "did you mean 'mine'?"),
        (ENTRIES, "", "known: "),
        ([], "mine", "see: desktop-bake ps --all"),
    ],
)
def test_none_is_meant(entries: list[Any], name: str, remedy: str) -> None:
    """A task that is not there has an error of its own, with the name that may have been meant."""
    with pytest.raises(TaskGoneError, match=f"^there is no task '{name}', or not any more$") as caught:
        tasks(entries)[0].find(name)
    assert caught.value.remedy.startswith(remedy)
    assert caught.value.exit_status == 1
