"""A task's start: what the container is made of, how the secret gets there, and that nothing is left after an error."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from desktop_bake import ConfigurationError, DesktopTask, Settings, TaskError, TaskOptions, TimeLimitError
from desktop_bake.bake.images.result import Disabled, Fallback, LocalHit
from desktop_bake.bake.system.folders import cache_folder
from desktop_bake.bake.task import forward as forwarding
from desktop_bake.bake.task import start
from desktop_bake.bake.task.background import MainCommand
from desktop_bake.bake.task.console import INSTALLED, LISTENS, READY
from desktop_bake.bake.task.program import program
from desktop_bake.bake.task.start import start_task, started
from desktop_bake.generator.script import Script
from tests.harness.fake_container import FakeContainer, next_container
from tests.harness.recipes import OFFICE
from tests.harness.work import order, work

if TYPE_CHECKING:
    from desktop_bake.bake.engine.engine import Engine
    from desktop_bake.bake.images.result import ImageResult
    from tests.harness.fake_engine import FakeEngine

IMAGE_ID = "sha256:" + "1" * 64
HIT = LocalHit(order=order(Settings()), image_id=IMAGE_ID)
PLAIN = Disabled(environment="plain", image="debian:bookworm", reason="no desktop", install_at_start=False)
FALLBACK = Fallback(environment="office", image="debian:bookworm", cache_key=None, reason="x", exit_status=6)
NO_DESKTOP = replace(OFFICE, headless_desktop_enabled=False)


@pytest.fixture
def container(monkeypatch: pytest.MonkeyPatch, engine: FakeEngine) -> FakeContainer:
    """The container that is made next."""
    return next_container(monkeypatch, engine)


def run(
    engine: FakeEngine, lines: list[str], image: ImageResult = HIT, environment: Any = OFFICE, **more: Any
) -> DesktopTask:
    """Start a task."""
    options = more.pop("options", TaskOptions())
    return started(environment, image, work(engine, log=lines.append), options, more.pop("command", ()))


def test_a_hit(container: FakeContainer, engine: FakeEngine, lines: list[str]) -> None:
    """The container is made of the ID, gets its secret by its input, and is ready once its desktop says so."""
    task = run(engine, lines)
    assert container.calls == [f"create {IMAGE_ID} None", "attach", "write", "start", "banner", "preflight :1"]
    secret = container.written.decode().split(" ")[0]
    assert container.written == f"{secret} \n".encode()
    assert len(secret) >= 32
    assert task.novnc_url
    assert secret in task.novnc_url
    assert secret not in repr(container.body)
    assert lines == [READY]
    assert list((cache_folder() / "starting").iterdir()) == []


@pytest.mark.parametrize(
    ("options", "written"), [(TaskOptions(auth=False), b"- \n"), (TaskOptions(auth=False, detach=True), b"- stay\n")]
)
def test_the_secret(
    container: FakeContainer, engine: FakeEngine, lines: list[str], options: TaskOptions, written: bytes
) -> None:
    """Without a secret the container is told so, and if it is to stay, that, too."""
    task = run(engine, lines, options=options)
    assert container.written == written
    assert task.novnc_url
    assert "token" not in task.novnc_url


def test_another_platform(container: FakeContainer, engine: FakeEngine) -> None:
    """A start that asks for a platform gets no image of another, and makes its container for it alone."""
    engine.store[IMAGE_ID] = replace(engine.add("a"), image_id=IMAGE_ID)

    def start_on(platform: str) -> None:
        options = TaskOptions(platform=platform)
        start_task(OFFICE, HIT, Settings(), options=options, engine=cast("Engine", engine))

    start_on("linux/amd64")
    assert container.calls[0] == f"create {IMAGE_ID} linux/amd64"
    container.calls.clear()
    with pytest.raises(ConfigurationError, match=r" is for linux/amd64, linux/arm64 is asked for$"):
        start_on("linux/arm64")
    assert container.calls == []


def test_without_a_desktop(container: FakeContainer, engine: FakeEngine, lines: list[str]) -> None:
    """A task without a desktop has its own name, no address, and lives as long as its input."""
    task = run(engine, lines, PLAIN, NO_DESKTOP, options=TaskOptions(name="mine"))
    assert container.calls == [
        "check base",
        "create debian:bookworm None",
        "rename mine",
        "attach",
        "start",
        "preflight None",
    ]
    assert [*container.body["Entrypoint"], *container.body["Cmd"]] == [
        "/bin/sh",
        "-c",
        program("command"),
        "command",
    ]
    assert task.novnc_url is None
    run(engine, lines, PLAIN, NO_DESKTOP, options=TaskOptions(detach=True))
    assert [*container.body["Entrypoint"], *container.body["Cmd"]] == ["sleep", "infinity"]


def test_a_user(container: FakeContainer, engine: FakeEngine, lines: list[str]) -> None:
    """A desktop's user has a home before the container starts; a title shows the environment."""
    run(engine, lines, options=TaskOptions(user="7"))
    assert container.calls[1:5] == ["home of 7", "attach", "write", "start"]
    assert "DESKTOP_NAME=office" in container.body["Env"]
    container.calls.clear()
    run(engine, lines, PLAIN, NO_DESKTOP, options=TaskOptions(user="7"))
    assert "home of 7" not in container.calls
    assert "DESKTOP_NAME=office" not in container.body["Env"]


def test_an_install_at_start(container: FakeContainer, engine: FakeEngine, lines: list[str]) -> None:
    """If nothing is baked, the scripts are put there and their lines are shown, without secrets; what the install reads
    of the build arguments is there, too."""
    container.installs = ["https://u:hunter2@h/", f"half a line{INSTALLED}"]
    run(engine, lines, FALLBACK, replace(OFFICE, build_args={"DESKTOP_FONTS": "none", "OTHER": "x"}))
    assert {text for text in container.body["Env"] if text.startswith(("DESKTOP_F", "OTHER"))} == {"DESKTOP_FONTS=none"}
    assert set(container.files) == {"desktop_install.sh", "desktop_setup.sh"}
    assert lines == ["https://***@h/", f"half a line{INSTALLED}", READY]
    assert container.calls[-5:] == [
        "start",
        "install desktop_install.sh desktop_setup.sh as 0",
        "write",
        "banner",
        "preflight :1",
    ]
    assert container.written.startswith(b"installed\n")
    assert program("at_start") in container.body["Cmd"]


@pytest.mark.parametrize(("image_user", "user"), [("", "0"), ("worker:staff", "worker:staff")])
def test_who_installs(
    container: FakeContainer, engine: FakeEngine, lines: list[str], image_user: str, user: str
) -> None:
    """What a task's image lacks is installed by that image's user, as in a bake; what runs at every start is not."""
    engine.store[IMAGE_ID] = replace(engine.add("a"), user=image_user)
    environment = replace(OFFICE, preflight_script=Script.text("x\n"), preflight_run_script=Script.text("y\n"))
    run(engine, lines, HIT, environment, options=TaskOptions(user="7"))
    assert container.calls[-2:] == [f"preflight :1 by {user}", "preflight :1"]
    assert container.body["User"] == "7"


@pytest.mark.parametrize("says", [[], [LISTENS], ["no screens found"]])
def test_a_desktop_that_ends(container: FakeContainer, engine: FakeEngine, lines: list[str], says: list[str]) -> None:
    """A desktop that ends before it is ready is an error with its last words; the container is gone, and the note."""
    container.says = list(says)
    with pytest.raises(TaskError, match=r"^the desktop ended before it was ready: ") as caught:
        run(engine, lines)
    assert not says or says[-1] in str(caught.value)
    assert container.calls[-2:] == ["remove", "close"]
    assert list((cache_folder() / "starting").iterdir()) == []


@pytest.mark.parametrize("error", [TimeLimitError("late"), KeyboardInterrupt()])
def test_whatever_fails(
    container: FakeContainer,
    engine: FakeEngine,
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
) -> None:
    """After any error, Ctrl-C too, the container is gone; a limit is reported with what is waited for."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(start, "wait_for_banner", fail)
    with pytest.raises(type(error)) as caught:
        run(engine, lines)
    assert container.calls[-2:] == ["remove", "close"]
    if isinstance(error, TimeLimitError):
        assert str(caught.value) == "the desktop was not ready after 60 s"


def test_a_remote_engine(
    container: FakeContainer, engine: FakeEngine, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port that the engine does not publish here is forwarded; after an error that ends, too."""
    made: list[tuple[str, int, int]] = []

    def forward(container_id: str, port: int, wanted: int) -> SimpleNamespace:
        made.append((container_id, port, wanted))
        return SimpleNamespace(local_port=4321, close=lambda: container.calls.append("unforward"))

    container.port = None
    monkeypatch.setattr(forwarding, "Forward", forward)
    monkeypatch.setattr(engine, "is_remote", lambda: True)
    task = run(engine, lines)
    assert made[0][0] == "c0ffee"
    assert task.novnc_url
    assert ":4321/" in task.novnc_url
    assert (
        "PortBindings" not in container.body.get("HostConfig", {}) or not container.body["HostConfig"]["PortBindings"]
    )
    with pytest.raises(TaskError, match="the desktop ended"):
        run(engine, lines)
    assert "unforward" in container.calls


@pytest.mark.parametrize("how", ["remote", "no network"])
def test_a_detached_desktop_that_nobody_reaches(
    container: FakeContainer, engine: FakeEngine, lines: list[str], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """What could be reached only by way of this program cannot outlive it."""
    monkeypatch.setattr(engine, "is_remote", lambda: how == "remote")
    options = TaskOptions(detach=True, network="none" if how == "no network" else None)
    with pytest.raises(ConfigurationError, match=r"^a detached task's desktop cannot be reached"):
        run(engine, lines, options=options)
    assert container.calls == []


def test_a_command(
    container: FakeContainer, engine: FakeEngine, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the task is for runs in it, once all is ready."""
    words: list[Any] = []

    def command(_container: object, said: Any, _log: object) -> str:
        words.extend(said)
        return "the command"

    monkeypatch.setattr(start, "Command", command)
    task = run(engine, lines, command=["make", "a b"])
    assert str(task.command) == "the command"
    assert words == ["make", "a b"]
    assert container.body["Cmd"][-1] == program("command")


@pytest.mark.parametrize("environment", [OFFICE, NO_DESKTOP])
def test_a_detached_command(
    container: FakeContainer, engine: FakeEngine, lines: list[str], monkeypatch: pytest.MonkeyPatch, environment: Any
) -> None:
    """It is the container's own: it is there from the start, is told to begin in the end, and its end is waited for."""
    monkeypatch.setattr(start, "Ending", lambda _endpoint, name: container.calls.append(f"waits for {name}"))
    task = run(engine, lines, HIT, environment, command=["make", "a b"], options=TaskOptions(detach=True))
    assert container.body["Cmd"][-2:] == ["make", "a b"]
    assert program("command") in container.body["Cmd"]
    assert container.calls[-3:] == ["waits for c0ffee", "write", "flush"]
    assert container.written == b"go\n"
    assert isinstance(task.command, MainCommand)


def test_proxies(
    container: FakeContainer, engine: FakeEngine, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client's proxies are the task's, unless it has its own."""
    monkeypatch.setattr(start, "client_proxies", lambda _host: {"HTTP_PROXY": "p", "NO_PROXY": "n"})
    run(engine, lines, options=TaskOptions(variables={"NO_PROXY": "mine"}))
    assert {"HTTP_PROXY=p", "NO_PROXY=mine"} <= set(container.body["Env"])
