"""No Docker and no network for what lies below: whoever tries either gets an error that says so."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3.util.connection  # it tries IPv6 as it is imported: a socket, which later is refused
from hypothesis import settings

from desktop_bake import ImageReference, Settings
from desktop_bake.bake.build import team_lease
from desktop_bake.bake.registry import exchange, shared_tag
from tests.harness.fake_engine import FakeEngine
from tests.harness.memory_registry import MemoryRegistry
from tests.harness.piped_http import PipedHttp

if TYPE_CHECKING:
    from collections.abc import Iterator

_REFUSED = {"socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto", "socket.sendmsg"}
_STARTS = {"subprocess.Popen", "os.exec", "os.posix_spawn"}
_HERE = f"{Path(__file__).parent}{os.sep}"
_guarded = False


class NotInAUnitTestError(BaseException):
    """A unit test asked for Docker or for the network; no `except Exception` hides it."""


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if not _guarded:
        return
    if event in _REFUSED:
        raise NotInAUnitTestError(f"{event} in a unit test: move it to tests/engine or tests/team, or give it a fake")
    if event in _STARTS and Path(os.fsdecode(arguments[0] or "")).name == "docker":
        raise NotInAUnitTestError("docker in a unit test: move it to tests/engine, or give it a fake")


sys.addaudithook(_watch)
# No deadline: other work on the machine is no fault of the code. Few examples: a law that breaks does so early.
settings.register_profile("unit", deadline=None, max_examples=30)
settings.register_profile("soak", deadline=None, max_examples=2000)


def pytest_configure(config: pytest.Config) -> None:
    """Laws get many examples under `--soak`."""
    settings.load_profile("soak" if config.getoption("--soak") else "unit")


def _guard(item: pytest.Item) -> Iterator[None]:
    """Refuse sockets and docker meanwhile; the audit hook stays for good, and tests of other folders follow."""
    global _guarded
    _guarded = str(item.path).startswith(_HERE)  # pytest asks every conftest.py about every test
    try:
        return (yield)
    finally:
        _guarded = False


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Guard what a unit test asks for; not its end, with which other folders' fixtures may end, too."""
    return (yield from _guard(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Guard a unit test."""
    return (yield from _guard(item))


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders that are there once somebody makes them: `tmp_path` makes one, and looks at those of all tests before."""
    folder = tmp_path_factory.mktemp("nowhere")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def nowhere(places: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Processes that a test starts find no engine either, and nobody's own configuration or cache."""
    for name in list(os.environ):
        if name.startswith(("DOCKER_", "DESKTOP_BAKE_", "BUILDX_")):
            monkeypatch.delenv(name)
    place = next(places)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    monkeypatch.setenv("DOCKER_CONFIG", str(place / "docker"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))
    yield
    shutil.rmtree(place, ignore_errors=True)  # most tests have made none


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> MemoryRegistry:
    """Every registry, in memory."""
    registry = MemoryRegistry()
    monkeypatch.setattr(exchange, "Transport", registry.transport)
    for module in (shared_tag, team_lease):
        monkeypatch.setattr(module, "SETTLE_S", (0.0, 0.0))  # nobody else writes
    return registry


@pytest.fixture
def engine(registry: MemoryRegistry) -> FakeEngine:
    """An engine that speaks to it."""
    return FakeEngine(registry)


@pytest.fixture
def team() -> Settings:
    """Settings with a repository in a registry."""
    return Settings(repository=ImageReference.parse("registry.example.com/team/desktop"))


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """The command line's changes to signals end with the test: programs that later tests start would ignore them."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def lines() -> list[str]:
    """A log: `log=lines.append`."""
    return []


@pytest.fixture
def http(monkeypatch: pytest.MonkeyPatch) -> PipedHttp:
    """Every HTTP server, without a network; no proxy."""
    http = PipedHttp()
    monkeypatch.setattr(urllib3.util.connection, "create_connection", http.create_connection)
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)  # to read this machine's authorities takes longer than a test
    monkeypatch.setenv("SSL_CERT_DIR", "/nowhere")
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    return http
