"""A page in memory: its project, an engine that it asks, and a client that is let in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from desktop_bake import Environment, load_settings
from desktop_bake.bake.config.environment_edit import EnvironmentFile
from desktop_bake.bake.images.order import order_of
from desktop_bake.bake.images.trust import BUILT, note
from desktop_bake.bake.ui import site as module
from desktop_bake.bake.ui.app import App
from desktop_bake.bake.ui.keys import HEADER, Keys
from desktop_bake.bake.ui.pages import Pages
from desktop_bake.bake.ui.site import Site
from desktop_bake.bake.ui.source import Source
from tests.harness.recipes import BASE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from desktop_bake.bake.images.order import Order
    from tests.harness.fake_engine import FakeEngine

PROJECT = """\
repository = "desktop-bake-test"
cache = "none"
# the office
[environments.office]
base_image = "debian:bookworm"  # its base
headless_desktop_enabled = true
cache_desktop_build = true
setup_script = "setup.sh"
[environments.plain]
base_image = "debian:bookworm"
"""
PORT = 8000


@pytest.fixture
def project(tmp_path: Path, engine: FakeEngine) -> Path:
    """A configuration of two environments, whose base is here."""
    engine.add("debian:bookworm", known_as=f"debian@{BASE}")
    (tmp_path / "setup.sh").write_text("#!/bin/sh\necho one\n")
    path = tmp_path / "desktop-bake.toml"
    path.write_text(PROJECT)
    return path


@pytest.fixture
def source(project: Path, engine: FakeEngine) -> Source:
    """What the command line would give the page."""
    return Source(
        load=lambda: load_settings(project, {}),
        file=EnvironmentFile(path=project),
        new_engine=lambda: engine,  # type: ignore[arg-type, return-value]
        metrics=project.with_name("metrics.jsonl"),
    )


@pytest.fixture(scope="session")
def pages() -> Pages:
    """The templates, which take longer to read than a page to draw."""
    return Pages()


@pytest.fixture
def site(source: Source, pages: Pages, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The page, which has looked at everything once, in this thread."""
    monkeypatch.setattr(module, "Pages", lambda: pages)
    site = Site(source)
    site.world.reload()
    site.world.catch_up()
    return site


@pytest.fixture
def client(site: Site) -> TestClient:
    """A browser that was let in."""
    keys = Keys()
    client = TestClient(App(site).guarded(keys), base_url=f"http://127.0.0.1:{PORT}{keys.place}")
    client.headers |= {"origin": f"http://127.0.0.1:{PORT}", HEADER: "1"}
    client.get("", params={"token": keys.token})
    return client


@pytest.fixture
def have(source: Source, engine: FakeEngine) -> Callable[[str], Order]:
    """`have(env_id)`: put the image of an environment into the store."""

    def put(env_id: str) -> Order:
        environment: Environment = source.load().environment(env_id)
        order = order_of(environment, source.context(source.load()))
        image = engine.add(order.tag, order.key.labels(order.environment.base_image.named), made_s=1_700_000_000)
        note(image.image_id, BUILT)
        return order

    return put
