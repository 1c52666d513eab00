"""A container through the engine's API: what is asked, what a refusal means, and how it is removed for certain."""

from __future__ import annotations

import io
import re
import socket
import tarfile
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import pytest

from desktop_bake import EngineError, TaskError, TaskGoneError, TimeLimitError
from desktop_bake.bake.engine import archive
from desktop_bake.bake.engine.api import Answer, Endpoint
from desktop_bake.bake.task import container as module
from desktop_bake.bake.task.console import Console
from desktop_bake.bake.task.container import Container, NoImageError
from desktop_bake.generator.errors import ConfigurationError, DesktopBakeError

if TYPE_CHECKING:
    from desktop_bake.bake.engine.connection import Connection

BODY = {"Image": "sha256:a"}


class FakeEndpoint:
    """An engine's API that gives what it is told to, one answer after another, and notes each question."""

    def __init__(self, *answers: Answer | Exception | Connection) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, Any, Any]] = []

    def ask(
        self, method: str, path: str, query: object = None, body: object = None, *, timeout_s: float = 60.0
    ) -> Answer:
        """As `Endpoint.ask`."""
        self.asked.append((method, path, query, body))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Answer)
        return answer

    def hijack(self, path: str, query: object, body: object = None) -> Answer | Connection:
        """As `Endpoint.hijack`."""
        self.asked.append(("HIJACK", path, query, body))
        answer = self.answers.pop(0)
        assert not isinstance(answer, Exception)
        return answer


def said(status: int, content: Any = None) -> Answer:
    """An answer; a text is the engine's message."""
    return Answer(status=status, content={"message": content} if isinstance(content, str) else content)


def made(*answers: Answer | DesktopBakeError | Connection) -> tuple[Container, FakeEndpoint]:
    """A container that was created, and what it is asked of next."""
    endpoint = FakeEndpoint(said(201, {"Id": "abc"}), *answers)
    container = Container(cast("Endpoint", endpoint))
    container.create(BODY)
    endpoint.asked.clear()
    return container, endpoint


@pytest.mark.parametrize(("platform", "query"), [(None, {}), ("linux/arm64", {"platform": "linux/arm64"})])
def test_create(platform: str | None, query: dict[str, str]) -> None:
    """It is made under its own random name, for a platform if one is requested."""
    endpoint = FakeEndpoint(said(201, {"Id": "abc"}))
    container = Container(cast("Endpoint", endpoint))
    container.create(BODY, platform)
    assert re.fullmatch(r"desktop-bake-[0-9a-f]{12}", container.name)
    assert endpoint.asked == [("POST", "/containers/create", {"name": container.name, **query}, BODY)]
    assert container.container_id == "abc"
    assert Container(cast("Endpoint", endpoint)).name != container.name


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (said(404, "No such image: a"), NoImageError, "the engine has no image sha256:a"),
        (said(404, "no such network"), TaskError, "the container cannot be created: no such network"),
        (said(400, "invalid port"), ConfigurationError, "the engine refuses the container: invalid port"),
        (said(500, "oops"), TaskError, "the container cannot be created: oops"),
        (EngineError("gone"), EngineError, "gone"),
        (ZeroDivisionError("a fault"), ZeroDivisionError, "a fault"),
    ],
)
def test_create_refused(answer: Answer | Exception, error: type[Exception], text: str) -> None:
    """A missing image, a wrong option and everything else are errors of their own, and so is a fault of our own."""
    container = Container(cast("Endpoint", FakeEndpoint(answer)))
    with pytest.raises(error, match=text) as caught:
        container.create(BODY)
    assert type(caught.value) is error
    assert container.container_id == ""


def test_interrupted_while_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt waits for the engine's answer, so that what was made can be removed by its name."""
    answered = threading.Event()
    monkeypatch.setattr(module, "CALL_TIMEOUT_S", 20.0)

    class Slow(FakeEndpoint):
        def ask(self, *arguments: Any, **more: Any) -> Answer:
            interrupted.wait(20)
            answered.set()
            return said(201, {"Id": "abc"})

    interrupted = threading.Event()

    class Interrupted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            if not interrupted.is_set():
                interrupted.set()
                raise KeyboardInterrupt
            return super().wait(timeout)

    container = Container(cast("Endpoint", Slow()))
    real = threading.Event
    monkeypatch.setattr(threading, "Event", lambda: Interrupted() if not interrupted.is_set() else real())
    with pytest.raises(KeyboardInterrupt):
        container.create(BODY)
    assert answered.is_set()


def test_put() -> None:
    """Files are written as an archive from the root, its folder made on the way."""
    container, endpoint = made(said(200), said(404, "no such path"))
    container.put("/run/x", {"a": b"\0\xff", "b": b""})
    method, path, query, body = endpoint.asked[0]
    assert (method, path, query) == ("PUT", "/containers/abc/archive", {"path": "/"})
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        file = archive.extractfile("run/x/a")
        assert file
        assert file.read() == b"\0\xff"
    with pytest.raises(TaskError, match="the engine refused: no such path"):
        container.put("/run/x", {})


def test_a_file_and_a_home() -> None:
    """A file is read out of an archive, nothing of one that is not there or no file; a home is its user's alone."""
    folder = archive.home_of("/home/u", 7, 8)
    answers = (Answer.of(200, archive.archive_of("/etc", {"passwd": b"root"})), said(404, "no such file"))
    container, endpoint = made(*answers, Answer.of(200, folder), Answer.of(200, b"\xff"), said(200))
    assert [container.read("/etc/passwd") for _ in range(4)] == [b"root", b"", b"", b""]
    assert endpoint.asked[0] == ("GET", "/containers/abc/archive", {"path": "/etc/passwd"}, None)
    container.make_home("/home/u", 7, 8)
    with tarfile.open(fileobj=io.BytesIO(endpoint.asked[-1][-1])) as opened:
        (entry,) = opened
    assert (entry.name, entry.isdir(), entry.mode, entry.uid, entry.gid) == ("home/u", True, 0o700, 7, 8)


def test_rename() -> None:
    """It gets the name that its user wants; a name that is taken is reported, and the old one stays."""
    container, endpoint = made(said(409, "in use"), said(204))
    before = container.name
    with pytest.raises(ConfigurationError, match="the container name 'mine' is taken"):
        container.rename("mine")
    assert container.name == before
    container.rename("mine")
    assert container.name == "mine"
    assert endpoint.asked[0][:3] == ("POST", "/containers/abc/rename", {"name": "mine"})


def test_start() -> None:
    """The engine says why it does not start."""
    container, endpoint = made(
        said(204), said(500, "no such device"), said(500, "Bind for 127.0.0.1:80 failed: port is already allocated")
    )
    container.start()
    assert endpoint.asked[0][:2] == ("POST", "/containers/abc/start")
    with pytest.raises(TaskError, match="the container did not start: no such device"):
        container.start()
    with pytest.raises(TaskError, match=r"^port 127\.0\.0\.1:80 is in use$"):
        container.start()


class Stream:
    """A connection with a socket and no other end."""

    def __init__(self) -> None:
        self.sock, self._theirs = socket.socketpair()

    def close(self) -> None:
        """Close it."""
        self.sock.close()
        self._theirs.close()


def test_attach_and_execute() -> None:
    """Its streams, and a command's, are consoles; a command is made first and then started by its ID."""
    stream = cast("Connection", Stream())
    container, endpoint = made(stream, said(201, {"Id": "e1"}), stream)
    with_all = {"stream": "1", "stdin": "1", "stdout": "1", "stderr": "1"}
    assert isinstance(container.attach(), Console)
    name, console = container.execute(["true", "a b"])
    assert (name, type(console)) == ("e1", Console)
    console.close()
    out = {"AttachStdout": True, "AttachStderr": True}
    assert endpoint.asked == [
        ("HIJACK", "/containers/abc/attach", with_all, None),
        ("POST", "/containers/abc/exec", None, {**out, "AttachStdin": False, "Cmd": ["true", "a b"]}),
        ("HIJACK", "/exec/e1/start", {}, {"Detach": False, "Tty": False}),
    ]


def test_execute_as_another_user() -> None:
    """A command may be another user's than the container's."""
    container, endpoint = made(said(201, {"Id": "e1"}), cast("Connection", Stream()))
    container.execute(["true"], "0")[1].close()
    body = {"AttachStdin": False, "AttachStdout": True, "AttachStderr": True, "Cmd": ["true"], "User": "0"}
    assert endpoint.asked[0] == ("POST", "/containers/abc/exec", None, body)


@pytest.mark.parametrize(
    ("do", "answers"),
    [
        (Container.attach, [said(404, "gone")]),
        (lambda container: container.execute(["a"]), [said(409, "gone")]),
        (lambda container: container.execute(["a"]), [said(201, {"Id": "e"}), said(404, "gone")]),
    ],
)
def test_streams_refused(do: Callable[[Container], object], answers: list[Answer]) -> None:
    """A refusal of streams is an error in the engine's words."""
    container, _ = made(*answers)
    with pytest.raises(TaskError, match="the engine refused: gone"):
        do(container)


def ends(monkeypatch: pytest.MonkeyPatch, end: int | DesktopBakeError) -> None:
    """A container whose end somebody waits for."""

    class Ending:
        def __init__(self, _endpoint: Endpoint, name: str) -> None:
            assert name == "abc"

        def wait(self, _limit_s: float) -> int:
            """As `LaterEnding.wait`."""
            if isinstance(end, DesktopBakeError):
                raise end
            return end

    monkeypatch.setattr(module, "LaterEnding", Ending)


@pytest.mark.parametrize(
    ("content", "wanted"),
    [({"ExitCode": 0}, 0), ({"ExitCode": 3}, 3), ({"ExitCode": 137}, 137), ({"ExitCode": None}, 137)],
)
def test_exit_status(content: Any, wanted: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command whose status is not noted was killed, if its container runs."""
    container, endpoint = made(said(200, content))
    ends(monkeypatch, TimeLimitError("it still runs"))
    assert container.exit_status("e1") == wanted
    assert endpoint.asked[0][:2] == ("GET", "/exec/e1/json")


@pytest.mark.parametrize("content", [{"ExitCode": 137}, {"ExitCode": None}, "no such exec", None])
@pytest.mark.parametrize("end", [0, 143, TaskGoneError("gone")])
def test_no_exit_status(content: Any, end: int | TaskGoneError, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that was killed with its container has none."""
    container, _ = made(said(200, content))
    ends(monkeypatch, end)
    with pytest.raises(TaskGoneError):
        container.exit_status("e1")


@pytest.mark.parametrize(
    "said_of_it", ["No such container: abc", "container abc is not running", "Container 1 is not running"]
)
def test_a_container_that_is_gone(said_of_it: str) -> None:
    """A refusal since the container has ended, or was removed, is reported as that."""
    container, _ = made(said(409, said_of_it))
    with pytest.raises(TaskGoneError, match=r"^the task abc is gone"):
        container.execute(["a"])


def test_an_end_that_is_noted_later() -> None:
    """The engine is asked again as long as it says that a command runs whose streams have ended."""
    running = {"ExitCode": None, "Running": True}
    container, _ = made(said(200, running), said(200, running), said(200, {"ExitCode": 3, "Running": False}))
    assert container.exit_status("e1") == 3


def test_an_end_that_is_never_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command whose end the engine does not note counts as killed after a while."""
    monkeypatch.setattr(module, "NOTED_S", 0.0)
    container, _ = made(said(200, {"ExitCode": None, "Running": True}))
    ends(monkeypatch, TimeLimitError("it still runs"))
    assert container.exit_status("e1") == 137


@pytest.mark.parametrize(
    ("ports", "wanted"),
    [
        ({"6080/tcp": [{"HostPort": "49153"}, {"HostPort": "1"}]}, 49153),
        ({"6080/tcp": None}, None),
        ({"6080/tcp": []}, None),
        ({"6080/udp": [{"HostPort": "1"}]}, None),
        ({"6080/tcp": [{"HostPort": ""}]}, None),
        (None, None),
    ],
)
def test_published(ports: Any, wanted: int | None) -> None:
    """The engine's port that leads to the container's, or none."""
    container, _ = made(said(200, {"NetworkSettings": {"Ports": ports}}), said(404, "gone"))
    assert container.published(6080) == wanted
    assert container.published(6080) is None


# --- removing --------------------------------------------------------------------------------------------------------

REMOVE = ("DELETE", "/containers/abc", {"force": "1", "v": "1"}, None)
WAIT = ("POST", "/containers/abc/wait", {"condition": "removed"}, None)


@pytest.mark.parametrize(
    ("statuses", "asked"),
    [
        ([204], [REMOVE]),
        ([404], [REMOVE]),
        ([409, 200, 404], [REMOVE, WAIT, REMOVE]),
        ([409, 404, 409, 200, 204], [REMOVE, WAIT, REMOVE, WAIT, REMOVE]),
    ],
)
def test_remove(statuses: list[int], asked: list[object]) -> None:
    """It is removed with its volumes by its ID; one that the engine is removing already is waited for."""
    container, endpoint = made(*map(said, statuses))
    container.remove()
    assert endpoint.asked == asked


def test_remove_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that never comes to an end is left after a while."""
    monkeypatch.setattr(module, "_REMOVE_TIMEOUT_S", 0.0)
    container, endpoint = made()
    container.remove()
    assert endpoint.asked == []


def test_remove_what_was_never_answered() -> None:
    """Without an ID it is removed by its random name, since the engine may have made it all the same."""
    endpoint = FakeEndpoint(EngineError("gone"), said(204))
    container = Container(cast("Endpoint", endpoint))
    with pytest.raises(EngineError):
        container.create(BODY)
    container.remove()
    assert endpoint.asked[1][1] == f"/containers/{container.name}"


def test_a_new_name_is_not_its_path() -> None:
    """After it was renamed it is still removed by its ID: another may get that name."""
    container, endpoint = made(said(204), said(304), said(204))
    container.rename("mine")
    container.stop()
    container.remove()
    assert [path for _, path, _, _ in endpoint.asked[1:]] == ["/containers/abc/stop", "/containers/abc"]
