"""The command line: arguments in, results on standard output, everything else on standard error."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ...generator.errors import DesktopBakeError
from ..system.lazy import lazy
from .parser import WITH_ACTIONS, parser

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..metrics import recorder
    from . import context
else:
    context = lazy(".context", __package__)
    recorder = lazy("..metrics.recorder", __package__)


INTERRUPTED = 130
RECORDED = ("resolve", "build", "run", "warm")  # commands that leave a line in the file of --metrics


def _interrupt(_number: int, _frame: object) -> NoReturn:
    for number in (signal.SIGINT, signal.SIGTERM):  # a second Ctrl-C must not stop us from cleaning up
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _meant(typed: Sequence[str]) -> list[str]:
    """The words to parse; as with docker, no command, one that has actions alone, and `help` show help."""
    if typed[:1] == ["help"]:
        return [*typed[1:], "--help"]
    return [*typed, "--help"] if list(typed) in ([], *([name] for name in WITH_ACTIONS)) else list(typed)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: arguments without the program's name; the process's own if None.

    Returns:
        The exit status, as the README lists them.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else our caller wants it ignored
        signal.signal(signal.SIGINT, _interrupt)
    if isinstance(sys.stdout, io.TextIOWrapper):  # what no encoding holds is escaped, in JSON as JSON does
        sys.stdout.reconfigure(errors="backslashreplace")
    typed = _meant(sys.argv[1:] if argv is None else argv)
    arguments = argparse.Namespace(recorder=None, typed=typed)
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
        return int(getattr(module, arguments.command.replace("-", "_"))(arguments))
    except DesktopBakeError as error:
        if arguments.recorder:
            arguments.recorder.fail(error)
        context.show_error(error)
        return error.exit_status
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 1


if __name__ == "__main__":
    sys.exit(main())
