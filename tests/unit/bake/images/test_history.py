"""What went into the images that were built here: recorded, found again, bounded, and trusted in its form alone."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Digest, Settings
from desktop_bake.bake.images import history
from desktop_bake.bake.images.history import keys_of, made_elsewhere, read_inputs, write_record
from desktop_bake.bake.images.inputs import Inputs, StackInputs
from desktop_bake.bake.images.order import order_of
from desktop_bake.bake.system.folders import cache_folder
from desktop_bake.generator.layer_key import Key, LayerKey
from desktop_bake.generator.recipe import ContextFile
from tests.harness.recipes import BASE, KEY, OFFICE, RECIPE
from tests.harness.work import work

if TYPE_CHECKING:
    from tests.harness.fake_engine import FakeEngine


@pytest.fixture
def settings(tmp_path: Path, engine: FakeEngine) -> Settings:
    """A project with a preflight, whose base is here."""
    engine.add(str(OFFICE.base_image), known_as=f"{OFFICE.base_image.repository}@{BASE}")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "preflight.sh").write_text("true\n")
    return Settings(root=tmp_path / "project")


def written(engine: FakeEngine, settings: Settings, **fields: str) -> Key:
    """A key, and what went into it recorded."""
    environment = replace(OFFICE, **fields)  # type: ignore[arg-type]
    order = order_of(environment, work(engine, settings))
    write_record(order, settings)
    return order.key


def test_written_down(engine: FakeEngine, settings: Settings) -> None:
    """The inputs of a key are found again, a layer's together with its desktop's, and by its environment."""
    key = written(engine, settings, preflight_script="preflight.sh")
    environment = replace(OFFICE, preflight_script="preflight.sh")
    assert read_inputs(key) == StackInputs.of(environment, settings.stack(environment))
    assert isinstance(key, LayerKey)
    assert key.desktop
    assert keys_of(OFFICE, settings) == {str(key), str(key.desktop)}
    assert keys_of(replace(OFFICE, env_id="another"), settings) == frozenset()
    assert keys_of(OFFICE, Settings(root=settings.root.parent)) == frozenset()


def test_what_changed_meanwhile(engine: FakeEngine, settings: Settings) -> None:
    """What is recorded is what the key was computed of, whatever the file contains by now."""
    order = order_of(replace(OFFICE, preflight_script="preflight.sh"), work(engine, settings))
    (settings.root / "preflight.sh").write_text("false\n")
    write_record(order, settings)
    preflight = read_inputs(order.key).preflight
    assert preflight
    assert preflight.files["preflight.sh"] == "true\n"


def test_elsewhere(engine: FakeEngine, settings: Settings, tmp_path: Path) -> None:
    """Keys of other projects are known as long as their folders are."""
    key = written(engine, settings)
    assert made_elsewhere(settings) == {}
    other = Settings(root=tmp_path)
    assert made_elsewhere(other) == {str(key): str(settings.root)}
    settings.root.rename(tmp_path / "moved")
    assert made_elsewhere(other) == {}


def test_bounded(engine: FakeEngine, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """If there are many records, the newest are kept; one that is too large is not written."""
    monkeypatch.setattr(history, "KEPT_RECORDS", 2)
    folder = cache_folder() / "records"
    folder.mkdir(parents=True)
    for number in range(3):
        (folder / f"{number}.json").write_text("{}")
        os.utime(folder / f"{number}.json", (number, number))
    key = written(engine, settings)
    assert {file.name for file in folder.iterdir()} == {"2.json", f"{key}.json"}
    (folder / f"{key}.json").unlink()
    monkeypatch.setattr(history, "_LIMIT_BYTES", 100)
    written(engine, settings)
    assert [file.name for file in folder.iterdir()] == ["2.json"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"schema": 2}',
        '{"schema": 1, "inputs": 1}',
        '{"schema": 1, "inputs": {"files": []}}',
        "[" * 100_000,
    ],
)
def test_a_record_that_is_none(content: str, settings: Settings) -> None:
    """A record of another form, or of another version, is none."""
    folder = cache_folder() / "records"
    folder.mkdir(parents=True)
    (folder / f"{KEY}.json").write_text(content)
    assert read_inputs(KEY) == StackInputs()
    assert (keys_of(OFFICE, settings), made_elsewhere(settings)) == (frozenset(), {})


@pytest.mark.parametrize("project", ["\0", "x" * 10_000, 1, "/nowhere"])
def test_a_project_that_is_none(project: object, settings: Settings) -> None:
    """A record that names no folder keeps nothing."""
    folder = cache_folder() / "records"
    folder.mkdir(parents=True)
    (folder / f"{KEY}.json").write_text(json.dumps({"schema": 1, "project": project}))
    assert made_elsewhere(settings) == {}


def test_inputs_as_json() -> None:
    """Inputs come back as they were; values of build arguments are kept as digests alone."""
    environment = replace(
        OFFICE, build_args={"A": "VALUE"}, platforms=("linux/arm64", "linux/amd64"), build_secrets=("TOKEN",)
    )
    files = {"a": ContextFile(content=b"\xff", executable=True), "b": ContextFile(content=b"text")}
    inputs = Inputs.of(environment, replace(RECIPE, files=files, images={"tool": BASE}))
    text = json.dumps(inputs.as_json())
    assert Inputs.from_json(json.loads(text)) == inputs
    assert "VALUE" not in text
    assert (inputs.files["a"], inputs.files["b"]) == (None, "text")
    assert inputs.executables == frozenset({"a"})
    assert inputs.build_args == {"A": str(Digest.of(b"VALUE"))}
    assert inputs.images == {"tool": str(BASE)}


def test_older_records() -> None:
    """A record that was written before there were build secrets and named images is read."""
    older = {n: v for n, v in Inputs().as_json().items() if n not in ("build_secrets", "images")}
    assert Inputs.from_json(older) == Inputs()
