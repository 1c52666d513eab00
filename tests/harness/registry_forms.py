"""Forms of images in registries."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

LABELS = {"desktop-bake.schema": "1", "quote": '"${x}"\n'}


def docker(*words: str, config: Path | None = None, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run the real client."""
    variables = {**os.environ, **({"DOCKER_CONFIG": str(config)} if config else {})}
    return subprocess.run(
        ["docker", *words], input=stdin, capture_output=True, text=True, check=False, timeout=60, env=variables
    )


def pulled_labels(name: str, config: Path | None = None) -> dict[str, str]:
    """The labels of an image that the engine pulled, and then removed again."""
    done = docker("pull", "-q", name, config=config)
    assert done.returncode == 0, done.stderr
    try:
        labels: dict[str, str] = json.loads(docker("image", "inspect", "-f", "{{json .Config.Labels}}", name).stdout)
    finally:
        docker("image", "rm", "-f", name)
    return labels


FORMS: list[dict[str, Any]] = [
    {"media": "oci"},
    {"media": "docker"},
    {"media": "oci", "index": True},
    {"media": "docker", "platforms": ("linux/amd64", "linux/arm64/v8")},
    {"media": "oci", "attestation": True},
    {"media": "oci", "nested": True, "platforms": ("linux/arm64/v8", "linux/amd64")},
]
