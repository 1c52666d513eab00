"""The output of a short-lived program, with limits of time and memory: programs in containers may print anything."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


_PIECE_BYTES = 1 << 16


class TooMuchError(Exception):
    """A program printed more than the limit."""


def captured(words: Sequence[str], *, limit_s: float, limit_bytes: int) -> subprocess.CompletedProcess[bytes]:
    """Run a program without standard input, and return what it prints on either stream.

    Args:
        words: program and arguments.
        limit_s: seconds after which it is killed.
        limit_bytes: the most that it may print on one stream.

    Raises:
        FileNotFoundError: there is no such program.
        subprocess.TimeoutExpired: it did not end in time.
        TooMuchError: it printed more and was killed.
    """
    end = time.monotonic() + limit_s
    with (
        subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child,
        selectors.DefaultSelector() as streams,
    ):
        assert child.stdout
        assert child.stderr
        kept = {child.stdout.fileno(): bytearray(), child.stderr.fileno(): bytearray()}
        try:
            for descriptor in kept:
                streams.register(descriptor, selectors.EVENT_READ)
            while streams.get_map():
                readable = streams.select(max(0.0, end - time.monotonic()))
                if not readable:
                    raise subprocess.TimeoutExpired(words, limit_s)
                for key, _ in readable:
                    piece = os.read(key.fd, _PIECE_BYTES)
                    kept[key.fd] += piece
                    if not piece:
                        streams.unregister(key.fd)
                    elif len(kept[key.fd]) > limit_bytes:
                        raise TooMuchError
            status = child.wait(max(0.0, end - time.monotonic()))
        finally:
            child.kill()  # no effect if it has ended
        output, errors = map(bytes, kept.values())
    return subprocess.CompletedProcess(words, status, output, errors)
