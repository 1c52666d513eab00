"""The docker client, on the streams of whoever typed it."""

from __future__ import annotations

import subprocess

from ...generator.errors import EngineError


def through_docker(*words: str) -> int:
    """Run `docker WORDS` on our own streams.

    Raises:
        EngineError: the client is not installed.
    """
    try:
        return subprocess.run(["docker", *words], check=False).returncode
    except FileNotFoundError as error:
        raise EngineError("the docker client is not installed", "install Docker and put it in PATH") from error
