"""What the server answers to a client that it lets in."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake.bake.ui import app as module
from desktop_bake.bake.ui.app import App
from desktop_bake.bake.ui.builds import Build

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.testclient import TestClient

    from desktop_bake.bake.images.order import Order
    from desktop_bake.bake.ui.site import Site
    from desktop_bake.bake.ui.source import Source


def turn(client: TestClient, site: Site, **asked: Any) -> Any:
    """Turn the office's cache, except for what is requested."""
    body = {"env": "office", "switch": "cache_desktop_build", "on": False, "seen": site.world.seen, **asked}
    return client.post("turn", json=body)


@pytest.mark.parametrize("path", ["", "images", "health", "why?env=office", "prune", "static/page.css"])
def test_read(client: TestClient, path: str) -> None:
    """Pages and their parts."""
    assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["static/app.py", "static/..%2fapp.py", "log?build=1", "log?build=x", "log?build=" + "9" * 5000, "events?page=x"],
)
def test_not_there(client: TestClient, path: str) -> None:
    """What is not there is not there."""
    assert client.get(path).status_code == 404


def test_no_secret_in_a_page(client: TestClient) -> None:
    """No page contains the cookie, or the token."""
    cookie = next(iter(client.cookies.jar)).value
    assert cookie
    for path in ("", "images", "health", "static/page.js"):
        assert cookie not in client.get(path).text


def test_turned_and_undone(client: TestClient, site: Site, project: Path) -> None:
    """A switch is saved at once, and undone."""
    before = project.read_text()
    said = turn(client, site).json()
    assert "cache_desktop_build = false" in project.read_text()
    assert said["seen"] == site.world.seen
    assert client.post("undo", json={"number": said["undo"]}).json() == {"seen": site.world.seen}
    assert project.read_text() == before


def test_somebody_else_was_first(client: TestClient, site: Site, project: Path) -> None:
    """Theirs stays, and the page knows it at once."""
    old = site.world.seen
    theirs = project.read_text().replace('"debian:bookworm"\n', '"debian:bookworm"\nname = "Theirs"\n')
    project.write_text(theirs)
    said = turn(client, site, seen=old)
    assert said.status_code == 409
    assert "was changed meanwhile" in said.json()["error"]
    assert said.json()["remedy"] == "theirs stays; the page shows it now"
    assert project.read_text() == theirs
    assert "Theirs" in client.get("").text


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"nonsense", b'{"env": 1}', b'{"env": "office", "switch": "base_image", "seen": ""}']
)
def test_malformed(client: TestClient, project: Path, body: bytes) -> None:
    """Anything that is no request of ours changes nothing."""
    before = project.read_bytes()
    said = client.post("turn", content=body)
    assert said.status_code in (400, 409)
    assert said.json()["error"]
    assert project.read_bytes() == before


def test_too_much(client: TestClient) -> None:
    """Nobody fills the memory."""
    assert client.post("turn", content=b" " * (1 << 17)).status_code == 413


def test_builds(client: TestClient, site: Site, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is built; a build is given up, its log read, and it goes when it is dismissed."""
    asked: list[list[str]] = []

    def start(settings: object, env_ids: list[str]) -> Build:
        asked.append(env_ids)
        return build

    build = Build(1, source.load(), ["office"])
    build.take("a line")
    site.builds._builds[1] = build  # noqa: SLF001 (as one that was started)
    monkeypatch.setattr(site.builds, "start", start)
    build.is_running = False
    assert client.post("build", json={"all": True}).json() == {"build": 1}
    assert client.post("build", json={"envs": ["plain"]}).json() == {"build": 1}
    assert asked == [["office"], ["plain"]]
    assert client.get("log", params={"build": 1}).text == "a line\n"
    client.post("cancel", json={"build": 1})
    assert build.is_cancelled
    client.post("dismiss", json={"build": 1})
    assert client.post("cancel", json={"build": 1}).status_code == 400


def test_prune(
    client: TestClient, site: Site, have: Callable[[str], Order], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was shown is removed."""
    monkeypatch.setattr("desktop_bake.bake.ui.tidy.clear_left_over", lambda _: None)
    have("office")
    project.with_name("setup.sh").write_text("#!/bin/sh\necho two\n")
    assert 'data-plan="1"' in client.get("prune").text
    assert client.post("prune", json={"plan": 1}).json() == {"said": "Removed 1.", "faults": []}
    assert client.post("prune", json={"plan": 1}).status_code == 400


def test_what_is_looked_for(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking again happens in the background."""
    begun: list[str] = []
    monkeypatch.setattr(module, "background", lambda _work, name: begun.append(name))
    assert client.post("look-images", json={}).json() == {}
    assert client.post("examine", json={}).json() == {}
    assert begun == ["page-health"]


def test_events(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is open is watched for, and no longer once it is closed."""
    wanted: list[bool] = []
    begun: list[str] = []
    monkeypatch.setattr(site.watch, "want", lambda *, wanted: wanted_is(wanted))
    monkeypatch.setattr(site.world, "begin", lambda: begun.append("page"))

    def wanted_is(value: bool) -> None:
        wanted.append(value)

    class Asked:
        query_params = {"page": "environments"}  # noqa: RUF012

    async def first() -> str:
        response = await App(site)._events(Asked())  # type: ignore[arg-type]  # noqa: SLF001 (a client waits for its end)
        pages = response.body_iterator  # type: ignore[attr-defined]
        texts = [str(await anext(pages)) for _ in range(2)]
        await pages.aclose()
        return texts[1]

    assert '<div id="environments">' in asyncio.run(first())
    assert wanted == [True, False]
    assert begun == ["page"]
