"""The labels of a task's container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop_bake.bake.system.whose import this_user
from desktop_bake.bake.task.labels import labels_of
from tests.harness.recipes import KEY, OFFICE

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They say what it is and whose, and the project by its name and a hash: the same however its folder is named."""
    project = tmp_path / "my project"
    project.mkdir()
    monkeypatch.chdir(project)
    labels = labels_of(OFFICE, KEY, project)
    assert labels == labels_of(OFFICE, KEY, project / ".." / project.name)
    assert labels["desktop-bake-task"] == OFFICE.env_id
    assert labels["desktop-bake-task.key"] == str(KEY)
    assert labels["desktop-bake-task.owner"] == this_user()
    assert labels["desktop-bake-task.project-name"] == "my project"
    assert str(tmp_path) not in "".join(labels.values())
    other = labels_of(OFFICE, None, tmp_path)
    assert other["desktop-bake-task.project"] != labels["desktop-bake-task.project"]
    assert other["desktop-bake-task.key"] == ""
