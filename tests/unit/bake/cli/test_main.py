"""The command line: which command runs, how it ends, and what is printed where."""

from __future__ import annotations

import argparse
import errno
import io
import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from desktop_bake import DesktopBakeError, EngineError, RegistryError
from desktop_bake.bake.cli import context
from desktop_bake.bake.cli import main as module
from desktop_bake.bake.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], list[argparse.Namespace]]:
    """`command(outcome)`: every command returns this, or raises it; the arguments that each got. No file is read."""
    ran: list[argparse.Namespace] = []

    def start(outcome: object) -> list[argparse.Namespace]:
        def run(arguments: argparse.Namespace, *_context: object) -> object:
            ran.append(arguments)
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome

        def load(name: str, package: str) -> SimpleNamespace:
            assert package == "desktop_bake.bake.cli"
            return SimpleNamespace(**{name.rpartition(".")[2]: run})

        monkeypatch.setattr(module, "import_module", load)
        monkeypatch.setattr(context, "work_of", lambda arguments: SimpleNamespace(typed=arguments.typed))
        return ran

    return start


@pytest.mark.parametrize("status", [0, 1, 3, 124])
def test_the_status_is_the_commands(command: Callable[[object], list[argparse.Namespace]], status: int) -> None:
    """The command gets the arguments, and what was typed; its status is the program's."""
    ran = command(status)
    assert main(["key", "gpu", "--json"]) == status
    (arguments,) = ran
    assert (arguments.command, arguments.env, arguments.json, arguments.recorder) == ("key", "gpu", True, None)
    assert arguments.typed == ["key", "gpu", "--json"]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["no-such-command"], "unknown command 'no-such-command'"),
        (["key", "--no-such-flag"], "unrecognized arguments: --no-such-flag"),
        (["completion", "ksh"], "argument SHELL: invalid choice: 'ksh'"),
        (["run", "--depth", "many"], "argument --depth: invalid int value: 'many'"),
    ],
)
def test_wrong_usage(typed: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Anything that is no command line is status 2, one line, and how to find help."""
    assert main(typed) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.splitlines()[0].startswith(f"error: {says}")
    assert "--help" in errors.splitlines()[1]


@pytest.mark.parametrize(
    ("typed", "usage"),
    [
        ([], "usage: desktop-bake [-h]"),
        (["env"], "usage: desktop-bake env [-h] ACTION"),
        (["help"], "usage: desktop-bake [-h]"),
        (["help", "env", "set"], "usage: desktop-bake env set [-h]"),
    ],
)
def test_help_as_dockers(typed: list[str], usage: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No command at all, a command that is nothing without an action, and `help` show help, with status 0."""
    with pytest.raises(SystemExit) as caught:
        main(typed)
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith(usage)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["imges"], "error: unknown command 'imges'\n  did you mean 'images'?\n"),
        (["env", "shw"], "error: unknown action 'shw'\n  did you mean 'show'?\n"),
        (["key", "--jsno"], "error: unrecognized arguments: --jsno\n  did you mean '--json'?\n"),
        (["--confg=a", "key"], "error: unrecognized arguments: --confg=a\n  did you mean '--config'?\n"),
    ],
)
def test_typos(typed: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistyped command, action or flag is reported with the nearest one."""
    assert main(typed) == 2
    assert capsys.readouterr() == ("", says)


def test_flags_before_the_command(command: Callable[[object], list[argparse.Namespace]]) -> None:
    """As with docker, what every command takes can be typed before it; what is typed after it wins."""
    ran = command(0)
    main(["-q", "--config", "a.toml", "--frozen", "--pull", "never", "env", "show", "--config", "b.toml", "gpu"])
    (got,) = ran
    assert (got.command, got.action, got.env, got.quiet, got.frozen, got.pull, got.config) == (
        *("env", "show", "gpu", True, True, "never"),
        Path("b.toml"),
    )


@pytest.mark.parametrize(
    ("error", "status", "printed"),
    [
        (EngineError("no engine", "start it"), 4, "error: no engine\n  start it\n"),
        (RegistryError("refused"), 5, "error: refused\n"),
        (DesktopBakeError("a\x1b[31m\nb"), 1, "error: a\\x1b[31m b\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_how_it_ends(
    command: Callable[[object], list[argparse.Namespace]],
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    status: int,
    printed: str,
) -> None:
    """An error is its line and its remedy on standard error, and its own status."""
    command(error)
    assert main(["key"]) == status
    assert capsys.readouterr() == ("", printed)


LISTS = [sys.executable, "-m", "desktop_bake"]


@pytest.mark.parametrize("words", [["schema"], ["--help"], ["completion", "bash"], ["render", "--help"]])
@pytest.mark.parametrize("buffered", [True, False])
def test_nobody_reads(words: list[str], buffered: bool) -> None:
    """A pipe that was closed ends it quietly, whenever what it has to say comes out."""
    ours, theirs = os.pipe()
    os.close(ours)
    environment = {**os.environ, "PYTHONUNBUFFERED": "" if buffered else "1"}
    with os.fdopen(theirs, "wb") as output:
        done = subprocess.run([*LISTS, *words], stdout=output, stderr=subprocess.PIPE, check=False, env=environment)
    assert done.stderr == b""
    assert done.returncode in (0, 1)  # argparse passes over it if nothing is buffered


@pytest.mark.parametrize("buffered", [True, False])
def test_no_room_for_output(buffered: bool) -> None:
    """Output that its disk has no room for is an error like any other."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "" if buffered else "1"}
    with Path("/dev/full").open("wb") as output:
        done = subprocess.run([*LISTS, "schema"], stdout=output, stderr=subprocess.PIPE, check=False, env=environment)
    said = b"error: output cannot be written: No space left on device\n  make room where it goes\n"
    assert (done.returncode, done.stderr) == (1, said)


@pytest.mark.parametrize(
    ("number", "file", "says"),
    [
        (errno.ENOSPC, "/cache/a", "cannot write /cache/a: No space left on device"),
        (errno.EAGAIN, None, "this machine is at a limit: Resource temporarily unavailable"),
        (errno.EMFILE, "/cache/a", "this machine is at a limit: Too many open files"),
    ],
)
def test_a_machine_that_is_exhausted(
    command: Callable[[object], list[argparse.Namespace]],
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    file: str | None,
    says: str,
) -> None:
    """A resource of the machine that is used up is one line, and a remedy."""
    monkeypatch.setattr(module, "_give_up", lambda *_streams: None)  # the test's own streams
    command(OSError(number, os.strerror(number), file))
    assert main(["key"]) == 1
    error, remedy = capfd.readouterr().err.splitlines()
    assert (error, bool(remedy.strip())) == (f"error: {says}", True)


def test_no_room_for_errors() -> None:
    """An error that its disk has no room for leaves the exit status."""
    with Path("/dev/full").open("wb") as output:
        done = subprocess.run([*LISTS, "key", "nowhere"], stdout=output, stderr=output, check=False)
    assert done.returncode == 1


def test_another_error_of_the_system_is_seen(command: Callable[[object], list[argparse.Namespace]]) -> None:
    """Other errors of the system are our faults, and not swallowed."""
    command(PermissionError())
    with pytest.raises(PermissionError):
        main(["key"])


def test_streams_that_are_closed(tmp_path: Path) -> None:
    """With any of its streams closed a command does what it does; nothing that it opens takes their numbers."""
    program = "import os, sys; from desktop_bake.bake.cli.main import main; status = main(['schema']); os.fstat(0); "
    program += "os.fstat(2); os.write(1, b'end'); sys.exit(status + (sys.stdin.isatty() or sys.stderr.isatty()))"
    file = tmp_path / "out"
    for closed in ("<&-", "2>&-", "<&- 2>&-"):
        words = ["sh", "-c", f'"$@" >{file} {closed}', "sh", sys.executable, "-c", program]
        assert subprocess.run(words, check=False).returncode == 0, closed
        assert file.read_bytes().endswith(b"}\nend")
    assert subprocess.run(["sh", "-c", f"{shlex.join(LISTS)} schema >&-"], check=False).returncode == 0


def test_colours(command: Callable[[object], list[argparse.Namespace]], monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the word is red; NO_COLOR takes that away."""
    monkeypatch.delenv("TERM", raising=False)
    command(EngineError("no engine"))
    errors = io.StringIO()
    monkeypatch.setattr(errors, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stderr", errors)
    for variable in (None, "1"):
        monkeypatch.delenv("NO_COLOR", raising=False)
        if variable:
            monkeypatch.setenv("NO_COLOR", variable)
        main(["key"])
    assert errors.getvalue() == "\033[31merror:\033[0m no engine\nerror: no engine\n"


def test_a_fault_of_ours_is_seen(command: Callable[[object], list[argparse.Namespace]]) -> None:
    """An error that is not ours is not swallowed."""
    command(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        main(["key"])


def test_context(command: Callable[[object], list[argparse.Namespace]], monkeypatch: pytest.MonkeyPatch) -> None:
    """A context of the command line precedes the environment's engine."""
    monkeypatch.setenv("DOCKER_CONTEXT", "")
    command(0)
    main(["key", "--context", "far"])
    assert os.environ["DOCKER_CONTEXT"] == "far"
    assert "DOCKER_HOST" not in os.environ


@pytest.mark.parametrize(
    ("typed", "variable", "written"),
    [
        (["resolve"], True, True),
        (["resolve", "--metrics"], False, True),
        (["key"], True, False),
        (["resolve"], False, False),
    ],
)
def test_metrics(
    command: Callable[[object], list[argparse.Namespace]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    typed: list[str],
    variable: bool,
    written: bool,
) -> None:
    """A failure of a command that uses images leaves its line in the file, of the flag or of the variable."""
    file = tmp_path / "m.jsonl"
    if variable:
        monkeypatch.setenv("DESKTOP_BAKE_METRICS", str(file))
    command(EngineError("no engine"))
    assert main([*typed, str(file)] if "--metrics" in typed else typed) == 4
    assert file.exists() is written
    if written:
        line = json.loads(file.read_text())
        assert (line["command"], line["status"], line["error"]) == ("resolve", "failed", "no engine")


def test_interrupts(command: Callable[[object], list[argparse.Namespace]]) -> None:
    """Ctrl-C and SIGTERM end the command; a second one does not keep it from cleaning up."""
    command(0)
    main(["key"])
    handler = signal.getsignal(signal.SIGTERM)
    assert callable(handler)
    assert signal.getsignal(signal.SIGINT) is handler
    with pytest.raises(KeyboardInterrupt):
        handler(signal.SIGTERM, None)
    assert {signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)} == {signal.SIG_IGN}


def test_interrupts_that_are_ignored(command: Callable[[object], list[argparse.Namespace]]) -> None:
    """If our caller wants Ctrl-C ignored, it stays so."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    command(0)
    main(["key"])
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


@pytest.mark.parametrize(
    "loaded", ["gettext", "argparse", "desktop_bake.bake.system.lazy", "desktop_bake.bake.cli.parser", "tomllib"]
)
def test_interrupted_while_it_loads(tmp_path: Path, loaded: str) -> None:
    """Ctrl-C has one line or none, and the status of any Ctrl-C, whichever module was loaded last."""
    file = tmp_path / "desktop-bake.toml"
    os.mkfifo(file)  # else it might end by itself before
    words = [sys.executable, "-X", "importtime", *LISTS[1:], "key", "--config", str(file)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert any(line.rpartition("|")[2].strip() == loaded for line in process.stderr)
        process.send_signal(signal.SIGINT)
        said = [line for line in process.stderr if not line.startswith("import time:")]
    assert said in ([], ["interrupted\n"])
    assert process.returncode in (module.INTERRUPTED, -signal.SIGINT)  # both are 130 to a shell


@pytest.mark.parametrize("word", ["--version", "-v", "-V", "version"])
def test_version(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The version is of what is installed."""
    with pytest.raises(SystemExit) as caught:
        main([word])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("desktop-bake ")
