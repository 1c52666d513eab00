"""`desktop-bake build`: which environments, what is published, and how it exits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from desktop_bake import BuildFailedError
from desktop_bake.bake.build import bake, bake_all, preparation
from desktop_bake.bake.images.result import Built
from desktop_bake.bake.images.trust import BUILT, note
from desktop_bake.bake.system.process import Ended
from tests.harness.bakes import Bakes, FailedTargetError
from tests.harness.bakes import Ready as Together

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

    from desktop_bake.bake.context import Context
    from desktop_bake.bake.images.order import Order
    from tests.harness.fake_engine import FakeEngine
    from tests.harness.memory_registry import MemoryRegistry


class Ready:
    """A preparation of nothing."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def builds(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Builds put a labelled image into the store."""

    def build(order: Order, *_: object) -> Built:
        image = engine.add(order.tag, order.key.labels("debian:bookworm"))
        note(image.image_id, BUILT)
        return Built(order=order, image_id=image.image_id)

    monkeypatch.setattr(preparation, "Preparation", Ready)
    monkeypatch.setattr(bake, "build", build)


def test_build(typed: Callable[..., tuple[int, str, str]]) -> None:
    """A miss is built, the next time it is a hit; JSON has an object an image."""
    status, output, _ = typed("build")
    assert (status, output.split()[0]) == (0, "built")
    status, output, _ = typed("build", "--json")
    (told,) = json.loads(output)["images"]
    assert (status, told["environment"], told["status"]) == (0, "default", "local-hit")


def test_which(typed: Callable[..., tuple[int, str, str]]) -> None:
    """--all is every environment whose cache is on; one that has not is told how to."""
    assert [i["environment"] for i in json.loads(typed("build", "--all", "--json")[1])["images"]] == ["default"]
    status, output, errors = typed("build", "plain", "default")
    assert (status, [line.split()[0] for line in output.splitlines()]) == (0, ["disabled", "local-hit"])
    assert "[desktop-cache] nothing to build for plain: " in errors
    assert "desktop-bake env set plain headless_desktop_enabled=on cache_desktop_build=on" in errors


def test_push(typed: Callable[..., tuple[int, str, str]], registry: MemoryRegistry, engine: FakeEngine) -> None:
    """With --push what was built is published, and a hit that the registry lacks, too; a failure is status 5."""
    assert typed("build")[0] == 0
    assert registry.tags == {}
    assert typed("build", "--push")[0] == 0
    assert len(registry.tags) > 0
    registry.tags.clear()
    engine.ends = [Ended(status=1, lines=("denied",), timed_out=False)]
    status, output, errors = typed("build", "--push")
    assert (status, output.split()[0]) == (5, "local-hit")
    assert "docker login registry.example.com" in errors


def test_no_fallback(typed: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """An explicit build never falls back, and leaves a line of metrics."""

    def fail(*_: object) -> None:
        raise BuildFailedError("build failed: no reason given", "correct the recipe")

    monkeypatch.setattr(bake, "build", fail)
    status, output, errors = typed("build", "--metrics", "m.jsonl")
    assert (status, output) == (6, "")
    assert errors.endswith("error: build failed: no reason given\n  correct the recipe\n")


SEVERAL = """
[environments.{0}]
base_image = "debian:bookworm"
headless_desktop_enabled = true
cache_desktop_build = true
setup_script = "{0}.sh"
"""


@pytest.fixture
def several(project: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> Bakes:
    """Three more environments, and the calls that bake them."""
    for name in ("a", "b", "c"):
        (project / f"{name}.sh").write_text(f"echo {name}\n")
    config = project / "desktop-bake.toml"
    config.write_text(config.read_text() + "".join(SEVERAL.format(name) for name in ("a", "b", "c")))
    calls = Bakes(engine)
    monkeypatch.setattr(preparation, "Preparation", Together)
    monkeypatch.setattr(bake_all, "bake_wanted", calls)
    return calls


def test_one_of_several_fails(typed: Callable[..., tuple[int, str, str]], several: Bakes, project: Path) -> None:
    """Each environment has its own line, object and event; the exit status is that of the first failure."""
    key = json.loads(typed("key", "b", "--json")[1])["cache_key"]
    several.fails = [(FailedTargetError(key), set())]
    status, output, errors = typed("build", "--all", "--metrics", "m.jsonl")
    assert (status, [line.split()[0] for line in output.splitlines()]) == (6, ["built"] * 3)
    error = "build failed: the setup script ended with status 7"
    assert errors.endswith(f"error: b: {error}\n  it said: no\n")
    events = [json.loads(line) for line in (project / "m.jsonl").read_text().splitlines()]
    assert {(event["environment"], event["status"]) for event in events} == {
        *((name, "built") for name in ("default", "a", "c")),
        ("b", "failed"),
    }
    (project / "c.sh").write_text("echo other\n")
    several.fails = [(FailedTargetError(key), set())]
    status, output, _ = typed("build", "c", "b", "--json")
    told = json.loads(output)
    assert (status, [image["environment"] for image in told["images"]]) == (6, ["c"])
    assert told["failed"] == [{"environment": "b", "error": error, "exit_status": 6}]


def test_afresh(typed: Callable[..., tuple[int, str, str]], several: Bakes, engine: FakeEngine) -> None:
    """With --no-cache all of them are baked once more, by one call."""
    for number in (1, 2):
        assert typed("build", "--all", "--no-cache")[0] == 0
        assert len(several.calls) == number
        assert len(several.calls[-1]) == 4
