"""The end of a run of tests by a signal: fixtures end what they started, those of pytest-xdist's workers too."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from types import FrameType

LIMIT_S = 120  # for the end of all fixtures


def end_in_good_order() -> None:
    """Let SIGTERM end this process like Ctrl-C.

    A runner in the background starts us with SIGINT ignored, and every process of these tests would inherit that.
    """
    signal.signal(signal.SIGINT, _end)
    signal.signal(signal.SIGTERM, _end)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """Raise once; a SIGTERM that comes later does not interrupt fixtures while they end.

    `timeout` sends it twice: to us, and to our process group. A worker gets one more from `end_workers`.
    """
    signal.signal(signal.SIGTERM, lambda *_: None)  # unlike SIG_IGN, no child inherits this
    raise KeyboardInterrupt


def end_workers(nodes: list[Any]) -> None:
    """Let pytest-xdist's workers end in good order: xdist interrupts them after 5 seconds, and kills them after 10.

    Args:
        nodes: their controllers in this process, which has no other children.
    """
    if nodes:
        for file in Path("/proc/self/task").glob("*/children"):
            for worker in file.read_text().split():
                with suppress(ProcessLookupError):
                    os.kill(int(worker), signal.SIGTERM)
    for node in nodes:
        with suppress(EOFError, node.channel.RemoteError, node.channel.TimeoutError):
            node.channel.waitclose(LIMIT_S)
