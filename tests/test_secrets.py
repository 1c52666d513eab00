"""Build secrets: there while a step runs, and nowhere afterwards."""

from __future__ import annotations

import hashlib
import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from generator import ConfigurationError, Environment, ImageReference
from tests.registries import HERE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Run

SECRET = "SECRET-of-the-build-77aa"
DOCKERFILE = """FROM base
RUN --mount=type=secret,id=BUILD_TOKEN,env=BUILD_TOKEN printf %s "$BUILD_TOKEN" | sha256sum >/etc/proof
"""


@pytest.fixture
def secretive(project: Path) -> Path:
    """A project whose Dockerfile mounts a secret."""
    config = project / "desktop-bake.toml"
    config.write_text(config.read_text() + 'dockerfile = "Dockerfile"\nbuild_secrets = ["BUILD_TOKEN"]\n')
    (project / "Dockerfile").write_text(DOCKERFILE)
    return project


def test_a_step_has_it_and_nothing_keeps_it(cli: Run, secretive: Path) -> None:
    """The step reads the secret; no log, key, rendered file, cache, label, history or layer holds it."""
    built = cli("build", "--json", BUILD_TOKEN=SECRET)
    assert built.returncode == 0, built.stderr
    (image,) = json.loads(built.stdout)["images"]

    def docker(*words: str) -> bytes:
        return subprocess.run(["docker", *words], capture_output=True, check=True).stdout

    proof = docker("run", "--rm", image["image_id"], "cat", "/etc/proof").split()[0].decode()
    assert proof == hashlib.sha256(SECRET.encode()).hexdigest()
    assert cli("render", "-o", "ci", BUILD_TOKEN=SECRET).returncode == 0
    said = [built.stdout.encode(), built.stderr.encode(), docker("image", "inspect", image["image_id"]),
            docker("history", "--no-trunc", image["image_id"]), docker("save", image["image_id"])]  # fmt: skip
    said += [file.read_bytes() for file in secretive.rglob("*") if file.is_file()]
    assert not [content[:200] for content in said if SECRET.encode() in content]


def test_its_value_is_in_no_key(cli: Run, secretive: Path) -> None:
    """Another value is the same key; another name is another."""
    keys = {cli("key", "--json", BUILD_TOKEN=value).stdout for value in ("a", "b")}
    assert len(keys) == 1
    config = secretive / "desktop-bake.toml"
    config.write_text(config.read_text().replace("BUILD_TOKEN", "OTHER_TOKEN"))
    assert cli("key", "--json").stdout not in keys


@pytest.mark.parametrize("layer", [False, True])
def test_a_secret_that_is_not_set(cli: Run, secretive: Path, layer: bool) -> None:
    """A build without it fails with its name, before BuildKit is asked, also one of a layer on the desktop's target."""
    if layer:
        config = secretive / "desktop-bake.toml"
        config.write_text(f'{config.read_text()}preflight_script = "setup.sh"\nplatforms = ["{HERE}"]\n')
    done = cli("build")
    assert done.returncode == 6
    assert "error: build failed: the build secret BUILD_TOKEN is not set" in done.stderr


@pytest.mark.parametrize("name", ["A=value", "", "1A", "A\nB"])
def test_a_value_is_no_name(name: str) -> None:
    """What is no variable's name, such as one with its value, is refused."""
    with pytest.raises(ConfigurationError, match="malformed build secret"):
        Environment(env_id="e", base_image=ImageReference.parse("a"), build_secrets=(name,))
