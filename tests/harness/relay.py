"""A relay before an engine's socket: it forwards everything, and lets something happen first at a given message."""

from __future__ import annotations

import re
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PIECE = 1 << 16
Watch = Callable[[bytes], object]


def ignore(_: bytes) -> None:
    """Watch nothing."""


@contextmanager
def relay(engine: str, on: str, event: Callable[[], object]) -> Iterator[str]:
    """The DOCKER_HOST of a relay to an engine.

    Args:
        engine: the engine's own, `unix://…`.
        on: a pattern in a request's "METHOD /path", without the API's version; or "< " and a pattern in the engine's
            answers. The first match waits for the event.
        event: what happens then; the message goes on once it returns.
    """
    method, _, where = on.partition(" ")
    of_engine = method == "<"
    wanted = re.compile((where if of_engine else rf"(?:^|\r\n\r\n){method} (?:/v[0-9.]+)?{where}").encode())
    once = threading.Lock()

    def watch(piece: bytes) -> None:
        if wanted.search(piece) and once.acquire(blocking=False):
            event()

    watches = (ignore, watch) if of_engine else (watch, ignore)
    with passing(engine, lambda: watches) as host:
        yield host


@contextmanager
def passing(engine: str, watches: Callable[[], tuple[Watch, Watch]]) -> Iterator[str]:
    """The DOCKER_HOST of a relay to an engine; each piece is shown before it is forwarded.

    Args:
        engine: the engine's own, `unix://…`.
        watches: returns for each connection two functions, for the client's pieces and for the engine's.
    """
    ends: list[socket.socket] = []

    def carry(source: socket.socket, target: socket.socket, watch: Watch) -> None:
        with suppress(OSError):
            while piece := source.recv(PIECE):
                watch(piece)
                target.sendall(piece)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                upstream = socket.socket(socket.AF_UNIX)
                ends.extend((client, upstream))
                upstream.connect(engine.removeprefix("unix://"))
                of_client, of_engine = watches()
                for way in ((client, upstream, of_client), (upstream, client, of_engine)):
                    threading.Thread(target=carry, args=way, daemon=True).start()

    with tempfile.TemporaryDirectory(prefix="desktop-bake-", dir="/run") as folder:  # a socket's path must be short
        path = Path(folder) / "docker.sock"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen(64)
            threading.Thread(target=accept, daemon=True).start()
            try:
                yield f"unix://{path}"
            finally:
                with suppress(OSError):
                    listener.shutdown(socket.SHUT_RDWR)
                for end in ends:
                    end.close()
