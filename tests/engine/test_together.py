"""Several environments in one call of Bake, on a real engine: shared steps, failures, other processes and builders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import Status, ensure_desktop_images, load_settings
from tests.harness.builders import remote_builder
from tests.harness.project import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.harness.project import Run


STAMPED = "date +%s%N >/etc/{0}\n"


@pytest.fixture
def environments(project: Path, base: str) -> Callable[..., None]:
    """`environments("a", "b", b="exit 7")`: environments that share packages, each with its own setup script."""

    def write(*names: str, more: str = "", **scripts: str) -> None:
        (project / "install.sh").write_text(STAMPED.format("installed") + f"# {uuid.uuid4()}\n")  # in no cache yet
        repository = (project / "desktop-bake.toml").read_text().partition("\n")[0]
        for name in names:
            (project / f"{name}.sh").write_text(scripts.get(name, f"echo {name} >/etc/name\n"))
        text = "".join(ENVIRONMENT.format(name=name, base=base) for name in names)
        (project / "desktop-bake.toml").write_text(f"{repository}\n{text}{more}")

    return write


def built(done: subprocess.CompletedProcess[str], status: int = 0) -> dict[str, Any]:
    """The output of `build --json`."""
    assert done.returncode == status, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def statuses(answer: dict[str, Any]) -> dict[str, str]:
    """How each image was found."""
    return {image["environment"]: image["status"] for image in answer["images"]}


def stamp(image: dict[str, Any]) -> str:
    """The time of its packages' installation."""
    words = ["docker", "run", "--rm", image["image_id"], "cat", "/etc/installed"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def layers(image: dict[str, Any]) -> list[str]:
    """The layers of an image."""
    words = ["docker", "image", "inspect", "--format", "{{json .RootFS.Layers}}", image["image"]]
    found: list[str] = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    return found


def test_one_call(cli: Run, environments: Callable[..., None]) -> None:
    """Everything missing is baked at once, with shared steps run once, into the images that single builds make."""
    environments("a", "b", "c")
    done = cli("build", "--all", "--json")
    images = built(done)["images"]
    assert [image["status"] for image in images] == ["built"] * 3
    assert done.stderr.count("load build definition from") >= 3  # of one call, whose targets have the same names
    assert len({stamp(image) for image in images}) == 1
    assert len({image["image_id"] for image in images}) == 3
    assert statuses(built(cli("build", "--all", "--json"))) == dict.fromkeys("abc", "local-hit")
    before = [layers(image) for image in images]
    subprocess.run(["docker", "image", "rm", *(image["image"] for image in images)], check=True, capture_output=True)
    alone = [built(cli("build", name, "--json"))["images"][0] for name in "abc"]
    assert [layers(image) for image in alone] == before


def test_one_fails(cli: Run, environments: Callable[..., None], project: Path) -> None:
    """Each environment has its own result: the others are built, and the exit status is that of the first failure."""
    environments("a", "b", "c", "d", b="echo wrong >&2\nexit 7\n", d="sleep 2\necho d >/etc/name\n")
    metrics = project / "metrics.jsonl"
    done = cli("build", "--all", "--json", "--metrics", str(metrics))
    answer = built(done, 6)
    assert statuses(answer) == {"a": "built", "c": "built", "d": "built"}
    error = "build failed: the setup script ended with status 7"
    assert answer["failed"] == [{"environment": "b", "error": error, "exit_status": 6}]
    assert f"error: b: {error}\n  it said: wrong\n" in done.stderr
    events = [json.loads(line) for line in metrics.read_text().splitlines()]
    assert {(e["environment"], e["status"]) for e in events} == {
        ("a", "built"),
        ("b", "failed"),
        ("c", "built"),
        ("d", "built"),
    }
    assert all(event["seconds"]["build"] > 0 for event in events)
    assert statuses(built(cli("build", "a", "c", "d", "--json"))) == dict.fromkeys("acd", "local-hit")
    results = ensure_desktop_images(
        [*load_settings(project / "desktop-bake.toml", {}).environments.values()],
        load_settings(project / "desktop-bake.toml", {"DESKTOP_BAKE_INSTALL_AT_START": "true"}),
    )
    assert [r.status for r in results.values()] == [
        Status.LOCAL_HIT,
        Status.FALLBACK,
        Status.LOCAL_HIT,
        Status.LOCAL_HIT,
    ]
    assert results["b"].install_at_start


def test_layers(cli: Run, environments: Callable[..., None], project: Path, base: str) -> None:
    """A desktop that is missing below several layers is built once, with them."""
    more = ""
    for name in ("one", "two"):
        (project / f"{name}-preflight.sh").write_text(f"echo {name} >/etc/preflight\n")
        more += ENVIRONMENT.format(name=name, base=base).replace(f"{name}.sh", "a.sh")
        more += f'preflight_script = "{name}-preflight.sh"\n'
    environments("a", "b", more=more)
    config = project / "desktop-bake.toml"
    config.write_text(config.read_text().replace(ENVIRONMENT.format(name="a", base=base), ""))
    images = built(cli("build", "--all", "--json"))["images"]
    assert [image["status"] for image in images] == ["built"] * 3
    assert len({stamp(image) for image in images}) == 1
    below = [layers(image)[:-1] for image in images if image["environment"] != "b"]
    assert below[0] == below[1]
    key = images[1]["cache_key"].rpartition("-p")[0]
    assert layers({"image": images[1]["image"].replace(images[1]["cache_key"], key)}) == below[0]


def test_two_processes(cli: Run, environments: Callable[..., None], project: Path) -> None:
    """Processes that build the same at once, in any order, build each image once and wait in no circle."""
    environments(*"abcd", **{name: f"sleep 1\necho {name} >/etc/name\n" for name in "abcd"})
    words = [sys.executable, "-m", "desktop_bake", "build", "--json"]
    at_once = [
        subprocess.Popen(
            [*words, *names], cwd=project, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ
        )
        for names in ("abcd", "dcba", "bd")
    ]
    ended = [process.communicate(timeout=300) for process in at_once]
    assert [process.returncode for process in at_once] == [0, 0, 0], ended
    found = [statuses(json.loads(out)) for out, _ in ended]
    for name in "abcd":
        assert [answer.get(name) for answer in found].count("built") == 1, found


def test_another_builder(cli: Run, environments: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> None:
    """A builder other than the engine's own hands over each image separately."""
    environments("a", "b")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, capture_output=True, text=True, check=False)

    with remote_builder(os.environ["DOCKER_HOST"], run, tmp_path_factory.mktemp("r")) as name:
        images = built(cli("build", "--all", "--json", "--builder", name))["images"]
    assert [image["status"] for image in images] == ["built"] * 2
    assert len({stamp(image) for image in images}) == 1
