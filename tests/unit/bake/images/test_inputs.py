"""The inputs of a key: which of them are recorded, and what is read back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from desktop_bake import ContextFile, Digest, Stack
from desktop_bake.bake.images.inputs import Inputs, StackInputs
from tests.harness.every import every
from tests.harness.recipes import BASE, ENVIRONMENT, PREFLIGHT, RECIPE

FULL = replace(
    ENVIRONMENT, build_args={"A": "hunter2"}, platforms=("linux/arm64", "linux/amd64"), build_secrets=("TOKEN",)
)
RICH = replace(
    RECIPE,
    files={"a/b": ContextFile(content=b"\xff\0", executable=True), "t": ContextFile(content=b"")},
    images={"image-1": BASE},
)


def test_of() -> None:
    """Texts are kept to be compared, of everything else the digest; a build argument's value is in neither form."""
    inputs = Inputs.of(FULL, RICH)
    assert inputs.files["desktop_setup.sh"] == "echo setup\n"
    assert (inputs.files["a/b"], inputs.files["t"]) == (None, "")
    assert inputs.digests == {name: str(Digest.of(file.content)) for name, file in RICH.context()}
    assert (set(inputs.executables), set(inputs.platforms)) == ({"a/b"}, {"linux/amd64", "linux/arm64"})
    assert inputs.build_args == {"A": str(Digest.of(b"hunter2"))}
    assert (set(inputs.build_secrets), dict(inputs.images)) == ({"TOKEN"}, {"image-1": str(BASE)})
    assert "hunter2" not in json.dumps(inputs.as_json())


def test_there_and_back() -> None:
    """What is recorded is read back."""
    for inputs in (Inputs.of(FULL, RICH), Inputs.of(ENVIRONMENT, PREFLIGHT), Inputs()):
        assert Inputs.from_json(json.loads(json.dumps(inputs.as_json()))) == inputs


def test_an_older_record() -> None:
    """A record of a version that knew no secrets and no images is read."""
    written = Inputs.of(ENVIRONMENT, RECIPE).as_json()
    for name in ("build_secrets", "images"):
        del written[name]
    assert Inputs.from_json(written) == Inputs.of(ENVIRONMENT, RECIPE)


@every(
    "change",
    [
        {"files": None},
        {"files": []},
        {"digests": "x"},
        {"executables": 1},
        {"build_args": 1},
        {"platforms": None},
        {"images": []},
        {"build_secrets": 3},
    ],
)
def test_another_form(change: dict[str, Any]) -> None:
    """A record of another form is none."""
    assert Inputs.from_json({**Inputs.of(FULL, RICH).as_json(), **change}) is None


@pytest.mark.parametrize("value", [None, [], "text", 1, {}])
def test_no_record(value: Any) -> None:
    """Anything that is no record is none."""
    assert Inputs.from_json(value) is None


def test_a_stack() -> None:
    """Each part of a stack has its own; what is not there has none."""
    both = StackInputs.of(ENVIRONMENT, Stack(desktop=RECIPE, preflight=PREFLIGHT))
    assert both == StackInputs(desktop=Inputs.of(ENVIRONMENT, RECIPE), preflight=Inputs.of(ENVIRONMENT, PREFLIGHT))
    assert StackInputs.of(ENVIRONMENT, Stack(desktop=RECIPE)).preflight is None
    assert StackInputs.of(ENVIRONMENT, Stack(preflight=PREFLIGHT)).desktop is None
