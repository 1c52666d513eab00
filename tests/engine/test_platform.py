"""Platforms: a base that cannot run here is reported at once, and emulation is requested by name."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from desktop_bake.bake.config.toml_file import settings_from
from desktop_bake.generator.errors import ConfigurationError
from tests.harness.machines import tool, tool_environment
from tests.harness.project import remove_images

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.machines import Registry
    from tests.harness.project import Run


AMD64, ARM64 = "linux/amd64", "linux/arm64"


@pytest.fixture
def arm(project: Path, team: Registry) -> Iterator[str]:
    """The project's base, no longer for this engine's platform: its configuration in the registry says arm64."""
    configuration = project / "desktop-bake.toml"
    text = configuration.read_text()
    name = f"{team.address}/{text.split(chr(34))[1]}-base:arm"
    words = (tool("crane"), "--insecure", "mutate", "--set-platform", ARM64, team.base, "-t", name)
    subprocess.run(words, env=tool_environment(), check=True, capture_output=True)
    base = text.partition('base_image = "')[2].partition('"')[0]
    configuration.write_text(text.replace(f'"{base}"', f'"{name}"'))
    yield name
    remove_images(name.rpartition(":")[0].rpartition("/")[2])


def change(project: Path, *fields: str) -> None:
    """Add fields to the environment."""
    configuration = project / "desktop-bake.toml"
    configuration.write_text(configuration.read_text() + "".join(f"{field}\n" for field in fields))


@pytest.mark.parametrize("where", ["in the registry", "here"])
def test_a_base_of_another_platform(cli: Run, arm: str, where: str) -> None:
    """It is refused with its name, its platform and a remedy, before anything is built or run."""
    if where == "here":
        subprocess.run(["docker", "pull", "-q", arm], check=True, capture_output=True)
    for words in (("resolve",), ("build",), ("run", "--", "true")):
        refused = cli(*words)
        assert refused.returncode == 2
        error = f"error: base image {arm} is for {ARM64}, this engine runs {AMD64}"
        assert error in refused.stderr
        assert f'platform = "{ARM64}"' in refused.stderr.partition(error)[2]
        assert "building" not in refused.stderr


def test_a_base_of_another_platform_without_a_cache(cli: Run, project: Path, arm: str) -> None:
    """A task that installs at start gets the same error."""
    configuration = project / "desktop-bake.toml"
    configuration.write_text(configuration.read_text().replace("cache_desktop_build = true", ""))
    refused = cli("run", "--", "true")
    assert refused.returncode == 2
    assert f"error: base image {arm} is for {ARM64}, this engine runs {AMD64}" in refused.stderr


def test_a_platform_that_the_base_lacks(cli: Run, project: Path, team: Registry) -> None:
    """If the base's registry has nothing for one of several `platforms`, the error names it."""
    text = (project / "desktop-bake.toml").read_text()
    base = text.partition('base_image = "')[2].partition('"')[0]
    (project / "desktop-bake.toml").write_text(text.replace(base, team.base))
    change(project, 'platforms = ["linux/amd64", "linux/s390x"]')
    refused = cli("build")
    assert refused.returncode == 2
    assert f"error: base image {team.base} is for {AMD64}, linux/s390x is asked for" in refused.stderr


@pytest.mark.parametrize(
    "how", [pytest.param("field", marks=pytest.mark.soak), "flag", pytest.param("variable", marks=pytest.mark.soak)]
)
def test_a_platform_to_run_on(cli: Run, project: Path, arm: str, how: str) -> None:
    """The requested platform is the one that is built, counts and runs, and is part of no key."""
    change(project, 'preflight_script = "preflight.sh"')
    configuration = project / "desktop-bake.toml"
    configuration.write_text(configuration.read_text().replace("headless_desktop_enabled = true\n", ""))
    (project / "preflight.sh").write_text("echo layer >/etc/layer\n")
    key = cli("key").stdout
    flags = ("--platform", ARM64) if how == "flag" else ()
    variables = {"DESKTOP_BAKE_PLATFORM": ARM64} if how == "variable" else {}
    if how == "field":
        change(project, f'platform = "{ARM64}"')
    assert cli("key", *flags, **variables).stdout == key
    built = json.loads(cli("build", "--json", *flags, **variables).stdout)["images"][0]
    assert built["status"] == "built"
    shown = ["docker", "image", "inspect", "-f", "{{.Os}}/{{.Architecture}}", built["image"]]
    assert subprocess.run(shown, capture_output=True, text=True, check=True).stdout.strip() == ARM64
    assert json.loads(cli("resolve", "--json", *flags, **variables).stdout)["status"] == "local-hit"
    ran = cli("run", *flags, "--", "cat", "/etc/layer", **variables)
    assert (ran.returncode, ran.stdout) == (0, "layer\n"), ran.stderr
    if how != "field":
        native = cli("resolve")
        assert native.returncode == 2
        assert f"{built['image']} is for {ARM64}, this engine runs {AMD64}" in native.stderr


def test_a_malformed_platform(project: Path) -> None:
    """A malformed platform is refused, wherever it is set."""
    top = 'platform = "arm 64"\n'
    for text in (top, f'[environments.a]\nbase_image = "debian"\n{top}'):
        with pytest.raises(ConfigurationError, match="malformed platform 'arm 64'"):
            settings_from(text, project / "desktop-bake.toml", {})
