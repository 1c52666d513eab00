"""Commands in a container: what they are run with, what they print, and how they end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

import pytest

from desktop_bake import ConfigurationError, TaskGoneError, TimeLimitError
from desktop_bake.bake.engine.api import Answer
from desktop_bake.bake.task import execute as module
from desktop_bake.bake.task.execute import Completed, Execution, execute
from desktop_bake.bake.task.program import found

if TYPE_CHECKING:
    from pathlib import Path

    from desktop_bake.bake.engine.engine import Engine


class Running:
    """An engine whose container runs, or does not."""

    def __init__(self, *, runs: bool = True) -> None:
        self._runs = runs

    def ask(self, *_: object) -> Answer:
        """As `Engine.ask`."""
        return Answer(status=200, content={"State": {"Running": self._runs}})


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The words that the docker client would be run with; the command itself runs here."""
    asked: list[list[str]] = []
    real = module.words_of

    def words(*given: Any) -> list[str]:
        asked.append(real(*given))
        return list(given[1])

    monkeypatch.setattr(module, "words_of", words)
    return asked


def run(*command: str, engine: Running | None = None, **how: Any) -> Completed:
    """Run a command."""
    return execute(cast("Engine", engine or Running()), "c0ffee", command, cast("Execution", how))


def test_what_it_prints(here: list[list[str]]) -> None:
    """Its status and both streams are the answer; it reads what it is given, as whom and where it is said."""
    done = run("sh", "-c", "cat; echo err >&2; exit 3", stdin=b"in\0put", user="1:2")
    assert done == Completed(status=3, stdout=b"in\0put", stderr=b"err\n")
    assert here[0][:5] == ["docker", "exec", "-i", "-u", "1:2"]
    assert run("cat") == Completed(status=0, stdout=b"", stderr=b"")
    assert here[1] == ["docker", "exec", "c0ffee", *found(["cat"])]


def test_a_command_that_is_not_there(here: list[list[str]]) -> None:
    """Its status is a shell's, and standard output stays empty: what docker would print there is not the command's."""
    said = b"[desktop] command not found in the image: no such; install it in the setup script or the base\n"
    assert run("no such") == Completed(status=127, stdout=b"", stderr=said)


def test_where_it_runs(here: list[list[str]], tmp_path: Path) -> None:
    """It runs in the folder that is given; one that is not there is reported on standard error."""
    assert run("pwd", workdir=str(tmp_path)).stdout.decode() == f"{tmp_path}\n"
    said = b"[desktop] cannot change to the folder /no such; name another: --workdir DIR\n"
    assert run("pwd", workdir="/no such") == Completed(status=126, stdout=b"", stderr=said)


def test_lines_as_they_come(here: list[list[str]]) -> None:
    """Each line is handed on by its stream while the command still runs, the last without an end, too."""
    read, write = os.pipe()
    lines: list[tuple[str, str]] = []

    def output(stream: str, line: str) -> None:
        lines.append((stream, line))
        if line == "one":
            os.write(write, b"go on\n")

    with os.fdopen(read), os.fdopen(write, "w"):
        run("bash", "-c", f"echo one; read -r _ </proc/{os.getpid()}/fd/{read}; printf two >&2", output=output)
    assert lines == [("stdout", "one"), ("stderr", "two")]


def test_output_that_fails(here: list[list[str]]) -> None:
    """What a callback raises is raised where the caller waits."""

    def fail(*_: str) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run("echo", "a", output=fail)


def test_a_limit(here: list[list[str]]) -> None:
    """A command that does not end in time is left."""
    with pytest.raises(TimeLimitError, match=r"^the command did not end within 0\.05 s$"):
        run("sleep", "60", timeout_s=0.05)


def test_a_task_that_is_gone(here: list[list[str]]) -> None:
    """A command that ends with its container has no status of its own."""
    with pytest.raises(TaskGoneError, match=r"^the task c0ffee has ended, and the command with it$"):
        run("false", engine=Running(runs=False))


@pytest.mark.parametrize("command", ["make all", b"make", [], ["a", 1]])
def test_what_is_no_command(command: Any) -> None:
    """A text instead of words is reported."""
    with pytest.raises(ConfigurationError, match=r"^the command is "):
        execute(cast("Engine", Running()), "c0ffee", command, {})
    with pytest.raises(TypeError, match="'cwd'"):
        run("a", cwd="/")
