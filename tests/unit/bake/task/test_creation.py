"""The creation of a task's container: of which image, for which platform, and what if the image is not here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Settings, TaskOptions, TimeLimitError
from desktop_bake.bake.images.result import Disabled, LocalHit
from desktop_bake.bake.system.process import Ended
from desktop_bake.bake.task import creation
from desktop_bake.bake.task.container import NoImageError
from tests.harness.fake_container import FakeContainer, next_container
from tests.harness.recipes import OFFICE
from tests.harness.work import order, work

if TYPE_CHECKING:
    from desktop_bake import Environment
    from desktop_bake.bake.images.result import ImageResult
    from tests.harness.fake_engine import FakeEngine

IMAGE_ID = "sha256:" + "1" * 64
HIT = LocalHit(order=order(Settings()), image_id=IMAGE_ID)
PLAIN = Disabled(environment="plain", image="debian:bookworm", reason="no desktop", install_at_start=False)
NO_DESKTOP = replace(OFFICE, headless_desktop_enabled=False)


@pytest.fixture
def container(monkeypatch: pytest.MonkeyPatch, engine: FakeEngine) -> FakeContainer:
    """The container that is made."""
    return next_container(monkeypatch, engine)


def create(
    container: FakeContainer,
    engine: FakeEngine,
    lines: list[str],
    image: ImageResult = HIT,
    environment: Environment = OFFICE,
) -> None:
    """Make it of this image."""
    creation.Creation(
        container=container,  # type: ignore[arg-type]
        environment=environment,
        context=work(engine, log=lines.append),
        options=TaskOptions(),
        publish=False,
    ).create(image)


@pytest.mark.parametrize(("platform", "stated"), [("linux/arm64/v8", "linux/arm64/v8"), ("linux/", None)])
def test_the_image_s_platform(
    container: FakeContainer, engine: FakeEngine, lines: list[str], platform: str, stated: str | None
) -> None:
    """The engine is told the platform of the image, if it has one: it need not look for it then."""
    engine.store[IMAGE_ID] = replace(engine.add("a"), image_id=IMAGE_ID, platform=platform, variables=("LANG=de_DE",))
    create(container, engine, lines)
    assert container.calls[0] == f"create {IMAGE_ID} {stated}"
    assert not [variable for variable in container.body["Env"] if variable.startswith("LANG=")]


def test_a_base_that_is_not_here(container: FakeContainer, engine: FakeEngine, lines: list[str]) -> None:
    """A base is pulled, for the platform that is requested; one that cannot be pulled is the engine's refusal."""
    container.refuses = [NoImageError("no such image: debian:bookworm")]
    engine.ends = [Ended(status=0, lines=(), timed_out=False)]
    environment = replace(NO_DESKTOP, platform="linux/arm64")
    create(container, engine, lines, PLAIN, environment)
    assert "pull -q --platform linux/arm64 debian:bookworm" in engine.asked
    assert [call for call in container.calls if call.startswith("create")] == ["create debian:bookworm linux/arm64"] * 2
    container.refuses = [NoImageError("no such image: debian:bookworm")]
    engine.ends = [Ended(status=1, lines=(), timed_out=False)]
    with pytest.raises(NoImageError, match="no such image"):
        create(container, engine, lines, PLAIN, environment)
    container.refuses = [NoImageError("no such image: debian:bookworm")]
    engine.ends = [Ended(status=-2, lines=(), timed_out=True)]
    with pytest.raises(TimeLimitError, match=r"^the pull of debian:bookworm was stopped after "):
        create(container, engine, lines, PLAIN, environment)


def test_an_image_that_was_removed(
    container: FakeContainer, engine: FakeEngine, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image that somebody removed since it was found is looked for once more, and no registry asked for its ID."""
    other = replace(HIT, image_id="sha256:" + "2" * 64)
    monkeypatch.setattr(creation, "ensured", lambda *_: other)
    container.refuses = [NoImageError(f"no such image: {IMAGE_ID}")]
    create(container, engine, lines)
    created = [call for call in container.calls if call.startswith("create")]
    assert created == [f"create {IMAGE_ID} None", f"create {other.image_id} None"]
    assert lines[0].endswith(": somebody removed it; looking once more")
    assert not [asked for asked in engine.asked if asked.startswith("pull")]
