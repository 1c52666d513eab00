"""One bake: what BuildKit is asked for, what is tried once more, and what ends it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import BuildFailedError, CancelledError, Settings, TimeLimitError
from desktop_bake.bake.build import bake
from desktop_bake.bake.images.result import Built
from desktop_bake.bake.images.trust import why_not
from desktop_bake.bake.system.folders import cache_folder
from desktop_bake.bake.system.process import Ended
from desktop_bake.generator.layer_key import LayerKey
from tests.harness.recipes import BASE, KEY, RECIPE
from tests.harness.work import order, work

if TYPE_CHECKING:
    from desktop_bake.bake.context import Context
    from tests.harness.fake_engine import FakeEngine

DONE = Ended(status=0, lines=(), timed_out=False)
LAYER = LayerKey(variant=KEY.variant, base=KEY.base, desktop=KEY, preflight=BASE)


def failed(*lines: str) -> Ended:
    """How a bake fails."""
    return Ended(status=1, lines=lines, timed_out=False)


class Bakes:
    """What stands in for the process that bakes, whichever it is.

    Attributes:
        ends: how the next bakes end; well, if there are none.
        asked: what each was asked.
        files: what lay in each one's folder, by name.
        meanwhile: called while one bakes.
        ended: how often one was ended.
    """

    def __init__(self, engine: FakeEngine) -> None:
        self.ends: list[Ended] = []
        self.asked: list[dict[str, Any]] = []
        self.files: list[dict[str, bytes]] = []
        self.meanwhile: Callable[[], object] = lambda: None
        self.ended = 0
        self._engine = engine
        self.order = order(Settings())

    def __enter__(self) -> Bakes:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def end(self) -> None:
        """As `Child.end`."""
        self.ended += 1

    def follow(self, _limit_s: float, _log: object, given: bytes, _hide: object) -> Ended:
        """As `Child.follow`: an image, if it ends well."""
        request = json.loads(given)
        self.asked.append(request)
        folder = cache_folder() / Path(request["file"]).parent
        self.files.append({str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()})
        self.meanwhile()
        ended = self.ends.pop(0) if self.ends else DONE
        if not ended.status:
            self._engine.add(self.order.tag, self.order.key.labels("b"))
        return ended


@pytest.fixture
def bakes(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> Bakes:
    """The processes that bake."""
    found = Bakes(engine)
    monkeypatch.setattr(bake.Preparation, "another", lambda _: found)
    monkeypatch.setattr(bake, "require_buildx", lambda _: None)
    return found


def built(bakes: Bakes, context: Context, below: str | None = None) -> Built:
    """What becomes of the order."""
    with bake.Preparation(context) as ready:
        return bake.build(bakes.order, ready, lambda _order, _driver: below)


def test_built(engine: FakeEngine, bakes: Bakes, lines: list[str]) -> None:
    """What is built is found again by its labels, counts from then on, and was baked from the order's own files."""
    context = work(engine, log=lines.append)
    result = built(bakes, context)
    image = engine.image(bakes.order.tag)
    assert image
    assert result == Built(order=bakes.order, image_id=image.image_id)
    assert why_not(image, b"", context) is None
    (files,) = bakes.files
    assert files["context/office/desktop_install.sh"] == RECIPE.install
    assert f"@{BASE}".encode() in files["docker-bake.hcl"]
    assert lines == [f"[desktop-cache] building desktop-bake:{KEY}"]
    assert list(cache_folder().glob("bake-*")) == []


def test_an_image_that_is_not_here(engine: FakeEngine, bakes: Bakes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that ends well and leaves no image that proves the key is a failed one."""
    monkeypatch.setattr(engine, "add", lambda *_: None)
    with pytest.raises(BuildFailedError, match="the build ended, but its image is not here"):
        built(bakes, work(engine))


@pytest.mark.parametrize(
    ("cache", "end", "tries", "error"),
    [
        ("registry", failed("ERROR: blob not found"), 2, None),
        ("none", failed("ERROR: blob not found"), 1, "build failed: blob not found"),
        ("none", failed("ERROR: failed to load ref: x"), 2, None),
        ("none", failed("ERROR: failed to get dead record y"), 2, None),
        ("registry", failed("write: no space left on device"), 1, "no space left"),
        ("registry", failed("#5 ERROR: process x did not complete successfully: exit code: 3"), 1, "status 3"),
        ("registry", Ended(status=1, lines=(), timed_out=True), 1, "the build was stopped after 600 s"),
    ],
)
def test_once_more(
    engine: FakeEngine, bakes: Bakes, team: Settings, lines: list[str], cache: str, end: Ended, tries: int, error: Any
) -> None:
    """Only what a cache may be the reason of is tried once more, without it."""
    bakes.ends, bakes.order = [end], order(team)
    context = work(engine, replace(team, cache=cache), lines.append)
    if error is None:
        assert built(bakes, context).image_id
        assert lines[-1].endswith("; once more without the cache")
    else:
        with pytest.raises((BuildFailedError, TimeLimitError), match=error):
            built(bakes, context)
    assert len(bakes.asked) == tries
    if tries == 2:
        name = bakes.asked[0]["targets"][0]
        assert bakes.asked[1]["set"][f"{name}.cache-from"] == ""


@pytest.mark.parametrize("layer", [False, True])
def test_cancelled_builds_are_not_tried_again(
    engine: FakeEngine, bakes: Bakes, team: Settings, lines: list[str], layer: bool
) -> None:
    """A build that fails since it was cancelled is ended, and tried neither without the cache nor on another base."""
    cancel = threading.Event()
    if layer:
        bakes.order = order(team, LAYER)
    bakes.ends = [failed("ERROR: failed to load ref: x")] * 3
    bakes.meanwhile = cancel.set
    context = work(engine, replace(team, cache="registry"), lines.append, cancel=cancel)
    with pytest.raises(CancelledError):
        built(bakes, context, "docker-image://x@y" if layer else None)
    assert len(bakes.asked) == 1
    assert bakes.ended
    assert not [line for line in lines if "once more" in line]


def test_cancelled_before(engine: FakeEngine, bakes: Bakes) -> None:
    """Nothing is baked for who gave up before."""
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(CancelledError):
        built(bakes, work(engine, cancel=cancel))
    assert bakes.asked == []


@pytest.mark.parametrize("fails", [False, True])
def test_on_the_desktop_below(engine: FakeEngine, bakes: Bakes, lines: list[str], fails: bool) -> None:
    """A layer is baked on its desktop's image; where BuildKit cannot have that, on the desktop's own target."""
    bakes.order = order(Settings(cache="none"), LAYER)
    bakes.ends = [failed("ERROR: not found")] if fails else []
    built(bakes, work(engine, Settings(cache="none"), lines.append), f"docker-image://x@{BASE}")
    assert f"docker-image://x@{BASE}".encode() in bakes.files[0]["docker-bake.hcl"]
    assert len(bakes.asked) == 1 + fails
    warned = "[desktop-cache] WARNING: build failed: not found; once more with the desktop's own target"
    assert (warned in lines) is fails
    if fails:
        assert "context/office/desktop_install.sh" in bakes.files[1]


def test_a_secret_that_is_not_set(engine: FakeEngine, bakes: Bakes) -> None:
    """A build secret that is not set here is told by name before BuildKit is asked."""
    office = replace(bakes.order.environment, build_secrets=("NO_SUCH_TOKEN",))
    bakes.order = replace(bakes.order, environment=office)
    with pytest.raises(BuildFailedError, match="the build secret NO_SUCH_TOKEN is not set"):
        built(bakes, work(engine))
    assert bakes.asked == []


def test_attestations_need_another_store(engine: FakeEngine, bakes: Bakes) -> None:
    """The classic image store cannot hold attestations, which is told before anything is built."""
    with pytest.raises(BuildFailedError, match="classic image store cannot hold attestations"):
        built(bakes, work(engine, Settings(attest=("type=sbom",))))
    assert bakes.asked == []


def test_the_platform_that_was_asked_for(engine: FakeEngine, bakes: Bakes) -> None:
    """A platform that is no part of the key is baked for, and the image has to be for it."""
    bakes.order = order(Settings(), platform="linux/arm64", emulated=True)
    with pytest.raises(BuildFailedError, match="its image is not here"):
        built(bakes, work(engine))
    assert b'"linux/arm64"' in bakes.files[0]["docker-bake.hcl"]
