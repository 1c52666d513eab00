"""The page's server."""

from __future__ import annotations

import socket
import stat
import sys
import threading
import webbrowser
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest
import uvicorn

from desktop_bake import ConfigurationError
from desktop_bake.bake.ui import server as module
from desktop_bake.bake.ui.builds import Build
from desktop_bake.bake.ui.porch import Arrival
from desktop_bake.bake.ui.server import serve
from desktop_bake.bake.ui.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from desktop_bake.bake.ui.source import Source


class Listener:
    """A socket that is bound to nothing."""

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        """Close nothing."""

    def getsockname(self) -> tuple[str, int]:
        """An address of nobody."""
        return "127.0.0.1", 8000


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """What uvicorn was asked to serve: nothing is."""
    asked: list[object] = []
    monkeypatch.setattr(module, "_bound", lambda _port: Listener())
    monkeypatch.setattr(module._Server, "run", lambda self, sockets: asked.append(self.config))  # noqa: SLF001
    before = sys.getswitchinterval()
    yield asked
    sys.setswitchinterval(before)


def test_served(source: Source, served: list[object]) -> None:
    """The address is reported once: the loopback, a path, a token; no log is kept of who asks for what."""
    told: list[str] = []
    serve(source, 0, told.append, opened=False)
    url = urlsplit(told[0])
    assert (url.scheme, url.netloc) == ("http", "127.0.0.1:8000")
    assert url.query.startswith("token=")
    assert len(url.query) == len("token=") + 43
    config = served[0]
    assert isinstance(config, uvicorn.Config)
    assert (config.access_log, config.log_config, config.ws) == (False, None, "none")
    assert isinstance(config.http, partial)
    assert config.http.func is Arrival
    assert sys.getswitchinterval() < 0.001  # who waits for the page comes before what is computed meanwhile


def test_opened(source: Source, served: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser is given a file that nobody else can read, with a token that opens once; then it is gone."""
    seen: list[tuple[str, int]] = []

    def opened(url: str) -> bool:
        file = Path(unquote(urlsplit(url).path))
        seen.append((file.read_text(), stat.S_IMODE(file.parent.stat().st_mode)))
        return True

    monkeypatch.setattr(webbrowser, "open", opened)
    monkeypatch.setattr(threading, "Thread", Now)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    told: list[str] = []
    serve(source, 0, told.append, opened=True)
    text, mode = seen[0]
    assert mode == 0o700
    assert "token=" in text
    assert told[0].partition("token=")[2] not in text


class Now:
    """A thread that runs at once."""

    def __init__(self, target: object, args: tuple[object, ...] = (), **_: object) -> None:
        self._target, self._args = target, args

    def start(self) -> None:
        """Run what was requested, unless it runs for ever."""
        if self._args:
            self._target(*self._args)  # type: ignore[operator]


def test_a_port_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reported by number, with what helps; so is one that is none."""

    def taken(*_: object, **__: object) -> None:
        raise OSError(98, "Address already in use (while attempting to bind on address ('127.0.0.1', 80))")

    monkeypatch.setattr(socket, "create_server", taken)
    with pytest.raises(ConfigurationError, match=r"port 80 of 127\.0\.0\.1 cannot be had: Address already in use$"):
        module._bound(80)  # noqa: SLF001


def test_answers_do_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections send what there is to send at once: with Nagle's algorithm, each answer takes 40 ms longer."""
    options: list[tuple[int, int, int]] = []
    listener: Any = SimpleNamespace(setsockopt=lambda *option: options.append(option))
    monkeypatch.setattr(socket, "create_server", lambda *_, **__: listener)
    assert module._bound(80) is listener  # noqa: SLF001
    assert options == [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]


def test_builds_end_with_it(source: Source, served: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Builds that still run are given up when it ends, however it does."""
    build = Build(1, source.load(), ["office"])

    def run(server: uvicorn.Server, sockets: object) -> None:
        site.builds._builds[1] = build  # noqa: SLF001 (as one that was started)
        raise KeyboardInterrupt

    site = Site(source)
    monkeypatch.setattr(module, "Site", lambda _source: site)
    monkeypatch.setattr(module, "_CANCELLING_S", 0.0)
    monkeypatch.setattr(module._Server, "run", run)  # noqa: SLF001
    with pytest.raises(KeyboardInterrupt):
        serve(source, 0, lambda _url: None, opened=False)
    assert build.is_cancelled


def test_pages_hold_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal hangs up on pages that listen before anything else."""
    ended: list[str] = []
    config = uvicorn.Config("none")
    server = module._Server(config, lambda: ended.append("pages"))  # noqa: SLF001
    server.handle_exit(2, None)
    assert ended == ["pages"]
    assert server.should_exit
