"""The commands for running tasks: for each its name, what it does, an example and its flags."""

from __future__ import annotations

import argparse
from pathlib import Path

from .verbs import Verb, json_flag

TASK = "TASK"
_TASK = "a name, the beginning of an ID, or an environment with one task"


def _one(command: argparse.ArgumentParser) -> None:
    command.add_argument("task", metavar=TASK, help=_TASK)
    _all(command)


def _several(command: argparse.ArgumentParser) -> None:
    command.add_argument("tasks", nargs="+", metavar=TASK, help=_TASK)
    _all(command)


def _all(command: argparse.ArgumentParser) -> None:
    command.add_argument("-a", "--all", action="store_true", help="include tasks of other users and machines")


def _ps(ps: argparse.ArgumentParser) -> None:
    _all(ps)
    ps.add_argument("--no-trunc", action="store_true", help="full names, IDs and keys")
    json_flag(ps)


def _logs(logs: argparse.ArgumentParser) -> None:
    _one(logs)
    logs.add_argument("-f", "--follow", action="store_true", help="keep printing until the task ends, or Ctrl-C")


def _wait(wait: argparse.ArgumentParser) -> None:
    _one(wait)
    wait.add_argument(
        "--timeout", metavar="DURATION", help="stop waiting after this time, such as 30s or 1h, with status 124"
    )
    json_flag(wait)


def _exec(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "-u", "--user", default="", metavar="USER[:GROUP]", help="user that runs it; default: the task's"
    )
    command.add_argument(
        "-w", "--workdir", default="", metavar="DIR", help="working directory; default: the task's own"
    )
    _one(command)
    command.add_argument(
        "words", nargs=argparse.REMAINDER, metavar="[--] CMD…", help="the command, which takes every word from here on"
    )


def _stop(stop: argparse.ArgumentParser) -> None:
    _several(stop)
    stop.add_argument(
        "-t", "--time", type=int, default=10, metavar="S", help="seconds until SIGKILL; default: %(default)s"
    )
    stop.add_argument("--rm", action="store_true", help="also remove a task that was started with --keep")


def _url(url: argparse.ArgumentParser) -> None:
    _one(url)
    url.add_argument(
        "--view-only", action="store_true", help="view only: neither keyboard nor mouse reaches the desktop"
    )
    json_flag(url)


def _screenshot(screenshot: argparse.ArgumentParser) -> None:
    _one(screenshot)
    screenshot.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="file; default: TASK.png; '-' for standard output"
    )


def _resize(resize: argparse.ArgumentParser) -> None:
    _one(resize)
    resize.add_argument("geometry", metavar="WxH", help="width and height in pixels, 64 to 16384 each")


def _cp(cp: argparse.ArgumentParser) -> None:
    cp.add_argument("source", metavar="SRC", help="a path here, or TASK:PATH")
    cp.add_argument("target", metavar="DST", help="a path here, or TASK:PATH")
    _all(cp)


TASK_VERBS = (
    Verb("ps", "list your tasks: running, and ended ones that are kept", "ps", _ps),
    Verb("logs", "print a task's output from the first line", "logs -f office", _logs),
    Verb("attach", "follow a task's output from now on; Ctrl-C leaves it running", "attach office", _one),
    Verb("wait", "wait for a task's end, and exit with its status", "wait office --timeout 1h", _wait),
    Verb("exec", "run another command in a task, and exit with its status", "exec office -- xterm", _exec),
    Verb("stop", "end tasks: SIGTERM, and after a while SIGKILL", "stop office", _stop),
    Verb("url", "print the address of a task's desktop, with its secret", "url office", _url),
    Verb("screenshot", "save a task's desktop as PNG", "screenshot office -o desktop.png", _screenshot),
    Verb("resize", "change the size of a running task's desktop", "resize office 1920x1080", _resize),
    Verb("cp", "copy files to or from a task, running or kept", "cp office:/tmp/out.txt .", _cp),
)
