"""The API as a runner uses it: the code of docs/runner.md, cancellation, limits, many at once, a killed program."""

from __future__ import annotations

import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import Exited, Output, Ready, Settings, Started, TaskOptions, ensure_desktop_image, start_task
from desktop_bake.bake.engine.engine import Engine
from desktop_bake.bake.images.result import Disabled
from desktop_bake.bake.task.mounts import Mount
from desktop_bake.bake.task.novnc import banner
from desktop_bake.generator.errors import CancelledError, ConfigurationError, TaskError, TaskGoneError, TimeLimitError
from tests.harness.tasks import tasks

if TYPE_CHECKING:
    from desktop_bake import Environment, ImageResult, TaskEvent


PAGE = Path(__file__).parents[2] / "docs" / "runner.md"


@pytest.fixture
def image(desktop: Environment, desktop_settings: Settings) -> ImageResult:
    """The baked desktop."""
    return ensure_desktop_image(desktop, desktop_settings)


def test_the_runner_of_the_page(tmp_path: Path, base: str, image: ImageResult) -> None:
    """The page's code, unchanged, runs a task: its output, its URL, its status; about 30 lines."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len([line for line in blocks[0].splitlines() if line.strip()]) <= 32
    (tmp_path / "runner.py").write_text(blocks[0])
    words = ["sh", "-c", "xdotool getdisplaygeometry; echo $GREETING; exit 5"]
    done = subprocess.run(
        [sys.executable, "runner.py", base, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    told = [line for line in lines if line.startswith("watch it at http://127.0.0.1:")]
    assert len(told) == 1  # the command may print before
    assert [line for line in lines if line not in told][-3:] == ["1024 768", "hello", "status 5"]
    assert tasks("default") == []


def test_not_in_the_main_thread(
    desktop: Environment, desktop_settings: Settings, image: ImageResult, capsys: pytest.CaptureFixture[str]
) -> None:
    """All works in a thread, and the log gets the command's lines there; the events come in order, the page's code
    understands them, and an error in the receiver of events ends no task."""
    lines, events = list[str](), list["TaskEvent"]()
    page: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    exec(next(block for block in blocks if "def on_event" in block), page)

    def on_event(event: TaskEvent) -> None:
        events.append(event)
        page["on_event"](event)
        if len(events) == 2:
            raise ValueError("no such window")

    def work() -> int:
        command = ("sh", "-c", "echo one; echo two >&2; exit 3")
        more: Any = {"command": command, "log": lines.append, "on_event": on_event}
        with start_task(desktop, image, desktop_settings, **more) as task:
            assert events[1] == Started(task.container_id, task.name)
            assert events[2] == Ready(task.novnc_url)
            return task.wait(60)

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        assert pool.submit(work).result(120) == 3
    assert {"one", "two"} <= set(lines)
    assert any("on_event failed at Started: ValueError: no such window" in line for line in lines)
    assert [type(event).__name__ for event in events[:3]] == ["Creating", "Started", "Ready"]
    assert set(events[3:-1]) == {Output("stdout", "one"), Output("stderr", "two")}
    assert events[-1] == Exited(3)
    printed = capsys.readouterr().out
    assert "stdout: one\n" in printed
    assert printed.endswith("ended with 3\n")
    assert tasks(desktop.env_id) == []


def test_wait_has_a_limit_and_can_be_cancelled(
    desktop: Environment, desktop_settings: Settings, image: ImageResult
) -> None:
    """The limit and a cancellation end the wait, not the task; stopping ends the wait of another thread."""
    cancel = threading.Event()
    for command, ended in ((("sleep", "1000"), 137), ((), 0)):
        cancel.clear()
        with start_task(desktop, image, desktop_settings, command=command) as task:
            with pytest.raises(TimeLimitError):
                task.wait(0.1)
            threading.Timer(0.1, cancel.set).start()
            start = time.monotonic()
            with pytest.raises(CancelledError):
                task.wait(60, cancel)
            assert time.monotonic() - start < 2
            assert task.novnc_url
            assert banner(task.novnc_url)
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                waiting = pool.submit(task.wait, 60)
                task.stop()
                assert waiting.result(20) == ended
            task.stop()
    assert tasks(desktop.env_id) == []


def test_a_desktop_that_ends_by_itself(desktop: Environment, desktop_settings: Settings, image: ImageResult) -> None:
    """If the X server dies, waiting ends with its last message, with and without a command; nothing more is done."""
    script = "for p in /proc/[0-9]*; do grep -qx Xvnc $p/comm && kill ${p#/proc/}; done"
    for command in ((), ("sh", "-c", f"{script}; sleep 1000")):
        with start_task(desktop, image, desktop_settings, command=command) as task:
            if not command:
                task.execute(["sh", "-c", f"({script}) &"])
            ended = r"^the desktop of the task [0-9a-f]{12} ended: (Xvnc|fluxbox) exited with"
            with pytest.raises(TaskGoneError, match=ended):
                task.wait(30)
            with pytest.raises(TaskGoneError, match=r"^no screenshot: Error response from daemon: .*container"):
                task.screenshot(Path("never.png"))
            with pytest.raises(TaskGoneError):
                task.execute(["true"])
    assert tasks(desktop.env_id) == []


def test_a_part_that_does_not_start(
    desktop: Environment, desktop_settings: Settings, image: ImageResult, tmp_path: Path
) -> None:
    """If the gate ends before the rest is up, that is the error, and not the time limit."""
    script = tmp_path / "websockify"
    script.write_text("#!/no/python3\n")
    script.chmod(0o755)
    options = TaskOptions(mounts=(Mount(kind="bind", source=str(script), target="/usr/bin/websockify"),))
    with pytest.raises(TaskError, match=r"gate exited with status 127: .*/no/python3: No such file"):
        start_task(desktop, image, desktop_settings, options=options)
    assert tasks(desktop.env_id) == []


@pytest.mark.parametrize("stream", [1, 2])
def test_half_a_line(
    desktop: Environment, desktop_settings: Settings, image: ImageResult, tmp_path: Path, stream: int
) -> None:
    """Other programs' output does not hide the desktop's own lines, and no stream's line is part of another's."""
    (tmp_path / "profile").write_text(f"printf 'half a line' >&{stream}\n")
    options = TaskOptions(
        mounts=(Mount(kind="bind", source=str(tmp_path / "profile"), target="/etc/profile.d/desktop.sh"),)
    )
    lines: list[str] = []
    script = "printf a >&2; sleep 0.2; printf b; sleep 0.2; echo A >&2; sleep 0.2; echo B; printf c"
    with start_task(
        desktop, image, desktop_settings, options=options, log=lines.append, command=("sh", "-c", script)
    ) as task:
        assert task.wait(60) == 0
    assert lines[-3:] == ["aA", "bB", "c"]
    assert tasks(desktop.env_id) == []


def test_a_line_without_an_end(desktop: Environment, desktop_settings: Settings, image: ImageResult) -> None:
    """A command that prints without ever ending its line is forwarded in pieces, and nothing is lost."""
    lines: list[str] = []
    plain = replace(desktop, headless_desktop_enabled=False)
    command = ("sh", "-c", "head -c 20000000 /dev/zero | tr '\\0' x")
    with start_task(plain, image, desktop_settings, log=lines.append, command=command) as task:
        assert task.wait(60) == 0
    assert sum(map(len, lines)) == 20_000_000
    assert max(map(len, lines)) < 2 << 20


def test_a_start_is_cancelled(desktop: Environment, desktop_settings: Settings, base: str, image: ImageResult) -> None:
    """Cancelling while it installs at start removes the container, at once."""
    cancel = threading.Event()
    at_start = Disabled(environment=desktop.env_id, image=base, reason="", install_at_start=True)

    def log(line: str) -> None:
        if "installing packages" in line:
            cancel.set()

    start = time.monotonic()
    with pytest.raises(CancelledError):
        start_task(desktop, at_start, desktop_settings, log=log, cancel=cancel)
    assert time.monotonic() - start < 15
    assert tasks(desktop.env_id) == []


def test_side_by_side(desktop: Environment, desktop_settings: Settings, image: ImageResult) -> None:
    """Six at once: each has its own port and secret, and one secret does not open another task."""
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        started = list(pool.map(lambda _: start_task(desktop, image, desktop_settings), range(6)))
        try:
            urls = [task.novnc_url or "" for task in started]
            assert len({url.split("#")[0] for url in urls}) == len({url.split("#")[1] for url in urls}) == 6
            assert all(pool.map(banner, urls))
            assert banner(urls[0].split("#")[0] + "#" + urls[1].split("#")[1]) is None
        finally:
            list(pool.map(lambda task: task.stop(), started))
    assert tasks(desktop.env_id) == []


def test_a_killed_program_takes_its_task_along(
    desktop: Environment, image: ImageResult, base: str, tmp_path: Path
) -> None:
    """Nothing is left of a killed program, not even its container."""
    config = tmp_path / "desktop-bake.toml"
    for desktop_on in ("true", "false"):
        config.write_text(
            f'[environments.killed]\nbase_image = "{base}"\nheadless_desktop_enabled = {desktop_on}\n'
            "cache_desktop_build = true\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "desktop_bake", "run", "--", "sh", "-c", "echo up; sleep 1000"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert process.stdout
        assert process.stdout.readline() == b"up\n"
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        end = time.monotonic() + 20
        while tasks("killed"):
            assert time.monotonic() < end
            time.sleep(0.05)


def test_network_none(desktop: Environment, desktop_settings: Settings, image: ImageResult) -> None:
    """A task without a network can still be reached; it cannot be detached."""
    with start_task(desktop, image, desktop_settings, options=TaskOptions(network="none")) as task:
        assert task.novnc_url
        assert banner(task.novnc_url)
        sent = Engine().docker("exec", task.container_id, "cat", "/proc/net/route").stdout
        assert len(sent.splitlines()) == 1
    with pytest.raises(ConfigurationError, match="detached"):
        start_task(desktop, image, desktop_settings, options=TaskOptions(network="none", detach=True))
    with pytest.raises(ConfigurationError, match="share"):
        start_task(desktop, image, desktop_settings, options=TaskOptions(network="host"))
    assert tasks(desktop.env_id) == []


@pytest.mark.parametrize("keep", [False, True])
def test_the_containers_of_others(desktop: Environment, desktop_settings: Settings, base: str, *, keep: bool) -> None:
    """Stopping a task whose container is gone touches neither a new one of its name nor one with the same ID prefix."""
    plain = replace(desktop, headless_desktop_enabled=False)
    image = ensure_desktop_image(plain, desktop_settings)
    words = ["docker", "run", "-d", base, "sleep", "1000"]
    others = [subprocess.run(words, capture_output=True, check=True, text=True).stdout.strip() for _ in range(2)]
    free = f"desktop-bake-test-{os.getpid()}"
    try:
        for name in (others[0][:10], free):
            task = start_task(plain, image, desktop_settings, options=TaskOptions(name=name, keep=keep))
            subprocess.run(["docker", "rm", "-f", task.container_id], capture_output=True, check=True)
            if name == free:
                subprocess.run(["docker", "rename", others[1], free], check=True)
            task.stop()
        words = ["docker", "inspect", "-f", "{{.State.Status}}", *others]
        assert subprocess.run(words, capture_output=True, check=False).stdout == b"running\nrunning\n"
    finally:
        subprocess.run(["docker", "rm", "-f", *others], capture_output=True, check=False)
