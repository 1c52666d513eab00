"""A container without an engine, for the code that starts a task in it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from desktop_bake.bake.task import creation, start, user_entry
from desktop_bake.bake.task.console import LISTENS, READY

if TYPE_CHECKING:
    import pytest

    from desktop_bake.bake.system.events import Stream
    from tests.harness.fake_engine import FakeEngine


class FakeContainer:
    """A container, and its console.

    Attributes:
        calls: its calls, in order.
        body: of its creation.
        refuses: what the next creations raise.
        says: the lines that its main process is yet to print.
        installs: the lines printed while installing in it.
        prints: the lines of its command, each with its stream.
        status: the exit status of its command.
        port: the port of noVNC.
    """

    container_id = "c0ffee"
    name = "desktop-bake-office-1"

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.body: dict[str, Any] = {}
        self.refuses: list[Exception] = []
        self.says = [LISTENS, READY]
        self.written = b""
        self.files: dict[str, bytes] = {}
        self.port: int | None = 6080
        self.closed, self.last = False, list[str]()
        self.installs: list[str] = []
        self.prints: list[tuple[Stream, str]] = []
        self.status = 0

    @property
    def ended(self) -> bool:
        """Like `Console.ended`."""
        return not self.says

    def create(self, body: dict[str, Any], platform: str | None) -> None:
        """Like `Container.create`."""
        self.calls.append(f"create {body['Image']} {platform}")
        self.body = body
        if self.refuses:
            raise self.refuses.pop(0)

    def put(self, folder: str, files: dict[str, bytes], _executables: object = ()) -> None:
        """Like `Container.put`."""
        self.calls.append(f"put {folder}")
        self.files = files

    def rename(self, name: str) -> None:
        """Like `Container.rename`."""
        self.calls.append(f"rename {name}")
        self.name = name

    def attach(self) -> FakeContainer:
        """Like `Container.attach`."""
        self.calls.append("attach")
        return self

    def write(self, content: bytes) -> None:
        """Like `Console.write`."""
        self.calls.append("write")
        self.written = content

    def flush(self) -> None:
        """Like `Console.flush`."""
        self.calls.append("flush")

    def start(self) -> None:
        """Like `Container.start`."""
        self.calls.append("start")

    def execute(self, command: list[str], user: str | None = None) -> tuple[str, SimpleNamespace]:
        """Like `Container.execute`, for the installation or for the task's command."""
        close = lambda: None  # noqa: E731
        if user is None:
            said = lambda _: self.prints.pop(0) if self.prints else None  # noqa: E731
            return "id", SimpleNamespace(said=said, close=close)
        self.calls.append(f"install {' '.join(command[command.index('install') + 2 :])} as {user}")
        line = lambda *_: self.installs.pop(0) if self.installs else None  # noqa: E731
        return "id", SimpleNamespace(line=line, close=close, last=["no luck"])

    def exit_status(self, _name: str) -> int:
        """Like `Container.exit_status`, of its command."""
        return self.status

    def published(self, _port: int) -> int | None:
        """Like `Container.published`."""
        return self.port

    def until(self, wanted: str, _end: float, _cancel: object) -> bool:
        """Like `Console.until`."""
        while self.says:
            self.last.append(self.says.pop(0))
            if self.last[-1] == wanted:
                return True
        return False

    def said(self, _end: float, _cancel: object = None) -> tuple[Stream, str] | None:
        """Like `Console.said`."""
        return ("stdout", self.says.pop(0)) if self.says else None

    def drain(self) -> None:
        """Like `Console.drain`."""
        self.calls.append("drain")

    def remove(self) -> None:
        """Like `Container.remove`."""
        self.calls.append("remove")

    def close(self) -> None:
        """Like `Console.close` and `Forward.close`."""
        self.calls.append("close")


def next_container(monkeypatch: pytest.MonkeyPatch, engine: FakeEngine) -> FakeContainer:
    """The container that is created next; noVNC answers, no script runs, and the engine is on this machine."""
    container = FakeContainer()
    monkeypatch.setattr(start, "Container", lambda _endpoint: container)
    monkeypatch.setattr(start, "wait_for_banner", lambda *_: container.calls.append("banner"))

    def preflight(
        _name: str, scripts: dict[str, bytes | None], display: str | None, _context: object, user: str = ""
    ) -> None:
        if any(scripts.values()) or not user:
            container.calls.append(f"preflight {display}" + (f" by {user}" if user else ""))

    monkeypatch.setattr(start, "run_preflight", preflight)
    monkeypatch.setattr(user_entry, "give_home", lambda _container, user: container.calls.append(f"home of {user}"))
    monkeypatch.setattr(creation, "check_base", lambda *_: container.calls.append("check base"))
    monkeypatch.setattr(engine, "is_remote", lambda: False, raising=False)
    monkeypatch.setattr(engine, "known", lambda name: engine.store.get(name), raising=False)
    return container
