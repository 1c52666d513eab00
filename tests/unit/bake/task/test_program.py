"""The shell programs of a task's container, run here."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake.bake.task import program as here
from desktop_bake.bake.task.program import program

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT_S = 60
# What stands in for desktop_run.sh, and says what it was given.
RUN = 'read -r line; printf "%s\\n" "$line" "$0" "$@"'


def shell(
    *words: object, given: bytes = b"", variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program, with this on its standard input and with no other variables than these."""
    done = subprocess.run(
        [*map(str, words)],
        input=given,
        capture_output=True,
        check=False,
        timeout=LIMIT_S,
        env={"PATH": os.environ["PATH"], **(variables or {})},
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """A folder with an install and a setup script."""
    (tmp_path / "one").write_text("echo one; cat; env\n")
    (tmp_path / "two").write_text("echo two\n")
    return tmp_path


def at_start(scripts: Path, given: bytes, **variables: str) -> subprocess.CompletedProcess[str]:
    """Install at start by these scripts."""
    words = (
        "bash",
        "-c",
        program("at_start"),
        "desktop",
        scripts,
        "one two",
        RUN,
        "the gate",
        "held",
        "the command",
        "a b",
    )
    return shell(*words, given=given, variables=variables)


def test_every_program_stands_in_a_file() -> None:
    """Whatever lies beside the module is handed over, whole."""
    files = {path.stem: path.read_text() for path in Path(here.__file__).parent.glob("*.sh")}
    assert files.keys() == {"at_start", "command", "forward", "layer", "preflight", "with_bash", "with_python"}
    assert {name: program(name) for name in files} == files


# --- at_start.sh -----------------------------------------------------------------------------------------------


def test_installs_then_becomes_the_desktop(scripts: Path) -> None:
    """The scripts run in their order, then the desktop gets the secret's line, and all that is its own; no line
    of the install is the command's output."""
    done = at_start(scripts, b"secret stay\n")
    assert done.returncode == 0, done.stderr
    said = done.stderr.splitlines()
    assert (said[0], said[-2:]) == ("one", ["two", "[desktop] installed"])
    assert done.stdout.splitlines() == ["secret stay", "desktop", "the gate", "held", "the command", "a b"]


def test_no_script_gets_the_secret(scripts: Path) -> None:
    """No script reads it, and none has it in a variable, whatever the environment's variables and shell options are."""
    done = at_start(scripts, b"secret stay\n", desktop_line="given", REPLY="given", SHELLOPTS="allexport:xtrace")
    assert done.stdout.count("secret") == 1
    assert "[desktop] installed" in done.stderr
    assert "secret" not in done.stderr


def test_a_script_that_fails(scripts: Path) -> None:
    """Its status is the task's, and nothing else runs."""
    (scripts / "one").write_text("exit 9\n")
    done = at_start(scripts, b"secret stay\n")
    assert (done.returncode, done.stdout) == (9, "")


def test_an_install_ends_with_its_runner(scripts: Path) -> None:
    """When the standard input ends before the install, so does the install; unless the task is to stay."""
    (scripts / "one").write_text(f"mkfifo {scripts}/pipe; echo waits; read -r _ <{scripts}/pipe\n")
    words = ["bash", "-c", program("at_start"), "desktop", str(scripts), "one two", RUN, "the gate"]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, text=True
    ) as process:
        try:
            assert process.stdin
            assert process.stderr
            process.stdin.write("secret \n")
            process.stdin.flush()
            assert process.stderr.readline() == "waits\n"
            process.stdin.close()
            assert process.wait(LIMIT_S) == -signal.SIGTERM
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # the script, which a container's end would take along


# --- command.sh ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "words", "status", "output"),
    [
        (b"go\nnot its input\n", ("sh", "-c", 'cat; echo "$0" out; exit 5', "a b"), 5, "a b out\n"),
        (b"go\n", ("sh", "-c", "kill -KILL $$"), -signal.SIGKILL, ""),
        (b"go\n", ("test", "1", "=", "1"), 0, ""),
        (b"", ("echo", "never"), 143, ""),
        (b"other\n", ("echo", "never"), 143, ""),
        (b"exit 9\n", (), 9, ""),
    ],
)
def test_a_command(given: bytes, words: tuple[str, ...], status: int, output: str) -> None:
    """It runs once it is told to, has no input, and all that it is, is its own: output, status and signals."""
    done = shell("sh", "-c", program("command"), "command", *words, given=given)
    assert (done.returncode, done.stdout, done.stderr) == (status, output, "")


def test_a_command_that_is_not_there() -> None:
    """It is named, and the status is a shell's."""
    done = shell("sh", "-c", program("command"), "command", "no such", given=b"go\n")
    assert (done.returncode, done.stdout) == (127, "")
    assert done.stderr.startswith("[desktop] command not found in the image: no such; install it")


# --- with_bash.sh, preflight.sh --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/nonexistent", ""])
def test_bash_is_found_without_a_path(path: str) -> None:
    """With no PATH of the base, bash and its programs are found where distributions put them."""
    words = ("/bin/sh", "-c", program("with_bash"), "bash", "-c", 'ls / >/dev/null && echo "$0 $1"', "a", "b c")
    done = shell(*words, variables={"PATH": path})
    assert (done.returncode, done.stdout, done.stderr) == (0, "a b c\n", "")


def test_a_base_without_bash(tmp_path: Path) -> None:
    """Where no bash is, that is said in a line."""
    text = re.sub('/usr/local/sbin:[^"]*', str(tmp_path), program("with_bash"))
    done = shell("/bin/sh", "-c", text, "bash", "-c", "true", variables={"PATH": ""})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "[desktop] unsupported base: it has no bash; install it in the base\n"


def test_a_script_by_standard_input(tmp_path: Path) -> None:
    """It runs with bash and without input, however long it is; its status is told, and its file is gone."""
    script = "# " + "x" * 300_000 + "\n[[ $BASH ]] && cat && echo $PATH && exit 7\n"
    words = ("/bin/sh", "-c", program("preflight"))
    done = shell(*words, given=script.encode(), variables={"PATH": "/nonexistent", "TMPDIR": str(tmp_path)})
    assert (done.returncode, done.stderr) == (7, "")
    assert done.stdout.startswith("/nonexistent:/usr/local/sbin:")
    assert list(tmp_path.iterdir()) == []
    assert shell(*words, given=b"exit 3", variables={"TMPDIR": "/nonexistent"}).returncode == 1


# --- forward.sh ------------------------------------------------------------------------------------------------


def test_a_port_where_nobody_listens() -> None:
    """The forwarding ends at once if it cannot connect."""
    assert shell("bash", "-c", program("forward"), "forward", "1").returncode == 1
