"""A task: commands in it, its end, its picture, and that it is gone afterwards."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from desktop_bake import ConfigurationError, DesktopTask, TaskError, TaskGoneError, TaskOptions, TimeLimitError
from desktop_bake.bake.engine.api import Answer
from desktop_bake.bake.task.task import died

PNG = b"\x89PNG\r\n\x1a\n"


class Around:
    """All that a task works with.

    Attributes:
        calls: what was done, in order.
        lines: what the console has; then None, or a limit's error.
        last: the console's last lines.
        closed: whether the console was told that this is our end.
        answer: what the client answers.
        fails: what removing it ends with.
    """

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.lines: list[str | Exception | None] = []
        self.last: list[str] = []
        self.closed = False
        self.answer = subprocess.CompletedProcess[bytes]((), 0, PNG, b"")
        self.fails: Exception | None = None

    def line(self, _end: float, _cancel: object) -> str | None:
        """As `Console.line`."""
        said = self.lines.pop(0)
        if isinstance(said, Exception):
            raise said
        return said

    def docker(self, *words: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
        """As `Engine.docker`."""
        self.calls.append((words, more))
        return self.answer

    @property
    def endpoint(self) -> Around:
        """As `Engine.endpoint`."""
        return self

    def hijack(self, *_: Any) -> Answer:
        """As `Endpoint.hijack`."""
        return Answer(status=404, content=None)

    def drained(self, _limit_s: float) -> None:
        """As `Console.drained`."""

    def write(self, content: bytes) -> None:
        """As `Console.write`."""
        self.calls.append(content.decode())

    def remove(self) -> None:
        """As `Container.remove`."""
        self.calls.append("remove")
        if self.fails:
            raise self.fails

    def stop(self) -> None:
        """As `Container.stop`."""
        self.calls.append("stop")

    def close(self) -> None:
        """As `Console.close` and `Forward.close`."""
        self.calls.append("close")


def task(around: Around, **fields: Any) -> DesktopTask:
    """A task with these around it."""
    it = cast("Any", around)
    return DesktopTask(
        **{
            "engine": it,
            "container_id": "c0ffee",
            "name": "n",
            "options": TaskOptions(),
            "container": it,
            "console": it,
            **fields,
        }
    )


@pytest.fixture
def around() -> Around:
    """What a task works with."""
    return Around()


def test_wait_for_a_command(around: Around) -> None:
    """A task with a command waits for that."""
    asked: list[Any] = []

    def wait(*words: Any) -> int:
        asked.append(words)
        return 5

    command = SimpleNamespace(wait=wait)
    assert task(around, command=command).wait(7) == 5
    assert asked == [(7, None)]


def test_wait_for_its_end(around: Around) -> None:
    """Without a command it waits for the end of the task, which is 0 if we stopped it."""
    around.lines, around.closed = ["a", "b", None], True
    assert task(around).wait(7) == 0


@pytest.mark.parametrize(
    ("last", "says"),
    [
        (["[desktop] ready", "x"], "the task c0ffee is gone: it was stopped or removed"),
        (
            ["[desktop] Xvnc exited with status 1: no"],
            "the desktop of the task c0ffee ended: Xvnc exited with status 1: no",
        ),
    ],
)
@pytest.mark.parametrize("has_command", [True, False])
def test_wait_for_what_is_gone(around: Around, last: list[str], says: str, has_command: bool) -> None:
    """A task that ended without our doing is an error of its own, with what ended its desktop, if that is known."""

    def wait(*_: Any) -> int:
        raise TaskGoneError("gone")

    command = SimpleNamespace(wait=wait) if has_command else None
    around.lines, around.last = [None], last
    with pytest.raises(TaskGoneError, match=f"^{says}$") as gone:
        task(around, command=command).wait(7)
    assert gone.value.exit_status == 7
    around.lines, around.closed = [None], True
    assert task(around, command=command).wait(7) == (137 if has_command else 0)


def test_wait_has_a_limit(around: Around) -> None:
    """A task that still runs is told so."""
    around.lines = ["a", TimeLimitError("no line")]
    with pytest.raises(TimeLimitError, match=r"^the task still runs after 7 s$"):
        task(around).wait(7)


def test_screenshot(around: Around, tmp_path: Path) -> None:
    """The picture is written; a large screen may have a large one."""
    assert task(around).screenshot(tmp_path / "a.png") == PNG
    assert (tmp_path / "a.png").read_bytes() == PNG
    task(around, options=TaskOptions(geometry="8000x8000")).screenshot(tmp_path / "b.png")
    assert [more["limit_bytes"] for _, more in around.calls] == [64 << 20, 4 * 8000 * 8000]


@pytest.mark.parametrize(
    ("status", "output", "says"),
    [(1, b"", "no screenshot: cannot open display"), (0, b"GIF89a", "no screenshot: cannot open display")],
)
def test_no_screenshot(around: Around, tmp_path: Path, status: int, output: bytes, says: str) -> None:
    """Anything that is no picture is not written."""
    around.answer = subprocess.CompletedProcess[bytes]((), status, output, b"import:\ncannot open display\n")
    with pytest.raises(TaskError, match=f"^{says}$"):
        task(around).screenshot(tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()
    around.answer = subprocess.CompletedProcess[bytes]((), 0, PNG, b"")
    with pytest.raises(ConfigurationError, match=r"^cannot write "):
        task(around).screenshot(tmp_path / "gone" / "a.png")


@pytest.mark.parametrize(
    ("keep", "calls"), [(False, ["close", "remove", "close"]), (True, ["close", "exit 0\n", "stop", "close"])]
)
def test_stop(around: Around, keep: bool, calls: list[str]) -> None:
    """In the end the container is removed, or left stopped, and every connection closed."""
    with task(around, forward=around, options=TaskOptions(keep=keep)):
        pass
    assert around.calls == calls
    assert around.closed


def test_stop_fails(around: Around) -> None:
    """The console is closed also if the engine does not answer."""
    around.fails = TimeLimitError("the engine does not answer")
    with pytest.raises(TimeLimitError):
        task(around).stop()
    assert around.calls == ["remove", "close"]


def test_its_secret_is_not_shown(around: Around) -> None:
    """The address with the secret is in no log by way of the task's representation."""
    assert "hunter2" not in repr(replace(task(around), novnc_url="http://127.0.0.1:1/#hunter2"))


@pytest.mark.parametrize(
    ("last", "says", "remedy"),
    [
        (["a", "no screens found"], "no screens found", "check the base image and the scripts"),
        ([], "it said nothing", "check the base image and the scripts"),
        (["https://u:hunter2@h/"], "https://***@h/", "check the base image and the scripts"),
    ],
)
def test_died(around: Around, last: list[str], says: str, remedy: str) -> None:
    """A desktop that ended is reported with its last words, without secrets."""
    around.last = last
    error = died(cast("Any", around))
    assert (str(error), error.remedy) == (f"the desktop ended before it was ready: {says}", remedy)
