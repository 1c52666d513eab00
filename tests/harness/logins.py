"""Logins as `docker login` writes them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from tests.harness.registries import PASSWORD, USER

A, B, C = ({"auth": base64.b64encode(f"{user}:SECRET-{user}".encode()).decode()} for user in "abc")

LABELS = {"a": "b"}


def login(config: Path, host: str, password: str = PASSWORD) -> None:
    """What `docker login` writes."""
    import base64

    auth = base64.b64encode(f"{USER}:{password}".encode()).decode()
    config.write_text(json.dumps({"auths": {host: {"auth": auth}}}))
