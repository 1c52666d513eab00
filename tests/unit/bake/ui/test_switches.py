"""The switches, and what is written when one is turned."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

import pytest

from desktop_bake import ConfigurationError, ImageReference
from desktop_bake.bake.config.environment_edit import ChangedMeanwhileError, EnvironmentFile, fingerprint
from desktop_bake.bake.config.layer_choices import LayerChoices
from desktop_bake.bake.config.toml_file import settings_from
from desktop_bake.bake.ui import switches as module
from desktop_bake.bake.ui.switches import CACHE, DESKTOP, PREFLIGHT, Edits, field_of, layer_switches, switches
from tests.harness.recipes import OFFICE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def edits(project: Path) -> Edits:
    """The edits of a project."""
    return Edits(EnvironmentFile(path=project))


def seen(path: Path) -> str:
    """The fingerprint of a file as it is."""
    return fingerprint(path.read_bytes())


def test_which_there_are() -> None:
    """The second needs the first; a preflight brings a third."""
    assert [(s.name, s.is_on, bool(s.why_not)) for s in switches(OFFICE)] == [
        (DESKTOP, True, False),
        (CACHE, True, False),
    ]
    off = replace(OFFICE, headless_desktop_enabled=False, preflight_script=PurePath("p.sh"))
    assert [(s.name, s.is_on, bool(s.why_not)) for s in switches(off)] == [
        (DESKTOP, False, False),
        (CACHE, True, True),
        (PREFLIGHT, True, False),
    ]


def test_turned_and_undone(edits: Edits, project: Path) -> None:
    """It is in the file at once, comments kept; undone, the file is what it was, byte for byte, and only once."""
    before = project.read_text()
    number = edits.turn("office", CACHE, seen(project), on=False)
    assert project.read_text() == before.replace("cache_desktop_build = true", "cache_desktop_build = false")
    edits.undo(number)
    assert project.read_text() == before
    with pytest.raises(ConfigurationError, match="undone already"):
        edits.undo(number)


def test_a_layer(edits: Edits, project: Path) -> None:
    """A layer is named by its own switch, and undone."""
    project.write_text(project.read_text() + '[layers.tools]\ntext = "true"\n')
    before = project.read_text()
    choices = LayerChoices.of(before)
    office = settings_from(before, project, {}).environment("office")
    assert [(s.name, s.label, s.is_on) for s in layer_switches(office, choices)] == [("layer tools", "tools", False)]
    number = edits.turn("office", "layer tools", seen(project), on=True)
    assert 'layers = ["tools"]\n' in project.read_text()
    edits.undo(number)
    assert project.read_text() == before
    with pytest.raises(ConfigurationError, match="no layer 'x'"):
        edits.turn("office", "layer x", seen(project), on=True)


def test_somebody_else_was_first(edits: Edits, project: Path) -> None:
    """Theirs stays, when a switch is turned and when that is undone."""
    old = seen(project)
    number = edits.turn("plain", DESKTOP, old, on=True)
    theirs = project.read_text() + "# theirs\n"
    project.write_text(theirs)
    with pytest.raises(ChangedMeanwhileError, match="changed meanwhile"):
        edits.turn("office", CACHE, old, on=False)
    with pytest.raises(ChangedMeanwhileError, match="not undone"):
        edits.undo(number)
    assert project.read_text() == theirs


def test_long_ago(edits: Edits, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept for undoing has an end."""
    monkeypatch.setattr(module, "_KEPT", 1)
    first = edits.turn("office", CACHE, seen(project), on=False)
    edits.turn("office", CACHE, seen(project), on=True)
    with pytest.raises(ConfigurationError):
        edits.undo(first)


def test_a_file_of_agents_runner(tmp_path: Path) -> None:
    """There the preflight's switch is kept under its own name."""
    path = tmp_path / "environments.json"
    path.write_text(json.dumps([{"env_id": "a", "cached_preflight_script": "echo"}]))
    file = EnvironmentFile(path=path, origin_base=ImageReference.parse("b"))
    Edits(file).turn("a", PREFLIGHT, seen(path), on=True)
    assert json.loads(path.read_text())[0]["container_caching_enabled"] is True


def test_no_other_field() -> None:
    """The page can turn its switches, and nothing else."""
    with pytest.raises(ConfigurationError, match="no switch"):
        field_of("base_image", EnvironmentFile(path=PurePath("a")))  # type: ignore[arg-type]
