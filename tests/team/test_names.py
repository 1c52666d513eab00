"""Additional tags, labels and annotations in the registry of a team, on images that their keys alone identify."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import load_settings
from tests.harness.bake_files import called_in
from tests.harness.builders import remote_builder
from tests.harness.project import remove_images
from tests.harness.team import Project, here

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.machines import Machine
    from tests.harness.project import Run

SOURCE = "org.opencontainers.image.source"
ADDED = f"""alias_tags = ["{{environment}}", "latest-{{environment}}"]
image_labels = {{ "{SOURCE}" = "https://git.example.com/team/x" }}
annotations = {{ "{SOURCE}" = "https://git.example.com/team/y?a=b,c" }}
"""


@pytest.fixture
def published(project: Path) -> Iterator[Path]:
    """A project whose repository is in the test registry, with an environment `office` and additional names."""
    registry = os.environ["DESKTOP_BAKE_TEST_REGISTRY"]
    config = project / "desktop-bake.toml"
    text = config.read_text().replace('repository = "', f'repository = "{registry}/', 1)
    config.write_text(ADDED + text.replace("environments.default", "environments.office"))
    yield project
    remove_images(str(load_settings(config, {}).repository), check=True)


def raw(name: str) -> dict[str, Any]:
    """A manifest or index in its registry."""
    words = ["docker", "buildx", "imagetools", "inspect", "--raw", name]
    return dict(json.loads(subprocess.run(words, capture_output=True, check=True).stdout))


def check(repository: str, key: str) -> None:
    """The additions are in the index and in the image, and each tag names the same."""
    index = raw(f"{repository}:{key}")
    assert index == raw(f"{repository}:office") == raw(f"{repository}:latest-office")
    assert index["annotations"] == {SOURCE: "https://git.example.com/team/y?a=b,c"}
    manifest = raw(f"{repository}@{index['manifests'][0]['digest']}")
    assert manifest["annotations"] == {SOURCE: "https://git.example.com/team/y?a=b,c"}
    words = ["docker", "buildx", "imagetools", "inspect", "--format", "{{json .Image}}", f"{repository}:office"]
    labels = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)["config"]["Labels"]
    assert labels[SOURCE] == "https://git.example.com/team/x"
    assert labels["desktop-bake.cache-key"] == key


@pytest.mark.parametrize("how", ["build --push", "plain docker"])
def test_in_the_registry(cli: Run, published: Path, how: str) -> None:
    """Our build and plain Docker publish the same: labels, annotations of index and image, and the names."""
    repository = str(load_settings(published / "desktop-bake.toml", {}).repository)
    key = json.loads(cli("key", "--json").stdout)["cache_key"]
    if how == "plain docker":
        assert cli("render", "-o", "ci").returncode == 0
        done = subprocess.run(
            ["docker", "buildx", "bake", "-f", "docker-bake.hcl", "office", "--push"],
            cwd=published / "ci",
            env=called_in(published / "ci", DESKTOP_BAKE_ANNOTATE="index,manifest"),
            capture_output=True,
            text=True,
            check=False,
        )
    else:
        done = cli("build", "--push")
    assert done.returncode == 0, done.stderr
    check(repository, key)


def test_no_effect_on_the_key(cli: Run, published: Path) -> None:
    """An image that was baked before the additions is a hit, and nothing is baked."""
    config = published / "desktop-bake.toml"
    text = config.read_text()
    config.write_text(text.removeprefix(ADDED))
    before = cli("key").stdout
    assert cli("build").returncode == 0
    config.write_text(text)
    assert cli("key").stdout == before
    assert json.loads(cli("resolve", "--json").stdout)["status"] == "local-hit"


def test_prune_knows_the_names(cli: Run, published: Path) -> None:
    """A name moves to the next image that is built; the image before, and later a removed environment's with its name,
    are removed here and in the registry."""
    config = published / "desktop-bake.toml"
    repository = str(load_settings(config, {}).repository)
    assert cli("build", "--push").returncode == 0
    first = json.loads(cli("key", "--json").stdout)["cache_key"]
    (published / "setup.sh").write_text("echo other > /etc/configured\n")
    assert cli("build", "--push").returncode == 0
    second = json.loads(cli("key", "--json").stdout)["cache_key"]
    pruned = cli("prune", "--registry", "--yes")
    assert pruned.returncode == 0, pruned.stderr
    assert f"removed {repository}:{first}\n" in pruned.stderr
    assert f"removed {repository}:{first} from the registry" in pruned.stderr
    assert raw(f"{repository}:office") == raw(f"{repository}:{second}")
    config.write_text(config.read_text().replace("environments.office", "environments.home"))
    (published / "setup.sh").write_text("echo third > /etc/configured\n")
    pruned = cli("prune", "--registry", "--yes")
    for tag in (second, "office", "latest-office"):
        assert f"removed {repository}:{tag}\n" in pruned.stderr
    listed = subprocess.run(["docker", "image", "ls", "-q", repository], capture_output=True, check=True)
    assert listed.stdout == b""


@pytest.mark.parametrize("builder", ["classic store", "remote"])
@pytest.mark.parametrize("words", [(), ("--load",), ("--push",)], ids=" ".join)
def test_annotations_on_every_builder(
    shared: Project,
    second: Machine,
    classic: Machine,
    tmp_path_factory: pytest.TempPathFactory,
    builder: str,
    words: tuple[str, ...],
) -> None:
    """Whatever a builder makes of annotations, none refuses to build for them if no variable is set."""
    shared.change(cache='cache = "none"', annotations=f'annotations = {{ "{SOURCE}" = "x" }}')
    (shared.folder / "setup.sh").write_text(f"echo {uuid.uuid4()} >/etc/configured\n")
    assert shared.bake("render", "-o", "ci").returncode == 0
    place = shared.folder / "ci"
    flags = ["docker", "buildx", "bake", "-f", "docker-bake.hcl", *words]
    with contextlib.ExitStack() as stack:
        if builder == "remote":
            made = stack.enter_context(remote_builder(second.remote, here, tmp_path_factory.mktemp("b")))
            done = here(*flags, "--builder", made, cwd=place, PWD=str(place))
        else:
            done = classic.run(*flags, cwd=place, PWD=str(place))
    assert done.returncode == 0, done.stderr
