"""A task as the engine lists it, and which of several a name means."""

from __future__ import annotations

from typing import Any

import pytest

from desktop_bake import ConfigurationError, TaskEntry, TaskGoneError
from desktop_bake.bake.task.entry import named
from tests.harness.listed import listed

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
    assert named([*map(TaskEntry.of, ENTRIES)], name).container_id.startswith(wanted)


@pytest.mark.parametrize(("name", "which"), [("aa", "aa1"), ("twice", "cc4"), ("c", "cc5")])
def test_several_are_meant(name: str, which: str) -> None:
    """An ambiguous name is refused, with all that it could mean."""
    with pytest.raises(ConfigurationError, match=f"^'{name}' is the name of 2 tasks$") as caught:
        named([*map(TaskEntry.of, ENTRIES)], name)
    assert which in caught.value.remedy


def test_many_are_meant() -> None:
    """Of a hundred, a few are named, and the command that lists all."""
    entries = [TaskEntry.of(listed(f"aa{number}")) for number in range(100)]
    with pytest.raises(ConfigurationError) as caught:
        named(entries, "aa")
    assert caught.value.remedy.endswith(", and 95 more: desktop-bake ps")
    with pytest.raises(TaskGoneError) as gone:
        named(entries, "zzz")
    assert gone.value.remedy.endswith("more: desktop-bake ps")
    assert len(gone.value.remedy) < 160


@pytest.mark.parametrize(
    ("entries", "name", "remedy"),
    [
        (ENTRIES, "mien", "did you mean 'mine'?"),
        (ENTRIES, "", "known: "),
        ([], "mine", "see: desktop-bake ps --all"),
    ],
)
def test_none_is_meant(entries: list[Any], name: str, remedy: str) -> None:
    """A task that is not there has its own error, with the name that may have been meant."""
    with pytest.raises(TaskGoneError, match=f"^there is no task '{name}', or not any more$") as caught:
        named([*map(TaskEntry.of, entries)], name)
    assert caught.value.remedy.startswith(remedy)
    assert caught.value.exit_status == 7
