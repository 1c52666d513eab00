"""An image for a task: which failures are answered by a fallback, which are reported, and which are waited for."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from desktop_bake import (
    BuildFailedError,
    ImageReference,
    RegistryError,
    ScriptFailedError,
    Settings,
    ensure_desktop_image,
    ensure_desktop_images,
)
from desktop_bake.bake import ensure, together
from desktop_bake.bake.images.order import key_of, order_of
from desktop_bake.bake.images.result import Built, ImageResult, Miss, Status
from desktop_bake.bake.images.trust import BUILT, note
from desktop_bake.bake.together import Outcome
from desktop_bake.generator.errors import CancelledError, ConfigurationError, EngineError, TaskError, TimeLimitError
from desktop_bake.generator.script import Script
from tests.harness.recipes import BASE, OFFICE
from tests.harness.work import work

if TYPE_CHECKING:
    from desktop_bake import Environment
    from desktop_bake.bake.context import Context
    from desktop_bake.bake.engine.engine import Engine
    from tests.harness.fake_engine import FakeEngine

SETTINGS = Settings()


@pytest.fixture
def fails(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> list[BaseException | None]:
    """What getting an image ends with, one try after another; a built image in the end."""
    engine.add(str(OFFICE.base_image), known_as=f"{OFFICE.base_image.repository}@{BASE}")
    errors: list[BaseException | None] = []

    def obtain(found: Miss, context: Context, *, pausing: bool) -> ImageResult:
        assert pausing is context.settings.fallback
        error = errors.pop(0) if errors else None
        if error:
            raise error
        return Built(order=found.order, image_id="built")

    monkeypatch.setattr(ensure, "obtain", obtain)
    return errors


def ensured(engine: FakeEngine, settings: Settings = SETTINGS, **more: Any) -> ImageResult:
    """What a task of the office uses."""
    return ensure_desktop_image(OFFICE, settings, engine=cast("Engine", engine), **more)


def test_hit(engine: FakeEngine) -> None:
    """A hit is returned as it was found."""
    engine.add(str(OFFICE.base_image), known_as=f"{OFFICE.base_image.repository}@{BASE}")
    key = key_of(OFFICE, work(engine))
    image = engine.add(f"desktop-bake:{key}", key.labels("b"))
    note(image.image_id, BUILT)
    result = ensured(engine)
    assert (result.status, result.image_id) == (Status.LOCAL_HIT, image.image_id)


@pytest.mark.parametrize(
    ("error", "exit_status", "line"),
    [
        (BuildFailedError("build failed: step 3"), 6, "[desktop-cache] build failed: step 3"),
        (TimeLimitError("after 600 s"), 124, "[desktop-cache] build failed: after 600 s"),
        (RegistryError("no"), 5, "[desktop-cache] build failed: no"),
        (EngineError("odd"), 4, "[desktop-cache] build failed: odd"),
        (TaskError("t"), 1, "[desktop-cache] build failed: t"),
        (OSError("disk"), 1, "[desktop-cache] build failed: disk"),
    ],
)
def test_fallback(
    engine: FakeEngine, fails: list[BaseException], lines: list[str], error: Exception, exit_status: int, line: str
) -> None:
    """A failure after the key is known falls back to the base by its digest, shows why, and keeps the exit status."""
    fails.append(error)
    result = ensured(engine, log=lines.append)
    assert (result.status, result.image_id, result.install_at_start) == (Status.FALLBACK, None, True)
    assert result.image == f"registry.example.com/base:1@{BASE}"
    assert (result.exit_status, result.reason) == (exit_status, str(error))
    assert lines[-2:] == [line, "[desktop-cache] falling back to runtime install"]


def test_fallback_on_the_nearest_image(engine: FakeEngine, fails: list[BaseException], lines: list[str]) -> None:
    """A layer that cannot be built falls back to the image of the desktop that it lies on."""
    environment = replace(OFFICE, preflight_script=Script.text("own\n"))
    desktop = key_of(OFFICE, work(engine))
    image = engine.add(f"desktop-bake:{desktop}", desktop.labels("b"))
    note(image.image_id, BUILT)
    fails.append(BuildFailedError("build failed: no"))
    result = ensure_desktop_image(environment, SETTINGS, engine=cast("Engine", engine), log=lines.append)
    assert (result.status, result.image_id, result.lacks_desktop) == (Status.FALLBACK, image.image_id, False)
    assert (result.install_at_start, result.lacks_preflight) == (False, True)
    assert lines[-1] == f"[desktop-cache] nearest image: desktop-bake:{desktop}; the task installs the rest"


def test_fallback_without_a_key(engine: FakeEngine, lines: list[str]) -> None:
    """If not even the key could be found out, the fallback is the base as it is named, after a warning."""
    result = ensured(engine, replace(SETTINGS, pull="never"), log=lines.append)
    assert (result.status, result.image, result.cache_key) == (Status.FALLBACK, "registry.example.com/base:1", None)
    assert lines[0].startswith("[desktop-cache] WARNING: base image registry.example.com/base:1 is not in the local")


@pytest.mark.parametrize(
    "error",
    [ConfigurationError("wrong"), CancelledError("cancelled"), KeyboardInterrupt(), ValueError("a fault of ours")],
)
def test_told(engine: FakeEngine, fails: list[BaseException], error: BaseException) -> None:
    """A wrong configuration, a cancellation and a fault of the program never become a fallback."""
    fails.append(error)
    with pytest.raises(type(error)) as caught:
        ensured(engine)
    assert caught.value is error


def test_without_fallback(engine: FakeEngine, fails: list[BaseException]) -> None:
    """With `fallback` off a failed build is an error."""
    fails.append(BuildFailedError("no"))
    with pytest.raises(BuildFailedError, match="no"):
        ensured(engine, replace(SETTINGS, fallback=False))


OWN_FAILED = ScriptFailedError("build failed: the setup script ended with status 3", "it said: no luck")
REFUSED = "build failed: the setup script ended with status 3; no task of environment {!r} starts: the same script "


def test_an_own_script_that_failed(engine: FakeEngine, fails: list[BaseException], lines: list[str]) -> None:
    """A script that the environment gives is not run once more at start: a line says why, one what to do, status 6."""
    fails.append(OWN_FAILED)
    with pytest.raises(ScriptFailedError) as caught:
        ensured(engine, log=lines.append)
    assert str(caught.value) == REFUSED.format("office") + "would fail again"
    assert caught.value.remedy.startswith("it said: no luck; fix the script, or ")
    assert "run --install-at-start" in caught.value.remedy
    assert (caught.value.exit_status, caught.value.__cause__) == (6, OWN_FAILED)
    assert not [line for line in lines if "falling back" in line or "build failed" in line]


def test_install_at_start(engine: FakeEngine, fails: list[BaseException], lines: list[str]) -> None:
    """On request there is a fallback even after an environment's own script failed, perhaps only in a build."""
    fails.append(OWN_FAILED)
    result = ensured(engine, replace(SETTINGS, install_at_start=True), log=lines.append)
    assert (result.status, result.install_at_start, result.exit_status) == (Status.FALLBACK, True, 6)
    assert lines[-1] == "[desktop-cache] falling back to runtime install"


def test_no_fallback_wins(engine: FakeEngine, fails: list[BaseException]) -> None:
    """With `fallback` off nothing is installed at start, whoever asks for it."""
    fails.append(OWN_FAILED)
    with pytest.raises(ScriptFailedError) as caught:
        ensured(engine, replace(SETTINGS, fallback=False, install_at_start=True))
    assert caught.value is OWN_FAILED


# --- an engine that goes ---------------------------------------------------------------------------------------------


def test_no_engine_at_all(engine: FakeEngine) -> None:
    """Without an engine from the start there is an error at once: no task could start either."""
    engine.is_up = False
    with pytest.raises(EngineError, match="no Docker Engine answers"):
        ensured(engine)
    assert "returns" not in engine.asked


class WentError(EngineError):
    """The engine went during a build."""


@pytest.mark.parametrize("comes_back", [True, False])
def test_engine_that_restarts(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, lines: list[str], comes_back: bool
) -> None:
    """An engine that goes during a build is waited for and asked again; one that stays away is an error."""
    engine.add(str(OFFICE.base_image), known_as=f"{OFFICE.base_image.repository}@{BASE}")
    engine.comes_back = comes_back
    tries = []

    def obtain(found: Miss, *_: object, pausing: bool) -> ImageResult:
        tries.append(found)
        if len(tries) == 1:
            engine.is_up = False
            raise WentError("it went")
        return Built(order=found.order, image_id="built")

    monkeypatch.setattr(ensure, "obtain", obtain)
    if comes_back:
        assert ensured(engine, log=lines.append).status is Status.BUILT
    else:
        with pytest.raises(WentError):
            ensured(engine, log=lines.append)
    assert "[desktop-cache] WARNING: it went; waiting for its return, at most 30 s" in lines
    assert len(tries) == 1 + comes_back
    assert sum(line.startswith("[desktop-cache] cache key") for line in lines) == 1 + comes_back


def test_an_engine_that_goes_twice(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for once: a second failure is a failed build."""
    engine.add(str(OFFICE.base_image), known_as=f"{OFFICE.base_image.repository}@{BASE}")
    engine.comes_back = True

    def obtain(*_: object, pausing: bool) -> ImageResult:
        engine.is_up = False
        raise WentError("it went")

    monkeypatch.setattr(ensure, "obtain", obtain)
    assert ensured(engine).status is Status.FALLBACK
    assert engine.asked.count("returns") == 1


# --- cancelling ------------------------------------------------------------------------------------------------------


def test_cancelled_before(engine: FakeEngine, fails: list[BaseException]) -> None:
    """A cancellation is noticed at the next line that is logged, and none is logged after it."""
    cancel, lines = threading.Event(), list[str]()
    cancel.set()
    with pytest.raises(CancelledError):
        ensured(engine, log=lines.append, cancel=cancel)
    assert lines == []


@pytest.mark.parametrize("error", [BuildFailedError("killed"), EngineError("went"), OSError("closed")])
def test_cancelled_during_a_build(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """What fails since it was cancelled is a cancellation, not a fallback; its cause is kept."""
    engine.add(str(OFFICE.base_image), known_as=f"{OFFICE.base_image.repository}@{BASE}")
    cancel, lines = threading.Event(), list[str]()

    def obtain(*_: object, pausing: bool) -> ImageResult:
        cancel.set()
        raise error

    monkeypatch.setattr(ensure, "obtain", obtain)
    with pytest.raises(CancelledError) as caught:
        ensured(engine, log=lines.append, cancel=cancel)
    assert caught.value.__cause__ is error
    assert [line for line in lines if "WARNING" in line or "falling back" in line] == []


def test_cancelled_while_looking(engine: FakeEngine, fails: list[BaseException]) -> None:
    """A caller that cancels while the image is looked for waits for no search and no build."""
    engine.add(str(OFFICE.base_image), known_as=f"{OFFICE.base_image.repository}@{BASE}")
    cancel, lines = threading.Event(), list[str]()

    def log(line: str) -> None:
        lines.append(line)
        cancel.set()

    with pytest.raises(CancelledError):
        ensured(engine, log=log, cancel=cancel)
    assert len(lines) == 1
    assert lines[0].startswith("[desktop-cache] cache key: ")


def test_unknown_keyword() -> None:
    """A keyword that the function does not have is an error, as with any function."""
    with pytest.raises(TypeError, match="unexpected keyword argument 'logg'"):
        ensure_desktop_image(OFFICE, SETTINGS, logg=print)  # type: ignore[call-arg]


def test_the_base_of_a_fallback_keeps_its_name(engine: FakeEngine, fails: list[BaseException]) -> None:
    """A base with its own digest falls back to that."""
    pinned = replace(OFFICE, base_image=ImageReference.parse(f"registry.example.com/base@{BASE}"))
    fails.append(BuildFailedError("no"))
    result = ensure_desktop_image(pinned, SETTINGS, engine=cast("Engine", engine))
    assert result.image == f"registry.example.com/base@{BASE}"


# --- several ---------------------------------------------------------------------------------------------------------


def several(
    monkeypatch: pytest.MonkeyPatch, engine: FakeEngine, *errors: Any, settings: Settings = SETTINGS, **more: Any
) -> dict[str, ImageResult]:
    """What tasks of several environments use, if these errors, or none, are what became of each."""
    engine.add(str(OFFICE.base_image), known_as=f"{OFFICE.base_image.repository}@{BASE}")
    environments = [replace(OFFICE, env_id=str(number)) for number, _ in enumerate(errors)]

    def obtain_all(asked: list[Environment], context: Context, *, pausing: bool) -> list[Outcome]:
        assert pausing is context.settings.fallback
        if not engine.is_up:
            raise EngineError("no Docker Engine answers")
        made = []
        for environment, error in zip(asked, errors, strict=True):
            found = Miss(order=order_of(environment, context))
            built = None if error else Built(order=found.order, image_id="built")
            made.append(Outcome(environment=environment, found=found, result=built, error=error))
        return made

    monkeypatch.setattr(together, "obtain_all", obtain_all)
    return ensure_desktop_images(environments, settings, engine=cast("Engine", engine), **more)


def test_each_has_its_own(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, lines: list[str]) -> None:
    """Each environment has its own result; what failed has its own fallback."""
    results = several(monkeypatch, engine, None, BuildFailedError("build failed: no"), None, log=lines.append)
    assert [r.status for r in results.values()] == [Status.BUILT, Status.FALLBACK, Status.BUILT]
    assert (results["1"].reason, results["1"].install_at_start) == ("build failed: no", True)
    assert lines == ["[desktop-cache] build failed: no", "[desktop-cache] falling back to runtime install"]


@pytest.mark.parametrize(("error", "fallback"), [(ConfigurationError("wrong"), True), (BuildFailedError("no"), False)])
def test_what_no_fallback_answers(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, error: Exception, fallback: bool
) -> None:
    """A wrong configuration is reported, and so is a failure without fallback."""
    with pytest.raises(type(error)):
        several(monkeypatch, engine, None, error, settings=Settings(fallback=fallback))


def test_an_own_script_among_several(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, lines: list[str]) -> None:
    """The environment whose own script failed is reported by its name, or has its fallback if that is requested."""
    with pytest.raises(ScriptFailedError) as caught:
        several(monkeypatch, engine, None, OWN_FAILED)
    assert str(caught.value).startswith(REFUSED.format("1"))
    asked = several(monkeypatch, engine, None, OWN_FAILED, settings=Settings(install_at_start=True))
    assert [result.status for result in asked.values()] == [Status.BUILT, Status.FALLBACK]


@pytest.mark.parametrize("comes_back", [True, False])
def test_an_engine_that_goes_meanwhile(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, lines: list[str], comes_back: bool
) -> None:
    """An engine that ends during the work of several is waited for, too."""
    engine.comes_back = comes_back
    monkeypatch.setattr(engine, "is_up", False)
    if comes_back:
        assert several(monkeypatch, engine, None, log=lines.append)["0"].status is Status.BUILT
    else:
        with pytest.raises(EngineError):
            several(monkeypatch, engine, None, log=lines.append)
    assert lines == ["[desktop-cache] WARNING: no Docker Engine answers; waiting for its return, at most 30 s"]
