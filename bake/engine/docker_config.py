"""The docker client's configuration file."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path
from typing import Any

from ...generator.errors import RegistryError


def config_folder() -> Path:
    """Where the docker client keeps its configuration."""
    folder = os.environ.get("DOCKER_CONFIG")
    return Path(folder) if folder else Path(os.environ.get("HOME") or _home_of_the_user(), ".docker")


def _home_of_the_user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:  # docker would use the working directory, which may belong to another user
        return "/"


def client_config() -> dict[str, Any]:
    """The docker client's `config.json`; empty if there is none.

    Raises:
        RegistryError: it cannot be read.
    """
    path = config_folder() / "config.json"
    try:
        config = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise RegistryError(
            "the docker client's config.json cannot be read", f"fix or remove {path}, and log in again"
        ) from error
    return config if isinstance(config, dict) else {}
