"""`desktop-bake run`: what is run where, what is refused, and how it exits."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import Settings, TaskGoneError, TimeLimitError
from desktop_bake.bake.cli import pictures, streams, watching
from desktop_bake.bake.cli.commands import run
from desktop_bake.bake.cli.main import main
from desktop_bake.bake.images.result import LocalHit
from desktop_bake.bake.task import start
from tests.harness.work import order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.harness.fake_engine import FakeEngine

URL = "http://127.0.0.1:1/vnc.html#path=secret"


class Task:
    """A task.

    Attributes:
        calls: what was done with it.
        asked: with what it was started.
        status: of its command.
        ends: what waiting for it ends with.
        prints: what its command prints.
    """

    novnc_url: str | None = URL
    container_id = "c0ffee"
    engine = None
    name = "n"
    platform: str | None = None

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.asked: dict[str, Any] = {}
        self.status = 0
        self.ends: list[BaseException | int] = []
        self.prints = b""

    def wait(self, _timeout_s: float) -> int:
        """As `DesktopTask.wait`."""
        ended = self.ends.pop(0)
        if isinstance(ended, BaseException):
            raise ended
        return ended

    def stop(self, status: int) -> None:
        """As `DesktopTask.stop`."""
        self.calls.append(("stop", status))


@pytest.fixture(autouse=True)
def task(monkeypatch: pytest.MonkeyPatch, engine: FakeEngine) -> Task:
    """What is started."""
    task = Task()

    def started(environment: Any, image: Any, _context: Any, options: Any, command: Any) -> Task:
        task.asked = {"environment": environment.env_id, "image": image, "options": options, "command": list(command)}
        task.platform = environment.platform
        return task

    @contextlib.contextmanager
    def pictured(_task: Task, wish: Any, _say: Any, output: Any = None) -> Iterator[None]:
        try:
            yield
        finally:
            task.calls.append(("screenshot", wish.file, wish.every_s))
            if output:
                output.write(b"picture")

    monkeypatch.setattr(pictures, "pictured", pictured)
    monkeypatch.setattr(run, "ensured", lambda *_: LocalHit(order=order(Settings()), image_id="sha256:1"))
    monkeypatch.setattr(start, "started", started)
    monkeypatch.setattr(engine, "is_remote", lambda: False, raising=False)

    def run_task(_task: Task, command: list[str], limit_s: float | None) -> int:
        task.calls.append(("execute", *command, *[limit_s] * bool(limit_s)))
        os.write(1, task.prints)
        return task.status

    monkeypatch.setattr(streams, "run_task", run_task)
    return task


@pytest.mark.parametrize("status", [0, 3, 127])
def test_a_command(typed: Callable[..., tuple[int, str, str]], task: Task, status: int) -> None:
    """The command's status is the program's; the address is on standard error; the task is gone in the end."""
    task.status = status
    assert typed("run", "--", "make", "-x") == (status, "", f"[desktop] {URL}\n")
    assert task.calls == [("execute", "make", "-x"), ("stop", status)]
    assert task.asked["command"] == []


@pytest.mark.parametrize(
    ("words", "environment", "command"),
    [
        (("make",), "default", ["make"]),
        (("plain", "make"), "plain", ["make"]),
        (("plain", "--", "make"), "plain", ["make"]),
        (("--", "plain"), "default", ["plain"]),
        (("make", "plain"), "default", ["make", "plain"]),
    ],
)
def test_which_environment(
    typed: Callable[..., tuple[int, str, str]], task: Task, words: tuple[str, ...], environment: str, command: list[str]
) -> None:
    """A first word that names an environment is one; before `--` it has to be."""
    assert typed("run", *words)[0] == 0
    assert task.asked["environment"] == environment
    assert task.calls[0] == ("execute", *command)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("gone", "--", "make"), "gone"),
        (("plain", "--screenshot", "a.png"), "--screenshot comes where the command should begin"),
        (("--screenshot", "a.png", "plain"), "environment 'plain' has no desktop to take a screenshot of"),
        (("--json", "--", "a"), "--json tells how to reach a detached task"),
        (("--record", "a.avi"), "a.avi: a film is .mp4 or .webm"),
        (("--detach", "--record", "a.mp4"), "needs this program until the command ends, and --detach ends it before"),
        (("--record", "a.mp4", "plain"), "environment 'plain' has no desktop to film"),
        (("--screenshot-every", "2s"), "--screenshot-every needs a file"),
        (("--screenshot", "a", "--screenshot-every", "0"), "--screenshot-every 0 is too short a pause"),
        (("--screenshot", "a", "--screenshot-every", "2"), "the duration '2' has no unit"),
        (("--screenshot", "no/a.png"), "there is no folder no for the screenshot"),
        (
            ("--detach", "--screenshot", "a.png"),
            "needs this program until the command ends, and --detach ends it before",
        ),
        (("-v", "/no/such/folder:/b"), "cannot mount /no/such/folder"),
        (("--env-file", "gone"), "cannot read gone: No such file or directory"),
        (("-p", "x"), "malformed port 'x'"),
        (("--novnc-port", "0"), "bad noVNC port 0"),
        (("-it", "--", "a"), "--tty and --interactive read a terminal, and standard input is none"),
        (("-m", "1"), "memory '1' is too little"),
        (("--shm-size", "x"), "bad shm_size 'x'"),
        (("--cpus", "x"), "bad cpus 'x'"),
        (("--platform", "x"), "malformed platform 'x'"),
        (("--timeout", "600"), "write --timeout 600s, or for the build's limit --build-timeout 600"),
        (("--timeout", "0s"), "--timeout 0s leaves a task no time"),
        (("--timeout", "1h", "-d"), "let the task end itself: timeout 2h CMD"),
    ],
)
def test_refused(typed: Callable[..., tuple[int, str, str]], task: Task, words: tuple[str, ...], says: str) -> None:
    """Impossible requests are reported before anything is started."""
    status, output, errors = typed("run", *words)
    assert (status, output, task.asked) == (2, "", {})
    assert says in errors


def test_a_limit(typed: Callable[..., tuple[int, str, str]], task: Task) -> None:
    """A task's limit is its command's, or that of a desktop without one; the task is stopped, with status 124."""
    assert typed("run", "--timeout", "1m30s", "--", "make")[0] == 0
    assert task.calls == [("execute", "make", 90), ("stop", 0)]
    task.ends = [TimeLimitError("late", "raise it")]
    assert typed("run", "--timeout", "2s") == (124, "", f"[desktop] {URL}\nerror: late\n  raise it\n")
    assert task.calls[2:] == [("stop", 0)]


def test_options(typed: Callable[..., tuple[int, str, str]], task: Task, project: Path) -> None:
    """The flags are the task's options; a later variable precedes a file's."""
    (project / "env").write_text("A=file\nB=file\n")
    words = (
        "--geometry",
        "800x600",
        "--env-file",
        "env",
        "-e",
        "A=flag",
        "-p",
        "8080:80",
        "--name",
        "mine",
        "--no-auth",
    )
    status, _, errors = typed("run", *words, "--name", "mine", "-e", "GONE_HERE", "--", "x")
    options = task.asked["options"]
    assert (status, options.geometry, options.name, options.auth) == (0, "800x600", "mine", False)
    assert options.fixed_size
    assert options.variables == {"A": "flag", "B": "file", "GONE_HERE": None}
    assert [port.host for port in options.ports] == [8080]
    assert "[desktop] WARNING: -e GONE_HERE: it is not set here" in errors
    assert "[desktop] WARNING: --no-auth: every user of this machine" in errors
    assert "no effect" not in errors


def test_a_cache_for_nothing(typed: Callable[..., tuple[int, str, str]], project: Path) -> None:
    """If the cache is on but there is no desktop to cache, a task says so: it has no desktop."""
    configuration = project / "desktop-bake.toml"
    configuration.write_text(
        configuration.read_text().replace("[environments.plain]", "[environments.plain]\ncache_desktop_build = true")
    )
    status, _, errors = typed("run", "plain", "--", "x")
    assert status == 0
    why = "cache_desktop_build has no effect while headless_desktop_enabled is off in 'plain'"
    assert f"[desktop] WARNING: {why}\n" in errors


@pytest.mark.parametrize(
    ("words", "tty", "detach"), [(("-t",), True, False), (("-i",), False, False), (("-dit",), True, True)]
)
def test_a_terminal(
    typed: Callable[..., tuple[int, str, str]], task: Task, words: tuple[str, ...], tty: bool, detach: bool
) -> None:
    """`-t` alone needs no terminal here, nor does a detached task; `-i` changes nothing."""
    assert typed("run", *words, "--", "x")[0] == 0
    assert (task.asked["options"].tty, task.asked["options"].detach) == (tty, detach)


def test_a_platform(typed: Callable[..., tuple[int, str, str]], task: Task, project: Path) -> None:
    """The flag precedes the environment's own platform, for its image and for its task."""
    configuration = project / "desktop-bake.toml"
    configuration.write_text(configuration.read_text() + 'platform = "linux/amd64"\n')
    assert typed("run", "plain", "--platform", "linux/arm64", "x")[0] == 2  # flags go first
    assert typed("run", "--platform", "linux/arm64", "plain", "x")[0] == 0
    assert (task.asked["options"].platform, task.platform) == ("linux/arm64", "linux/arm64")


def test_detached(typed: Callable[..., tuple[int, str, str]], task: Task) -> None:
    """A detached task stays: its container is on standard output, or all of it as JSON."""
    assert typed("run", "-d", "--", "make") == (0, "c0ffee\n", f"[desktop] {URL}\n")
    assert (task.asked["command"], task.calls) == (["make"], [])
    status, output, _ = typed("run", "-d", "--json")
    assert (status, json.loads(output)) == (0, {"schema": 1, "container_id": "c0ffee", "name": "n", "novnc_url": URL})


def test_without_a_command(typed: Callable[..., tuple[int, str, str]], task: Task) -> None:
    """Without a command the desktop stays until it ends, or until Ctrl-C."""
    task.ends = [TimeLimitError("a year"), TaskGoneError("the task is gone", "start another")]
    assert typed("run")[::2] == (7, f"[desktop] {URL}\nerror: the task is gone\n  start another\n")
    task.ends = [KeyboardInterrupt()]
    assert typed("run")[0] == 130
    assert task.calls == [("stop", 0), ("stop", 0)]


@pytest.mark.parametrize("words", [[], ["--timeout", "1m"], ["--metrics", "m"], ["--screenshot", "a"], ["--", "x"]])
@pytest.mark.usefixtures("project")
def test_who_watches(task: Task, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    """A process of its own leaves an idle desktop to a shell, with the line to print; with more to do, it stays."""
    lines: list[str] = []
    monkeypatch.setattr(watching, "hand_over", lambda _task, line: lines.append(line))
    monkeypatch.setattr(sys, "argv", ["desktop-bake", "run", *words])
    task.ends = [KeyboardInterrupt()] * 2
    main()
    assert lines == [f"[desktop] {URL}"] * (not words)
    main(["run", *words])
    assert len(lines) <= 1


def test_screenshot(typed: Callable[..., tuple[int, str, str]], task: Task, project: Path) -> None:
    """The picture is taken before the task ends; a line of metrics is left."""
    assert typed("run", "--screenshot", "a.png", "--metrics", "m.jsonl", "--", "x")[0] == 0
    assert task.calls == [("execute", "x"), ("screenshot", "a.png", 0), ("stop", 0)]
    assert json.loads((project / "m.jsonl").read_text())["status"] == "local-hit"


def test_screenshots_until_ctrl_c(typed: Callable[..., tuple[int, str, str]], task: Task) -> None:
    """They are taken while it runs, and the last one when it is interrupted, before it is told to end."""
    task.ends = [KeyboardInterrupt()]
    assert typed("run", "--screenshot", "%d.png", "--screenshot-every", "1m30s")[0] == 130
    assert task.calls == [("screenshot", "%d.png", 90), ("stop", 0)]


def test_screenshot_on_standard_output(project: Path, task: Task, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """The picture is all that goes there; what the command prints goes to standard error."""
    task.novnc_url, task.prints = None, b"printed"
    assert main(["run", "--screenshot", "-", "--", "x"]) == 0
    assert capfdbinary.readouterr() == (b"picture", b"printed")


def test_record(typed: Callable[..., tuple[int, str, str]], task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recorder's image is there before the task is, and the film ends before the task does, after its pictures."""

    @contextlib.contextmanager
    def filmed(_task: Task, wish: Any, image: str, _say: Any) -> Iterator[None]:
        yield
        task.calls.append(("film", str(wish.file), image))

    monkeypatch.setattr(pictures, "recorder_image", lambda *_: "sha256:2")
    monkeypatch.setattr(pictures, "filmed", filmed)
    assert typed("run", "--record", "a.mp4", "--screenshot", "a.png", "--", "x")[0] == 0
    assert task.calls == [("execute", "x"), ("screenshot", "a.png", 0), ("film", "a.mp4", "sha256:2"), ("stop", 0)]


def test_a_task_without_a_desktop(typed: Callable[..., tuple[int, str, str]], task: Task) -> None:
    """Without a desktop no address is reported."""
    task.novnc_url = None
    assert typed("run", "plain", "--", "x") == (0, "", "")
