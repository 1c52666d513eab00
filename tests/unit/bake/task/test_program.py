"""The shell programs of a task's container, run here."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake.bake.task import program as here
from desktop_bake.bake.task.program import found, on_terminal, program

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT_S = 60


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


def install(scripts: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Install by these scripts."""
    return shell("bash", "-c", program("install"), "install", scripts, "one", "two", variables=variables)


def test_every_program_stands_in_a_file() -> None:
    """Whatever lies beside the module is handed over, whole."""
    files = {path.stem: path.read_text() for path in Path(here.__file__).parent.glob("*.sh")}
    others = {"command", "forward", "found", "layer", "preflight"}
    assert files.keys() == {"at_start", "install", *others, "on_terminal", "with_bash", "with_logs", "with_python"}
    assert {name: program(name) for name in files} == files


# --- at_start.sh, install.sh -----------------------------------------------------------------------------------


def test_waits_then_becomes_the_desktop() -> None:
    """Once a line shows that all is installed, the desktop takes its place, and reads what comes after that line."""
    words = (
        "sh",
        "-c",
        program("at_start"),
        "at_start",
        "bash",
        "-c",
        'cat; printf "%s\\n" "$0" "$@"',
        "desktop",
        "a b",
    )
    done = shell(*words, given=b"installed\nsecret stay\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["secret stay", "desktop", "a b"]


def test_waits_for_nobody_who_is_gone() -> None:
    """If its standard input ends before that, so does it, and the container with what is installed in it."""
    done = shell("sh", "-c", program("at_start"), "at_start", "echo", "never")
    assert (done.returncode, done.stdout) == (1, "")


def test_installs(scripts: Path) -> None:
    """The scripts run in their order, without input and without a desktop; no line is a command's output."""
    desktop = dict.fromkeys(("DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"), "theirs")
    done = install(scripts, HOME=str(scripts), LANG="C", **desktop)
    assert (done.returncode, done.stdout) == (0, "")
    said = done.stderr.splitlines()
    assert (said[0], said[-2:]) == ("one", ["two", "[desktop] installed"])
    assert {f"HOME={scripts}", "LANG=C"} <= set(said)
    assert not [line for line in said if "theirs" in line]


def test_installs_into_its_own_home(scripts: Path) -> None:
    """The user that installs writes nothing into the home of the task's user."""
    done = install(scripts, HOME="/proc/1/nowhere")
    assert f"HOME={pwd.getpwuid(os.getuid()).pw_dir}" in done.stderr.splitlines()


def test_a_script_that_fails(scripts: Path) -> None:
    """Its status is the install's, and nothing else runs."""
    (scripts / "one").write_text("exit 9\n")
    done = install(scripts)
    assert (done.returncode, done.stdout, done.stderr) == (9, "", "")


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


# --- found.sh --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "status", "output", "errors"),
    [
        (("sh", "-c", 'cat; echo "$0" >&2; exit 5', "a b"), 5, "in", "a b\n"),
        (("sh", "-c", "kill -KILL $$"), -signal.SIGKILL, "", ""),
        (("printf", "%s|", "a b", "", "$x", "`c`"), 0, "a b||$x|`c`|", ""),
    ],
)
def test_a_further_command(words: tuple[str, ...], status: int, output: str, errors: str) -> None:
    """It takes the place of the shell, so that input, output, status and signals are its own, and words stay words."""
    done = shell(*found(words), given=b"in")
    assert (done.returncode, done.stdout, done.stderr) == (status, output, errors)


# --- with_logs.sh ----------------------------------------------------------------------------------------------


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A folder with what stands in for the pipes of a container's log, `1` and `2`."""
    for name in "12":
        (tmp_path / name).touch()
    return tmp_path


def logged(log: Path, *words: str, variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command so that the log has its output, too."""
    text = program("with_logs").replace("/proc/1/fd", str(log))
    return shell("sh", "-c", text, "command", *words, given=b"in", variables=variables)


@pytest.mark.parametrize(
    ("words", "status", "output", "errors"),
    [
        (("sh", "-c", 'cat; echo "$0" >&2; exit 5', "a b"), 5, "in", "a b\n"),
        (("sh", "-c", "kill -KILL $$"), 137, "", ""),
        (("printf", "%s|", "a b", "", "$x", "`c`"), 0, "a b||$x|`c`|", ""),
        (("sh", "-c", "seq 20000"), 0, "".join(f"{n}\n" for n in range(1, 20001)), ""),
        (("sh", "-c", "[ ! -e /proc/self/fd/4 ] && [ ! -e /proc/self/fd/5 ] && echo closed"), 0, "closed\n", ""),
    ],
)
def test_with_logs(log: Path, words: tuple[str, ...], status: int, output: str, errors: str) -> None:
    """The caller and the log have the same of each stream; input and status are the command's, and words stay words."""
    done = logged(log, *words)
    assert (done.returncode, done.stdout, done.stderr) == (status, output, errors)
    assert ((log / "1").read_text(), (log / "2").read_text()) == (output, errors)


def test_nothing_to_log(log: Path) -> None:
    """A command that there is not is named in both, with a shell's status; a builtin of the shell is none."""
    done = logged(log, "no such")
    assert (done.returncode, done.stdout, done.stderr) == (127, "", (log / "2").read_text())
    assert done.stderr.startswith("[desktop] command not found in the image: no such; install it")
    assert logged(log, "shift").returncode == 127


@pytest.mark.parametrize("lacking", ["pipe", "bash"])
def test_without_a_log(log: Path, lacking: str) -> None:
    """If nobody may write to the log, or without bash, the caller has the output all the same."""
    variables = {}
    if lacking == "pipe":
        (log / "2").unlink()
        (log / "2").mkdir()
    else:
        (log / "bin").mkdir()
        for name in ("sh", "cat"):
            (log / "bin" / name).symlink_to(shutil.which(name) or "")
        variables["PATH"] = str(log / "bin")
    done = logged(log, "cat", variables=variables)
    assert (done.returncode, done.stdout, done.stderr) == (0, "in", "")
    assert (log / "1").read_text() == ""


# --- on_terminal.sh --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "status", "output"),
    [
        (
            ("sh", "-c", 'test -t 0 && test -t 1 && stty size; echo "$0 $TERM" >&2; exit 5', "a b"),
            5,
            "24 80\na b xterm\n",
        ),
        (("sh", "-c", "kill -KILL $$"), 137, ""),
        (("sh", "-c", "sleep 100 & seq 20000"), 0, "".join(f"{n}\n" for n in range(1, 20001))),
    ],
)
def test_on_a_terminal(command: tuple[str, ...], status: int, output: str) -> None:
    """It has a terminal of the usual size; all that it prints, and its status, are handed on once it has ended."""
    done = shell(*on_terminal(command), variables={"TERM": "xterm"})
    assert (done.returncode, done.stdout.replace("\r\n", "\n"), done.stderr) == (status, output, "")


def test_a_terminal_keeps_the_path(tmp_path: Path) -> None:
    """The command is found by its own PATH and has it, wherever Python is."""
    (tmp_path / "mine").write_text('#!/bin/sh\necho "$PATH"\n')
    (tmp_path / "mine").chmod(0o755)
    done = shell(*on_terminal(["mine"]), variables={"PATH": str(tmp_path)})
    assert (done.returncode, done.stdout) == (0, f"{tmp_path}\r\n")


def test_no_terminal(tmp_path: Path) -> None:
    """A command that there is not is named, and so is Python if the image has none."""
    done = shell(*on_terminal(["no such"]))
    assert (done.returncode, done.stdout) == (127, "")
    assert done.stderr.startswith("[desktop] command not found in the image: no such; install it")
    words = [re.sub('/usr/local/sbin:[^"]*', str(tmp_path), word) for word in on_terminal(["sh"])]
    (tmp_path / "sh").symlink_to("/bin/sh")
    done = shell(*words, variables={"PATH": str(tmp_path)})
    assert (done.returncode, done.stdout) == (126, "")
    assert done.stderr.startswith("[desktop] no Python for a terminal of the command; install python3")


# --- with_bash.sh, preflight.sh --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/nonexistent", ""])
def test_bash_is_found_without_a_path(path: str) -> None:
    """With no PATH of the base, bash and its programs are found where distributions put them."""
    words = ("/bin/sh", "-c", program("with_bash"), "bash", "-c", 'ls / >/dev/null && echo "$0 $1"', "a", "b c")
    done = shell(*words, variables={"PATH": path})
    assert (done.returncode, done.stdout, done.stderr) == (0, "a b c\n", "")


def test_a_base_without_bash(tmp_path: Path) -> None:
    """If no bash is, that is reported in a line."""
    text = re.sub('/usr/local/sbin:[^"]*', str(tmp_path), program("with_bash"))
    done = shell("/bin/sh", "-c", text, "bash", "-c", "true", variables={"PATH": ""})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "[desktop] unsupported base: it has no bash; install it in the base\n"


def test_a_script_by_standard_input(tmp_path: Path) -> None:
    """It runs with bash and without input, however long it is; its status is reported, and its file is gone."""
    script = "# " + "x" * 300_000 + "\n[[ $BASH ]] && cat && echo $PATH && exit 7\n"
    words = ("/bin/sh", "-c", program("preflight"))
    done = shell(*words, given=script.encode(), variables={"PATH": "/nonexistent", "TMPDIR": str(tmp_path)})
    assert (done.returncode, done.stderr) == (7, "")
    assert done.stdout.startswith("/nonexistent:/usr/local/sbin:")
    assert list(tmp_path.iterdir()) == []
    assert shell(*words, given=b"exit 3", variables={"TMPDIR": "/nonexistent"}).returncode == 1


def test_a_script_of_another_user(tmp_path: Path) -> None:
    """Another user has neither the session nor the home of the task's user, who keeps both."""
    words = ("/bin/sh", "-c", program("preflight"), "preflight")
    theirs = {"XDG_RUNTIME_DIR": "/proc/1/nowhere", "DBUS_SESSION_BUS_ADDRESS": "theirs", "HOME": "/proc/1/nowhere"}
    own = {"XDG_RUNTIME_DIR": str(tmp_path), "DBUS_SESSION_BUS_ADDRESS": "ours", "HOME": str(tmp_path)}
    script = b'echo "${XDG_RUNTIME_DIR-} ${DBUS_SESSION_BUS_ADDRESS-} $HOME"'
    home = pwd.getpwuid(os.getuid()).pw_dir
    assert shell(*words, "other", given=script, variables=theirs).stdout == f"  {home}\n"
    assert shell(*words, "other", given=script, variables=own).stdout == f"{tmp_path} ours {tmp_path}\n"
    assert shell(*words, given=script, variables=theirs).stdout == "/proc/1/nowhere theirs /proc/1/nowhere\n"


# --- forward.sh ------------------------------------------------------------------------------------------------


def test_a_port_where_nobody_listens() -> None:
    """The forwarding ends at once if it cannot connect."""
    assert shell("bash", "-c", program("forward"), "forward", "1").returncode == 1
