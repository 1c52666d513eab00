"""A buildx builder that is not the engine's own."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def remote_builder(engine: str, run: Callable[..., subprocess.CompletedProcess[str]], folder: Path) -> Iterator[str]:
    """A builder of the `remote` driver: an engine's BuildKit behind a socket of this machine.

    Args:
        engine: the DOCKER_HOST of the engine that builds.
        run: runs a command on the machine that uses the builder.
        folder: for the socket; its path is short.
    """
    path = folder / "buildkit.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    dials: list[subprocess.Popen[bytes]] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    words = ["docker", "buildx", "dial-stdio", "--builder", "default"]
                    dials.append(
                        subprocess.Popen(
                            words,
                            stdin=connection.fileno(),
                            stdout=connection.fileno(),
                            stderr=subprocess.DEVNULL,
                            # a separate store: buildx locks the other one while it creates and asks the builder
                            env={**os.environ, "DOCKER_HOST": engine, "BUILDX_CONFIG": str(folder / "buildx")},
                        )
                    )

    threading.Thread(target=accept, daemon=True).start()
    name = f"remote-{uuid.uuid4().hex[:6]}"
    try:
        made = run("docker", "buildx", "create", "--name", name, "--driver", "remote", f"unix://{path}")
        assert made.returncode == 0, made.stderr
        yield name
    finally:
        run("docker", "buildx", "rm", name)
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for dial in dials:
            dial.kill()
            dial.wait()
