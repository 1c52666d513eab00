"""`missing.sh` of a rendered folder, with a real registry: what it lacks by its labels, and a native matrix."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from desktop_bake import load_settings
from tests.harness.builders import remote_builder
from tests.harness.project import ENVIRONMENT, remove_images

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.project import Run

ROOT = Path(__file__).parents[2]


@pytest.fixture
def rendered(project: Path, base: str, cli: Run) -> Iterator[Path]:
    """The rendered folder of three environments, one of them for a platform by name, whose repository is empty."""
    config, registry = project / "desktop-bake.toml", os.environ["DESKTOP_BAKE_TEST_REGISTRY"]
    repository = config.read_text().partition("\n")[0].replace('"', f'"{registry}/', 1)
    text = "".join(ENVIRONMENT.format(name=name, base=base) for name in ("a", "b", "c"))
    head = f'{repository}\nalias_tags = ["{{environment}}"]\n'
    config.write_text(f'{head}{text}platforms = ["linux/amd64"]\n')
    for name in ("a", "b", "c"):
        (project / f"{name}.sh").write_text(f"echo {name} >/etc/name\n")
    done = cli("render", "-o", "ci")
    assert done.returncode == 0, done.stderr
    yield project / "ci"
    remove_images(str(load_settings(config, {}).repository))


def script(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`missing.sh`, called from the parent folder."""
    return subprocess.run(
        [str(folder / "missing.sh"), *words],
        cwd=folder.parent,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def missing(folder: Path, *words: str) -> list[str]:
    """The targets in its output."""
    done = script(folder, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def docker(folder: Path, *words: str) -> str:
    """The output of docker, called in the folder."""
    env = {**os.environ, "DESKTOP_BAKE_FOLDER": "."}  # no shell changed the folder
    done = subprocess.run(["docker", *words], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_the_registry_lacks(rendered: Path) -> None:
    """Published targets are not named; a second run in CI's form has nothing to do; targets and groups can be named."""
    assert missing(rendered) == ["desktop-a", "desktop-b", "desktop-c"]
    docker(rendered, "buildx", "bake", "-f", "docker-bake.hcl", "b", "--push")
    assert missing(rendered) == ["desktop-a", "desktop-c"]
    assert missing(rendered, "b") == []
    assert missing(rendered, "desktop-b", "c") == ["desktop-c"]
    docker(rendered, "buildx", "bake", "-f", "docker-bake.hcl", *missing(rendered), "--push")
    assert missing(rendered) == []
    assert json.loads(script(rendered, "--matrix").stdout) == {"include": []}


@pytest.mark.parametrize("tampered", ["labels", "platform"])
def test_a_tag_alone_does_not_count(rendered: Path, tampered: str) -> None:
    """An image under a key's tag that has another label, or lacks the target's platform, is missing."""
    docker(rendered, "buildx", "bake", "-f", "docker-bake.hcl", "desktop", "--push")
    if tampered == "platform":  # the target now wants one more
        text, name = (rendered / "docker-bake.hcl").read_text(), "desktop-c"
        assert '"linux/amd64"' in text
        (rendered / "docker-bake.hcl").write_text(text.replace('"linux/amd64"', '"linux/amd64,linux/arm64"'))
    else:
        name, change = "desktop-b", "desktop-b.labels.desktop-bake.setup-digest=sha256:0"
        docker(rendered, "buildx", "bake", "-f", "docker-bake.hcl", name, "--push", "--set", change)
    assert missing(rendered) == [name]


def test_a_registry_that_is_not_there(rendered: Path) -> None:
    """A registry that cannot be asked is an error, unless it is said to have nothing; so is an unknown target."""
    nowhere = {"DESKTOP_BAKE_REPOSITORY": "127.0.0.1:1/nobody/desktop"}
    done = script(rendered, **nowhere)
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot ask the registry for 127.0.0.1:1/nobody/desktop:" in done.stderr
    assert script(rendered, "--unreachable", "missing", "a", **nowhere).stdout == "desktop-a\n"
    for words in (["nobody"], ["--runner", "x"], ["--unreachable", "maybe"], ["--what"]):
        done = script(rendered, *words)
        assert (done.returncode, done.stdout) == (2, ""), words
        assert done.stderr.startswith("missing.sh: ")


def test_matrix(rendered: Path) -> None:
    """A row for each target and platform, with its runner and every tag."""
    rows = json.loads(script(rendered, "--matrix", "--runner", "linux/amd64=big").stdout)["include"]
    assert [(row["target"], row["platform"], row["runner"]) for row in rows] == [
        ("desktop-a", "", "big"),
        ("desktop-b", "", "big"),
        ("desktop-c", "linux/amd64", "big"),
    ]
    printed = json.loads(docker(rendered, "buildx", "bake", "-f", "docker-bake.hcl", "--print"))["target"]
    assert [row["tags"].split() for row in rows] == [printed[row["target"]]["tags"] for row in rows]


def steps(recipe: str) -> dict[str, str]:
    """The steps of a recipe that bake and merge."""
    loaded: dict[str, Any] = YAML(typ="safe").load(ROOT / "docs" / "ci" / recipe)
    if recipe.startswith("github"):
        jobs = loaded["jobs"]
        return {name: next(s["run"] for s in jobs[name]["steps"] if "run" in s) for name in ("bake", "merge")}
    return {name: "\n".join(loaded[name]["script"]) for name in ("missing", "bake", "merge")}


def shell(text: str, folder: Path, **variables: str) -> None:
    """Run a block of a recipe."""
    done = subprocess.run(
        ["sh", "-euc", text], cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("recipe", ["github-native.yml", "gitlab-native.yml"])
def test_native_runners(
    rendered: Path, recipe: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recipes' own lines: a matrix, a push by digest, without a tag, and an index that is published."""
    found, project = steps(recipe), rendered.parent

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, capture_output=True, text=True, check=False)

    with remote_builder(os.environ["DOCKER_HOST"], run, tmp_path_factory.mktemp("r")) as builder:
        monkeypatch.setenv("BUILDX_BUILDER", builder)
        monkeypatch.setenv("DESKTOP_BAKE_ANNOTATE", "manifest")
        if recipe.startswith("github"):
            for row in json.loads(script(rendered, "--matrix", "c").stdout)["include"]:
                shell(
                    found["bake"],
                    project,
                    TARGET=row["target"],
                    TAGS=row["tags"],
                    DESKTOP_BAKE_PLATFORMS=row["platform"],
                )
        else:
            shell(found["missing"], project)
            shell(found["bake"], project, PLATFORM="linux/amd64")
        assert missing(rendered, "c") == ["desktop-c"]
        assert re.fullmatch(
            r"[0-9a-f]{64}", next(p.name for p in (project / "digests/desktop-c").iterdir() if p.name != "tags")
        )
        shell(found["merge"], project)
        assert missing(rendered, "c") == []
