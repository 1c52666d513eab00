"""What is wanted for an environment: made once, whole, and the same whatever changes on the disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake import DesktopBakeError, Digest, EngineError, ImageReference, Settings, Stack
from desktop_bake.bake.images.order import key_of, order_of, stack_and_key
from desktop_bake.generator.layer_key import LayerKey, stack_key
from tests.harness.recipes import BASE, KEY, OFFICE
from tests.harness.work import order, work

if TYPE_CHECKING:
    from tests.harness.fake_engine import FakeEngine

LAYER = LayerKey(variant=KEY.variant, base=KEY.base, below=KEY, content=BASE, is_preflight=True)
ALONE = replace(LAYER, below=None)
OTHER = Digest.of(b"other")


@pytest.fixture
def based(engine: FakeEngine) -> FakeEngine:
    """An engine that has the office's base."""
    engine.add(str(OFFICE.base_image), known_as=f"{OFFICE.base_image.repository}@{BASE}")
    return engine


@pytest.mark.parametrize(
    ("own", "everybodys", "platform", "wanted"),
    [
        (None, None, "linux/amd64", "this engine runs linux/amd64"),
        ("linux/arm64", None, "linux/arm64", "linux/arm64 is asked for"),
        (None, "linux/arm64", "linux/arm64", "linux/arm64 is asked for"),
        ("linux/riscv64", "linux/arm64", "linux/riscv64", "linux/riscv64 is asked for"),
        ("linux/amd64", None, "linux/amd64", "linux/amd64 is asked for"),
    ],
)
def test_platform(based: FakeEngine, own: str | None, everybodys: str | None, platform: str, wanted: str) -> None:
    """The environment's platform precedes the settings', and theirs before the engine's."""
    found = order_of(replace(OFFICE, platform=own), work(based, Settings(platform=everybodys)))
    assert (found.platform, found.wanted) == (platform, wanted)
    assert found.emulated is bool(own or everybodys)


def test_the_key_is_that_of_the_files(tmp_path: Path, based: FakeEngine) -> None:
    """The stack and the key belong together, and stay what they are if a file changes; a new order has the new key."""
    (tmp_path / "setup.sh").write_text("echo 1\n")
    environment, context = replace(OFFICE, setup_script="setup.sh"), work(based, Settings(root=tmp_path))
    before = order_of(environment, context)
    (tmp_path / "setup.sh").write_text("echo 2\n")
    assert before.stack.desktop
    assert before.stack.desktop.setup == b"echo 1\n"
    assert before.key == stack_key(environment, before.stack, BASE)
    after = order_of(environment, context)
    assert after.key == key_of(environment, context) != before.key
    assert (after.stack, after.key) == stack_and_key(environment, context)
    assert before.tag == f"desktop-bake:{before.key}"


@pytest.mark.parametrize(
    ("base", "pinned"),
    [
        ("a.example.com/b:1", f"a.example.com/b:1@{BASE}"),
        ("a.example.com/b", f"a.example.com/b:latest@{BASE}"),
        (f"a.example.com/b@{BASE}", f"a.example.com/b@{BASE}"),
        (f"a.example.com/b:2@{BASE}", f"a.example.com/b:2@{BASE}"),
    ],
)
def test_below(base: str, pinned: str) -> None:
    """The desktop below a layer is ordered of the same files, on the same base by its digest, without the layer."""
    office = replace(
        OFFICE,
        base_image=ImageReference.parse(base),
        preflight_script="preflight.sh",
        preflight_run_script="run.sh",
    )
    whole = order(Settings(), LAYER, environment=office, platform="linux/arm64", emulated=True)
    desktop = whole.below()
    assert desktop
    assert (desktop.key, desktop.stack.desktop, desktop.stack.preflight) == (KEY, whole.stack.desktop, None)
    assert str(desktop.environment.base_image) == pinned
    assert (desktop.environment.preflight_script, desktop.environment.preflight_run_script) == (None, None)
    assert (desktop.platform, desktop.emulated, desktop.repository) == ("linux/arm64", True, whole.repository)


def test_below_what_was_read(tmp_path: Path, based: FakeEngine) -> None:
    """An environment's layer lies on the desktop of its own files and base, below which nothing lies."""
    (tmp_path / "preflight.sh").write_text("true\n")
    environment = replace(OFFICE, preflight_script="preflight.sh")
    found = order_of(environment, work(based, Settings(root=tmp_path)))
    desktop = found.below()
    assert isinstance(found.key, LayerKey)
    assert desktop
    assert (desktop.key, desktop.stack) == (found.key.desktop, Stack(desktop=found.stack.desktop))
    assert desktop.environment.base_image.digest == BASE
    assert desktop.below() is None


def test_the_base_that_our_images_have(tmp_path: Path, based: FakeEngine) -> None:
    """A base that is not here, and that nobody may ask for, is the one of our images of it, if they agree."""
    settings = Settings(root=tmp_path, pull="never")
    found = order_of(OFFICE, work(based, settings))
    based.names.clear()
    based.store.clear()
    based.add(found.tag, found.key.labels(OFFICE.base_image.named))
    assert key_of(OFFICE, work(based, settings)) == found.key
    other = order_of(replace(OFFICE, base_image=replace(OFFICE.base_image, digest=OTHER)), work(based, settings))
    based.add(other.tag, other.key.labels(OFFICE.base_image.named))
    with pytest.raises(DesktopBakeError):
        key_of(OFFICE, work(based, settings))


def test_no_engine(tmp_path: Path, based: FakeEngine) -> None:
    """Without an engine there is no order."""
    based.is_up = False
    with pytest.raises(EngineError, match=r"^no Docker Engine answers$"):
        order_of(OFFICE, work(based, Settings(root=tmp_path)))


@pytest.mark.parametrize("key", [KEY, ALONE])
def test_nothing_below(key: LayerKey) -> None:
    """A desktop, and a layer on the base itself, lie on none."""
    assert order(Settings(), key).below() is None
