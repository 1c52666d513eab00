"""What the server answers about tasks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from desktop_bake import ConfigurationError, TaskError
from desktop_bake.bake.ui.desks import Picture, Starting
from tests.harness.entries import ENTRY

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from desktop_bake.bake.ui.site import Site

TASK = "c" * 64
SECRET = "http://127.0.0.1:6080/vnc.html#path=websockify%3Ftoken%3Dsecret"


@pytest.fixture
def running(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """A task that runs; what was asked of it."""
    asked: list[object] = []
    desks = site.desks
    desks.entries, desks.has_looked = (
        (replace(ENTRY, container_id=TASK, name="mine", environment="<office>"),),
        True,
    )
    monkeypatch.setattr(desks, "picture", lambda task, _: desks.entry(task) and Picture(png=b"png", at=0.0))
    monkeypatch.setattr(desks, "log", lambda task, _: desks.entry(task) and "a line\n")
    monkeypatch.setattr(desks, "url", lambda task, _, control: desks.entry(task) and f"{SECRET}&control={control}")
    monkeypatch.setattr(desks, "stop", lambda task, _: asked.append(desks.entry(task).name))
    monkeypatch.setattr(desks, "start", lambda _, *words: asked.append(words))
    return asked


def test_a_tile_and_its_page(client: TestClient, running: list[object]) -> None:
    """Both have all but the address, which contains the task's secret."""
    for html in (client.get("tasks").text, client.get("desk", params={"task": TASK}).text):
        assert "&lt;office&gt;" in html
        assert "secret" not in html
        assert "6080" not in html
    assert client.get("desk", params={"task": "x"}).status_code == 404


def test_the_address(client: TestClient, running: list[object]) -> None:
    """It is given to a client that asks for it by the page, for looking unless control is requested."""
    assert client.post("desktop", json={"task": TASK}).json() == {"url": f"{SECRET}&control=False"}
    assert client.post("desktop", json={"task": TASK, "control": True}).json()["url"].endswith("control=True")
    assert client.get("desktop", params={"task": TASK}).status_code == 405
    assert client.post("desktop", json={"task": "x"}).status_code == 400
    assert client.post("desktop", json={}).status_code == 400


def test_pictures(client: TestClient, running: list[object]) -> None:
    """A picture comes once; a client that has it is told so."""
    first = client.get("shot", params={"task": TASK})
    assert (first.content, first.headers["content-type"]) == (b"png", "image/png")
    again = client.get("shot", params={"task": TASK}, headers={"x-have": first.headers["x-picture"]})
    assert (again.status_code, again.content) == (204, b"")
    saved = client.get("shot", params={"task": TASK, "save": "1"})
    assert saved.headers["content-disposition"] == "attachment"
    assert client.get("shot", params={"task": "x"}).status_code == 404


def test_log(client: TestClient, running: list[object]) -> None:
    """A log is text."""
    assert client.get("task-log", params={"task": TASK}).text == "a line\n"
    assert client.get("task-log", params={"task": "x"}).status_code == 404


def test_started_and_stopped(client: TestClient, site: Site, running: list[object]) -> None:
    """What is asked for is done, and nothing is done without a name."""
    assert "<option>office</option>" in client.get("start").text
    client.post("start", json={"env": "office", "command": "xterm", "geometry": "800x600"})
    asked = client.get("stop", params={"task": TASK}).text
    assert "&lt;office&gt;" in asked
    assert "Let it run" in asked
    assert client.get("stop", params={"task": "x"}).status_code == 404
    client.post("stop", json={"task": TASK})
    assert running == [("office", "xterm", "800x600"), "mine"]
    assert client.post("start", json={"env": "office"}).status_code == 400
    assert client.post("dismiss-start", json={"number": 1}).json() == {}


def test_a_start_that_failed(site: Site) -> None:
    """It is a tile with its reason and what helps."""
    site.desks.starting = {
        1: Starting(env_id="office", words=(), error=TaskError("no <desktop>", "see its log")),
        2: Starting(env_id="office", words=()),
    }
    html = site.draw("tasks")
    assert "no &lt;desktop&gt;" in html
    assert "see its log" in html
    assert "looking for its image" in html
    with pytest.raises(ConfigurationError):
        site.desk("x", "8000")
