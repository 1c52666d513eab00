"""The command line: arguments in, results on standard output, everything else on standard error."""

from __future__ import annotations

import argparse
import contextlib
import errno
import io
import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

from ...generator.errors import DesktopBakeError
from ..system.lazy import lazy
from .parser import WITH_ACTIONS, parser

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..metrics import recorder
    from ..system import files
    from . import context
else:
    context = lazy(".context", __package__)
    recorder = lazy("..metrics.recorder", __package__)
    files = lazy("..system.files", __package__)


INTERRUPTED = 130
_LIMITS = (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM)  # of open files, processes and memory
RECORDED = ("resolve", "build", "run", "warm")  # commands that append a line to the file of --metrics


def _interrupt(_number: int, _frame: object) -> NoReturn:
    for number in (signal.SIGINT, signal.SIGTERM):  # a second Ctrl-C must not stop us from cleaning up
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _meant(typed: Sequence[str]) -> list[str]:
    """The words to parse; as with docker, no command or `help` shows help, `-v` or `version` the version."""
    if typed[:1] == ["help"]:
        return [*typed[1:], "--help"]
    if list(typed) in (["-v"], ["-V"], ["version"]):
        return ["--version"]
    return [*typed, "--help"] if list(typed) in ([], *([name] for name in WITH_ACTIONS)) else list(typed)


def _open_streams() -> None:
    """Open the null device for each stream that our caller closed, so that no other file gets its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(descriptor, True)
            setattr(sys, name, os.fdopen(descriptor, mode))
    if isinstance(sys.stdout, io.TextIOWrapper):  # escape what the encoding lacks; in JSON, as JSON does
        sys.stdout.reconfigure(errors="backslashreplace")


def _give_up(*streams: TextIO) -> None:
    """Discard unwritten output; else the interpreter tries again when it ends, and complains."""
    for stream in streams:
        with contextlib.suppress(OSError, ValueError), Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())


def _exhausted(error: OSError) -> DesktopBakeError | None:
    """The error for what no command expects: a disk or another resource of this machine is used up; None for others."""
    if error.errno in files.NO_ROOM:
        if error.filename:
            return DesktopBakeError(f"cannot write {error.filename}: {error.strerror}", "make room there")
        return DesktopBakeError(f"output cannot be written: {error.strerror}", "make room where it goes")
    if error.errno in _LIMITS:
        return DesktopBakeError(f"this machine is at a limit: {error.strerror}", "raise or free it: ulimit -a; free")
    return None


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: arguments without the program's name; the process's own if None.

    Returns:
        The exit status, as the README lists them.
    """
    _open_streams()
    try:
        signal.signal(signal.SIGTERM, _interrupt)
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # else our caller wants it to be ignored
            signal.signal(signal.SIGINT, _interrupt)
        try:
            return _run(_meant(sys.argv[1:] if argv is None else argv), is_own=argv is None)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # our reader is gone, like `head` once it has its lines: there is nobody to tell
        _give_up(sys.stdout, sys.stderr)
        return 1
    except OSError as error:
        exhausted = _exhausted(error)
        if exhausted is None:  # a fault of ours
            raise
        with contextlib.suppress(OSError):  # standard error has no room either
            context.show_error(exhausted)
        _give_up(sys.stdout, sys.stderr)
        return 1
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):  # nobody reads it
            print("\ninterrupted" if sys.stderr.isatty() else "interrupted", file=sys.stderr)  # a terminal shows ^C
        return INTERRUPTED


def _run(typed: list[str], *, is_own: bool) -> int:
    """Run one command.

    Args:
        typed: its words.
        is_own: whether this process has no other purpose, so that another program may take its place.
    """
    arguments = argparse.Namespace(recorder=None, typed=typed, is_own=is_own)
    try:
        flags_first = typed[0].startswith("-") and typed[0] != "--version"
        parser(whole=False, before=flags_first).parse_args(typed, arguments)
        if arguments.context:
            os.environ["DOCKER_CONTEXT"] = arguments.context
            os.environ.pop("DOCKER_HOST", None)
        metrics = getattr(arguments, "metrics", None) or os.environ.get("DESKTOP_BAKE_METRICS")
        if metrics and arguments.command in RECORDED:
            arguments.recorder = recorder.Recorder(Path(metrics), arguments.command)
        module = import_module(f".commands.{arguments.command.replace('-', '_')}", __package__)
        command = getattr(module, arguments.command.replace("-", "_"))
        return int(command(arguments, context.work_of(arguments)) if arguments.configured else command(arguments))
    except DesktopBakeError as error:
        if arguments.recorder:
            arguments.recorder.fail(error)
        context.show_error(error)
        return error.exit_status


if __name__ == "__main__":
    sys.exit(main())
