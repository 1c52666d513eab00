"""`desktop-bake`, also as `python -m desktop_bake`."""

import _signal as signal  # type: ignore[import-not-found]  # what signal wraps, which loads enum and more for that
import sys
from importlib import import_module


def command() -> int:
    """Run one command; Ctrl-C ends the process without a traceback while modules load and after the command's end.

    Returns:
        The exit status.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else our caller wants it to be ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    status: int = import_module("desktop_bake.bake.cli.main").main()
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return status


if __name__ == "__main__":
    sys.exit(command())
