"""A gate in a build step: builds wait at it until the test opens it, and the test sees how many wait."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A port that build steps connect to."""

    listener: socket.socket
    arrivals: list[str] = field(default_factory=list)
    is_open: threading.Event = field(default_factory=threading.Event)

    def script(self, address: str | None = None) -> str:
        """The step's command that connects (bash): to this machine's address, or to the container's own gateway."""
        port = self.listener.getsockname()[1]
        program = Path(__file__).with_name("gate.sh").read_text()
        return f"host={address or ''} port={port}\n{program}"

    def serve(self) -> None:
        """Accept connections until the listener is shut down."""
        with contextlib.suppress(OSError):
            while True:
                connection, (host, _) = self.listener.accept()
                self.arrivals.append(host)
                threading.Thread(target=self._hold, args=(connection,), daemon=True).start()

    def _hold(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self.is_open.wait()
            connection.sendall(b"go on\n")


@contextlib.contextmanager
def gate() -> Iterator[Gate]:
    """A closed gate, which opens at the end at the latest."""
    with socket.create_server(("", 0)) as listener:
        made = Gate(listener=listener)
        threading.Thread(target=made.serve, daemon=True).start()
        try:
            yield made
        finally:
            made.is_open.set()
            listener.shutdown(socket.SHUT_RDWR)
