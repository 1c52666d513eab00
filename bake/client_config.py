"""The docker client's own configuration file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from generator.errors import RegistryError


def config_folder() -> Path:
    """Where the docker client keeps its configuration."""
    folder = os.environ.get("DOCKER_CONFIG")
    return Path(folder) if folder else Path.home() / ".docker"


def client_config() -> dict[str, Any]:
    """The docker client's `config.json`; empty where there is none.

    Raises:
        RegistryError: it cannot be read.
    """
    path = config_folder() / "config.json"
    try:
        config = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise RegistryError("the docker client's config.json cannot be read", "correct it, or log in again") from error
    return config if isinstance(config, dict) else {}
