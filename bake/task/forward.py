"""A remote engine's task port, on this machine's loopback: through `docker exec`, which needs no network."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading

from .ports import port_in_use
from .program import program


class Forward:
    """Forwards connections from a loopback port of this machine to a port in a container.

    Args:
        container_id: the container; it has bash.
        port: the port there, on the container's own loopback.
        local_port: the port here; 0 for a free one.

    Attributes:
        local_port: the port here.

    Raises:
        TaskError: another program has the port here.
    """

    def __init__(self, container_id: str, port: int, local_port: int = 0) -> None:
        # The docker client's own streams are the connection; in the container bash opens the other end.
        self._words = ["docker", "exec", "-i", container_id, "bash", "-c", program("forward"), "forward", str(port)]
        try:
            self._listener = socket.create_server(("127.0.0.1", local_port))
        except OSError as error:
            raise port_in_use(f"127.0.0.1:{local_port}") from error
        self._children: list[subprocess.Popen[bytes]] = []
        self._starts = threading.Lock()  # so that a child that is being started is ended, too
        self._closed = False
        self.local_port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="forward", daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, _ = self._listener.accept()
                with connection, self._starts:
                    if self._closed:
                        return
                    child = subprocess.Popen(
                        self._words, stdin=connection.fileno(), stdout=connection.fileno(), stderr=subprocess.DEVNULL
                    )
                    self._children = [c for c in self._children if c.poll() is None] + [child]

    def close(self) -> None:
        """End every connection and accept no new ones."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for a connection
        self._listener.close()
        with self._starts:
            self._closed = True
        for child in self._children:
            child.kill()  # one that is started after Ctrl-C inherits from us that it ignores SIGTERM
        for child in self._children:
            child.wait()
