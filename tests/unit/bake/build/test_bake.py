"""One bake: what BuildKit is asked for, what is tried once more, and what ends it."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import BuildFailedError, CancelledError, EngineError, Settings, Stack, TimeLimitError
from desktop_bake.bake.build import bake, preparation
from desktop_bake.bake.engine.buildx import Builder
from desktop_bake.bake.images.result import Built
from desktop_bake.bake.images.trust import why_not
from desktop_bake.bake.system.folders import cache_folder
from desktop_bake.bake.system.process import Ended
from desktop_bake.generator.key_family import family_of
from desktop_bake.generator.layer_key import LayerKey
from tests.harness.recipes import BASE, KEY, RECIPE
from tests.harness.work import order, work

if TYPE_CHECKING:
    from desktop_bake.bake.context import Context
    from tests.harness.fake_engine import FakeEngine

FAMILY = family_of(KEY)
LOST = "failed to commit ngq8 to kbbd during finalize: x: snapshot ngq8 does not exist: not found"
DONE = Ended(status=0, lines=(), timed_out=False)
LAYER = LayerKey(variant=KEY.variant, base=KEY.base, below=KEY, content=BASE, is_preflight=True)


def failed(*lines: str) -> Ended:
    """How a bake fails."""
    return Ended(status=1, lines=lines, timed_out=False)


class Bakes:
    """Stands in for the process that bakes.

    Attributes:
        ends: how the next bakes end; well, if there are none.
        asked: what each was asked.
        files: what lay in each one's folder, by name.
        meanwhile: called while one bakes.
        makes: called with the image that one makes.
        ended: how often one was ended.
        left: how many are gone.
    """

    def __init__(self, engine: FakeEngine) -> None:
        self.ends: list[Ended] = []
        self.asked: list[dict[str, Any]] = []
        self.files: list[dict[str, bytes]] = []
        self.meanwhile: Callable[[], object] = lambda: None
        self.ended = self.left = 0
        self.makes: Callable[[str, Mapping[str, str], str], object] = engine.add
        self.order = order(Settings())

    def __enter__(self) -> Bakes:
        return self

    def __exit__(self, *_: object) -> None:
        self.left += 1

    def end(self) -> None:
        """As `Child.end`."""
        self.ended += 1

    def follow(self, limit_s: float, log: Callable[[str], None], given: bytes, hide: Callable[[str], str]) -> Ended:
        """As `Child.follow`: an image, if it ends well."""
        assert 0 < limit_s <= 600
        request = json.loads(given)
        self.asked.append(request)
        folder = cache_folder() / Path(request["file"]).parent
        self.files.append({str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()})
        self.meanwhile()
        ended = self.ends.pop(0) if self.ends else DONE
        for line in ended.lines:
            log(hide(line))
        if not ended.status:
            self.makes(self.order.tag, self.order.key.labels("b"), self.order.platform)
        return ended


@pytest.fixture
def bakes(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> Bakes:
    """The processes that bake, by the engine's own builder."""
    found = Bakes(engine)
    monkeypatch.setattr(preparation.Preparation, "another", lambda _: found)
    monkeypatch.setattr(bake, "require_buildx", lambda _: None)
    monkeypatch.setattr(preparation, "builder", lambda *_: Builder(driver="docker", exports_cache=True))
    return found


@pytest.fixture
def cleared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How a full disk was cleared, without the wait until an engine has done so."""
    done: list[str] = []

    def collect(_context: Context) -> bool:
        done.append("collect")
        return True

    def give_back(_context: Context, seconds: float) -> None:
        assert seconds >= 0
        done.append("give back")

    monkeypatch.setattr(bake, "collect", collect)
    monkeypatch.setattr(bake, "give_back", give_back)
    return done


def contexts(files: dict[str, bytes]) -> set[str]:
    """The contexts among the files of a bake."""
    return {name.split("/")[1] for name in files if name.startswith("context/")}


def built(bakes: Bakes, context: Context, below: str | None = None) -> Built:
    """The result of the order."""
    with preparation.Preparation(context) as ready:
        return bake.build(bakes.order, ready, lambda _order, _driver: below)


def test_built(engine: FakeEngine, bakes: Bakes, lines: list[str]) -> None:
    """A built image is found by its labels, counts from then on, and was baked from the order's own files."""
    context = work(engine, log=lines.append)
    result = built(bakes, context)
    image = engine.image(bakes.order.tag)
    assert image
    assert result == Built(order=bakes.order, image_id=image.image_id)
    assert why_not(image, Stack(desktop=RECIPE), context) is None
    (files,) = bakes.files
    assert files["context/office/desktop_install.sh"] == RECIPE.install
    assert f"@{BASE}".encode() in files["docker-bake.hcl"]
    assert lines == [f"[desktop-cache] building desktop-bake:{KEY}"]
    assert bakes.asked[0]["targets"] == ["desktop-office"]
    assert list(cache_folder().glob("bake-*")) == []
    assert bakes.left == 1


@pytest.mark.parametrize("made", ["no image", "other labels", "another platform"])
def test_an_image_that_is_not_here(engine: FakeEngine, bakes: Bakes, made: str) -> None:
    """A build that ends well and leaves no image that proves the key is a failed one."""

    def make(tag: str, labels: Mapping[str, str], platform: str) -> None:
        if made == "other labels":
            engine.add(tag, {"a": "b"}, platform)
        if made == "another platform":
            engine.add(tag, labels, "linux/s390x")

    bakes.makes = make
    with pytest.raises(BuildFailedError, match="the build ended, but its image is not in this engine"):
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
    engine: FakeEngine,
    bakes: Bakes,
    cleared: list[str],
    team: Settings,
    lines: list[str],
    cache: str,
    end: Ended,
    tries: int,
    error: Any,
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
        assert f"{name}.cache-from" not in bakes.asked[0]["set"]
        assert bakes.asked[1]["set"][f"{name}.cache-from"] == ""
    assert bakes.left == tries
    assert cleared == (["collect", "give back"] if error == "no space left" else [])


def test_a_lost_record(
    engine: FakeEngine, bakes: Bakes, lines: list[str], team: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record without its snapshot is removed, and what else is cached is used in the second try."""
    asked: list[tuple[str, ...]] = []

    def docker(*words: str) -> subprocess.CompletedProcess[bytes]:
        asked.append(words)
        return subprocess.CompletedProcess(words, 0, b"", b"")

    monkeypatch.setattr(engine, "docker", docker, raising=False)
    bakes.ends, bakes.order = [failed(f"ERROR: failed to solve: {LOST}")], order(team)
    assert built(bakes, work(engine, replace(team, cache="registry"), lines.append)).image_id
    assert asked == [("buildx", "prune", "--force", "--all", "--filter", "id=ngq8")]
    assert lines[-1].endswith("; once more without that record")
    assert bakes.asked[1] == bakes.asked[0]


def test_once_more_in_vain(engine: FakeEngine, bakes: Bakes, team: Settings) -> None:
    """If the second try fails too, its reason is reported."""
    bakes.ends, bakes.order = [failed("ERROR: one"), failed("ERROR: two")], order(team)
    with pytest.raises(BuildFailedError, match=r"^build failed: two$"):
        built(bakes, work(engine, replace(team, cache="registry")))


@pytest.mark.parametrize(
    ("end", "error", "remedy"),
    [
        (
            failed("#1 a", "ERROR: failed to solve: x", "b"),
            "build failed: failed to solve: x",
            "see the build's output above",
        ),
        (failed("a", "b"), "build failed: b", "see the build's output above"),
        (failed(), "build failed: no reason given", "see the build's output above"),
        (Ended(status=-2, lines=("a",), timed_out=True), "the build was stopped after 7 s", "raise build_timeout_s"),
    ],
)
def test_why_it_failed(engine: FakeEngine, bakes: Bakes, end: Ended, error: str, remedy: str) -> None:
    """The line that matters is reported, and what to do about it."""
    bakes.ends = [end]
    with pytest.raises((BuildFailedError, TimeLimitError)) as caught:
        built(bakes, work(engine, Settings(cache="none", build_timeout_s=7)))
    assert str(caught.value) == error
    assert caught.value.remedy.startswith(remedy)


def test_an_engine_that_ended(engine: FakeEngine, bakes: Bakes) -> None:
    """If the engine does not answer any more, that is the reason."""
    bakes.ends = [failed("ERROR: connection reset")]
    engine.is_up = False
    with pytest.raises(EngineError, match=r"^the Docker Engine ended during the build: "):
        built(bakes, work(engine))


@pytest.mark.parametrize(("driver", "how"), [("docker", ["collect", "give back"]), ("docker-container", ["collect"])])
def test_a_full_disk(
    engine: FakeEngine,
    bakes: Bakes,
    cleared: list[str],
    monkeypatch: pytest.MonkeyPatch,
    driver: str,
    how: list[str],
) -> None:
    """A build's remains on a full disk are removed; a separate builder's records are not the engine's."""
    monkeypatch.setattr(preparation, "builder", lambda *_: Builder(driver=driver, exports_cache=True))
    bakes.ends = [failed("ERROR: write /x: no space left on device")]
    with pytest.raises(BuildFailedError, match="no space left"):
        built(bakes, work(engine))
    assert cleared == how


def test_a_full_disk_that_is_not_cleared(
    engine: FakeEngine, bakes: Bakes, cleared: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without room for a container BuildKit is not asked for its records."""
    monkeypatch.setattr(bake, "collect", lambda _: False)
    bakes.ends = [failed("ERROR: write /x: no space left on device")]
    with pytest.raises(BuildFailedError, match="no space left"):
        built(bakes, work(engine))
    assert cleared == []


def test_the_local_cache(engine: FakeEngine, bakes: Bakes) -> None:
    """A build's exported cache is kept for the next one, which reads it."""

    def export() -> None:
        (folder,) = cache_folder().glob("bake-*")
        (folder / f"cache-out-{FAMILY}").mkdir()
        (folder / f"cache-out-{FAMILY}" / "index.json").write_text("{}")

    bakes.meanwhile = export
    for _ in range(2):
        built(bakes, work(engine, Settings(cache="local")))
    name = bakes.asked[0]["targets"][0]
    first, second = (asked["set"][f"{name}.cache-from"] for asked in bakes.asked)
    assert first == ""
    assert second.endswith(f"/cache-in-{FAMILY}")
    assert f"cache-in-{FAMILY}/index.json" in bakes.files[1]


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
    """A layer is baked on its desktop's image; if BuildKit cannot have that, on the desktop's own target."""
    bakes.order = order(Settings(cache="none"), LAYER)
    bakes.ends = [failed("ERROR: not found")] if fails else []
    built(bakes, work(engine, Settings(cache="none"), lines.append), f"docker-image://x@{BASE}")
    assert f"docker-image://x@{BASE}".encode() in bakes.files[0]["docker-bake.hcl"]
    assert len(bakes.asked) == 1 + fails
    warned = "[desktop-cache] WARNING: build failed: not found; once more with the desktop's own target"
    assert (warned in lines) is fails
    assert [contexts(files) for files in bakes.files] == [{"preflight-office"}, {"office", "preflight-office"}][
        : 1 + fails
    ]
    assert bakes.left == 1 + fails


def test_a_script_of_a_layer_that_fails(engine: FakeEngine, bakes: Bakes) -> None:
    """A script that fails on the desktop's image would fail on its target, too."""
    bakes.order = order(Settings(), LAYER)
    bakes.ends = [failed("#5 ERROR: process x did not complete successfully: exit code: 3")]
    with pytest.raises(BuildFailedError, match="status 3"):
        built(bakes, work(engine), f"docker-image://x@{BASE}")
    assert len(bakes.asked) == 1


def test_a_secret_that_is_not_set(engine: FakeEngine, bakes: Bakes) -> None:
    """A build secret that is not set here is reported by name before BuildKit is asked."""
    office = replace(bakes.order.environment, build_secrets=("NO_SUCH_TOKEN",))
    bakes.order = replace(bakes.order, environment=office)
    with pytest.raises(BuildFailedError, match="the build secret NO_SUCH_TOKEN is not set"):
        built(bakes, work(engine))
    assert bakes.asked == []


def test_a_secret_is_not_told(
    engine: FakeEngine, bakes: Bakes, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build secret's name is handed on; its value stands neither there nor in a line of the build's output."""
    monkeypatch.setenv("TOKEN", "hunter2")
    office = replace(bakes.order.environment, build_secrets=("TOKEN",))
    bakes.order = replace(bakes.order, environment=office)
    bakes.ends = [Ended(status=0, lines=("it is hunter2",), timed_out=False)]
    built(bakes, work(engine, log=lines.append))
    assert "it is ***" in lines
    assert bakes.asked[0]["secrets"] == ["TOKEN"]
    assert "hunter2" not in json.dumps(bakes.asked)


def test_attestations_need_another_store(engine: FakeEngine, bakes: Bakes) -> None:
    """The classic image store cannot hold attestations, which is reported before anything is built."""
    with pytest.raises(BuildFailedError, match="classic image store cannot hold attestations"):
        built(bakes, work(engine, Settings(attest=("type=sbom",))))
    assert bakes.asked == []


def test_the_platform_that_was_asked_for(engine: FakeEngine, bakes: Bakes) -> None:
    """A platform that is no part of the key is baked for, and the image has to be for it."""
    bakes.order = order(Settings(), platform="linux/arm64", emulated=True)
    assert built(bakes, work(engine)).image_id == engine.names[bakes.order.tag]
    assert b'"linux/arm64"' in bakes.files[0]["docker-bake.hcl"]
    bakes.makes = lambda tag, labels, _: engine.add(tag, labels, "linux/amd64")
    with pytest.raises(BuildFailedError, match="its image is not in this engine"):
        built(bakes, work(engine))
