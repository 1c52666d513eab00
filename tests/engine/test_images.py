"""`images` and `prune` on a real engine: what they list, promise and remove, and what they never do."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake.bake.engine.api import Endpoint
from desktop_bake.bake.registry.lease_manifest import EMPTY, Lease
from desktop_bake.bake.registry.manifest import OCI_MANIFEST
from desktop_bake.bake.upkeep.inventory import stored_images
from desktop_bake.bake.upkeep.layers import with_layers
from tests.harness.machines import machine, tool
from tests.harness.registries import Api, push_image, real_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from desktop_bake.bake.engine.engine import Engine
    from tests.harness.machines import Machine, Registry
    from tests.harness.project import Run


LEASE = f"lease-{'0' * 32}"


def docker(*words: str, check: bool = True) -> str:
    """The output of `docker`."""
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=check).stdout


def said(done: subprocess.CompletedProcess[str], status: int = 0) -> dict[str, Any]:
    """The object that a command printed before it exited with this status."""
    assert done.returncode == status, done.stdout + done.stderr
    value: dict[str, Any] = json.loads(done.stdout)
    assert value["schema"] == 1
    return value


def built(cli: Run, project: Path, setup: str, **variables: str) -> str:
    """Build with this setup script; return the image's name."""
    (project / "setup.sh").write_text(f"{setup}\n# {project}\n")
    return str(said(cli("build", "--json", **variables))["images"][0]["image"])


def repository(project: Path) -> str:
    """The project's repository as it is in the configuration."""
    return (project / "desktop-bake.toml").read_text().split('"')[1]


def tags(project: Path) -> set[str]:
    """The images in the project's repository."""
    return set(docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository(project)).split())


def test_live_and_stale(cli: Run, project: Path, local_cache: None, base: str) -> None:
    """Each image has its size, its age, its environments; an earlier one is stale since the next one was made. Prune
    removes what is stale after a yes, and only that."""
    assert said(cli("images", "--json"))["images"] == []
    assert "no images" in cli("images").stdout
    old = built(cli, project, "echo 1 > /etc/one")
    new = built(cli, project, "echo 2 > /etc/two")
    rows = {row["image"]: row for row in said(cli("images", "--json"))["images"]}
    assert list(rows) == [new, old]
    assert (rows[new]["state"], rows[new]["environments"]) == ("live", ["default"])
    assert (rows[old]["state"], rows[old]["environments"]) == ("stale", [])
    assert rows[old]["stale_since"] == rows[new]["created"]
    assert rows[old]["size_bytes"] > 1 << 20 > rows[old]["frees_bytes"] > 0
    everywhere = {row["image"] for row in said(cli("images", "--all", "--json"))["images"]}
    assert {old, new} <= everywhere
    text = cli("images", "--no-trunc").stdout
    assert re.search(rf"^{re.escape(new)} .* ago +live +default$", text, re.MULTILINE)
    assert re.search(rf"^{re.escape(old)} .* ago +stale for .* -$", text, re.MULTILINE)
    family = said(cli("images", "--json"))["caches"]
    assert [cache["environments"] for cache in family] == [["default"]]
    prunes_nothing_for_an_unknown_key(cli, project, base)
    prunes_after_a_yes(cli, project, old, new)


def prunes_nothing_for_an_unknown_key(cli: Run, project: Path, base: str) -> None:
    """If the key of one environment cannot be computed, nothing is removed: its images are unknown."""
    config, there = project / "desktop-bake.toml", tags(project)
    text = config.read_text()
    config.write_text(
        f'{text}[environments.second]\nbase_image = "{base}-nowhere"\n'
        "headless_desktop_enabled = true\ncache_desktop_build = true\n"
    )
    assert cli("prune", "--yes").returncode != 0
    assert tags(project) == there
    listed = cli("images", "--json")
    assert {row["state"] for row in said(listed)["images"]} == {"live", "stale"}
    assert "WARNING: environment 'second'" in listed.stderr
    config.write_text(text)


def prunes_after_a_yes(cli: Run, project: Path, old: str, new: str) -> None:
    """A dry run, no answer, or a no removes nothing."""
    dry = cli("prune", "--dry-run", "--no-trunc")
    assert dry.returncode == 0
    assert f"\n{old} " in dry.stdout
    assert "stays: reached by default" in dry.stdout
    nobody = cli("prune")
    assert nobody.returncode == 2
    assert "--yes or --dry-run" in nobody.stderr
    for answer, status in (("n", 1), ("", 1)):
        assert terminal(project, answer) == status
    assert tags(project) == {old, new}
    assert terminal(project, "y") == 0
    assert tags(project) == {new}
    again = cli("prune", "--yes")
    assert again.stdout.endswith("nothing to remove\n")


def test_layers_are_asked_for_once(cli: Run, project: Path) -> None:
    """The cache folder keeps the engine's description of an image's layers; it is requested again if the kept one
    is broken or older than the image's unpacking."""

    def frees() -> int:
        (row,) = said(cli("images", "--json"))["images"]
        return int(row["frees_bytes"])

    built(cli, project, "head -c 5000000 /dev/urandom > /s")
    right, image = frees(), said(cli("images", "--json"))["images"][0]["image_id"]
    (memory,) = (project / "cache/desktop-bake/layers").iterdir()
    known = json.loads(memory.read_text())
    known[image]["layers"][-1][1] += 50_000_000
    memory.write_text(json.dumps(known))
    assert frees() > right + 40_000_000
    known[image]["size_bytes"] += 1
    for broken in (json.dumps(known), "{", "[]", json.dumps({image: {"size_bytes": known[image]["size_bytes"] - 1}})):
        memory.write_text(broken)
        assert frees() == pytest.approx(right, rel=0.01)


def test_an_image_without_a_history(engine: Engine, team: Registry) -> None:
    """The engine has null for a history without entries: such an image still has layers."""
    path = f"no-history-{uuid.uuid4().hex[:8]}"
    name = f"{team.address}/{path}:1"
    push_image(team.address, path, "1", {"only": name})
    docker("pull", "-q", name)
    try:
        (image,) = with_layers(stored_images(engine, reference=[name]), engine)
        assert len(image.layers) == 1
    finally:
        docker("image", "rm", "-f", name)


def terminal(project: Path, answer: str) -> int:
    """The exit status of `prune` on a terminal with this answer."""
    command = f"{sys.executable} -m desktop_bake prune"
    return subprocess.run(
        ["script", "-qec", command, "/dev/null"],
        cwd=project,
        input=f"{answer}\n",
        text=True,
        capture_output=True,
        check=False,
    ).returncode


def test_what_is_used_stays(cli: Run, project: Path) -> None:
    """An image of a running or stopped container stays, and so does one with another's name or made from ours."""
    images = [built(cli, project, f"echo {n}") for n in range(5)]
    mine = f"{repository(project)}-mine"
    running = docker("run", "-d", images[0], "sleep", "600").strip()
    stopped = docker("create", images[1], "true").strip()
    try:
        docker("tag", images[2], f"{mine}:kept")
        derived = f"FROM {images[3]}\nRUN echo derived > /etc/d\n"
        subprocess.run(
            ["docker", "buildx", "build", "-q", "-t", f"{mine}:derived", "-"],
            input=derived,
            check=True,
            capture_output=True,
            text=True,
        )
        plan = said(cli("prune", "--yes", "--json"))
        assert {row["image"]: row["reason"] for row in plan["images"]} == {
            images[0]: "a container uses it",
            images[1]: "a container uses it",
            images[2]: f"also tagged {mine}:kept",
            images[3]: "no environment reaches it",
            images[4]: "reached by default",
        }
        assert tags(project) == {*images} - {images[3]}
        assert docker("image", "ls", "-q", f"{mine}:derived")
        assert docker("inspect", "--format", "{{.State.Running}}", running).strip() == "true"
    finally:
        docker("rm", "-f", running, stopped)
        docker("image", "rm", "-f", f"{mine}:kept", f"{mine}:derived", check=False)


def test_ages_and_numbers(cli: Run, project: Path) -> None:
    """The last N of a family stay, and so do young ones."""
    images = [built(cli, project, f"echo {n}") for n in range(4)]
    young = said(cli("prune", "--yes", "--older-than", "1d", "--json"))["images"]
    assert {row["image"] for row in young if not row["remove"]} >= {*images}
    assert not [row for row in young if row["remove"]]
    plan = said(cli("prune", "--yes", "--keep", "1", "--json"))
    assert {row["image"] for row in plan["images"] if row["remove"]} == {images[0], images[1]}
    assert tags(project) == {images[2], images[3]}
    for words in (("--older-than", "soon"), ("--older-than", "30"), ("--keep", "-1")):
        assert cli("prune", "--yes", *words).returncode == 2
    assert tags(project) == {images[2], images[3]}


def test_caches_and_other_projects(cli: Run, project: Path, local_cache: None) -> None:
    """A cache folder that no environment uses goes; those of this user's other projects stay."""
    first = built(cli, project, "echo 1")
    (project / "install.sh").write_text(f"echo other\n# {project}\n")
    second = built(cli, project, "echo 2")
    folder = project / "cache/desktop-bake/buildkit"
    assert len(list(folder.iterdir())) == 2
    other = project / "other"
    other.mkdir()
    for name in ("desktop-bake.toml", "install.sh", "setup.sh"):
        (other / name).write_bytes((project / name).read_bytes())
    (other / "setup.sh").write_text("echo 3\n")
    there = subprocess.run(
        [sys.executable, "-m", "desktop_bake", "build", "--json"],
        cwd=other,
        capture_output=True,
        text=True,
        check=False,
    )
    third = said(there)["images"][0]["image"]
    plan = said(cli("prune", "--yes", "--json"))
    assert {row["image"]: row["reason"] for row in plan["images"]} == {
        first: "no environment reaches it",
        second: "reached by default",
        third: f"made for {other}",
    }
    assert len(plan["caches"]) == 1
    assert len(list(folder.iterdir())) == 1


def test_registry_tags(cli: Run, project: Path, tmp_path: Path) -> None:
    """The registry changes only on request: stale keys go, whatever else has a tag there stays,
    and leases go too."""
    with real_registry(tmp_path / "registry") as registry:
        where = {"DESKTOP_BAKE_REPOSITORY": f"{registry.host}/team/{repository(project)}", "DESKTOP_BAKE_PUSH": "1"}
        images = [built(cli, project, f"echo {n}", **where) for n in range(3)]
        path = f"{registry.host}/team/{repository(project)}"
        try:
            docker("tag", images[1], f"{path}:stable")
            docker("push", f"{path}:stable")
            docker("image", "rm", f"{path}:stable")
            leave_lease(registry.host, path)
            assert said(cli("prune", "--yes", "--json", **where))["registry"] == []
            assert published(cli, path) == {*images, f"{path}:stable", f"{path}:{LEASE}"}
            plan = said(cli("prune", "--registry", "--yes", "--json", **where))
            assert {row["image"]: row["reason"] for row in plan["registry"]} == {
                images[0]: "no environment reaches it",
                images[1]: f"also tagged {path}:stable",
                images[2]: "reached by default",
            }
            assert published(cli, path) == {images[1], images[2], f"{path}:stable", f"{path}:{LEASE}"}

            def known(*words: str) -> dict[str, bool | None]:
                rows = said(cli("images", *words, "--json", **where))["images"]
                return {row["image"]: row["published"] for row in rows}

            local = built(cli, project, "echo 3", **{**where, "DESKTOP_BAKE_PUSH": "0"})
            images.append(local)
            assert known() == {local: None, images[2]: None}
            assert known("--registry") == {local: False, images[2]: True}
            assert re.search(
                rf"^{re.escape(local)} .* no +live +default$",
                cli("images", "--registry", "--no-trunc", **where).stdout,
                re.MULTILINE,
            )
            subprocess.run([tool("crane"), "copy", images[1], images[2]], check=True, capture_output=True)
            assert known("--registry")[images[2]] is False  # the image under its tag proves another key
        finally:
            docker("image", "rm", "-f", *images, check=False)
    for command in (("prune", "--dry-run"), ("images",)):
        assert cli(*command, "--registry").returncode == 2
        assert cli(*command, "--registry", **where).returncode == 5


def leave_lease(host: str, name: str) -> None:
    """What a killed machine leaves in a registry."""
    path = name.removeprefix(f"{host}/")
    Api(host).push_blob(path, EMPTY)
    content = Lease(owner="0" * 32, lifetime_s=20).content()
    Api(host).push_manifest(path, LEASE, content, OCI_MANIFEST)


def published(cli: Run, path: str) -> set[str]:
    """The tags of a repository in its registry that name an image, except the upload tags."""
    from desktop_bake import ImageReference
    from desktop_bake.bake.registry.client import digest_of, tags_of

    names = tags_of(ImageReference.parse(path))
    found = {f"{path}:{tag}" for tag in names if not tag.startswith("push-")}
    return {name for name in found if digest_of(ImageReference.parse(name))}


@pytest.fixture(params=["containerd", pytest.param("classic", marks=pytest.mark.soak)])
def alone(request: pytest.FixtureRequest, tmp_path: Path, team: Registry) -> Iterator[Machine]:
    """A machine with a store that nobody else uses, with the base image."""
    with machine(tmp_path / "machine", containerd=request.param == "containerd", team=team) as started:
        started.run("docker", "pull", "-q", team.base, check=True)
        yield started


def test_the_promise_is_kept(
    alone: Machine,
    team: Registry,
    base: str,
    project: Path,
    rounds: Callable[[int, int], int],
    figure: Callable[[str], None],
) -> None:
    """What a dry run promises is within 5 percent of what `docker system df` then shows as freed."""

    def run(*words: str) -> dict[str, Any]:
        return said(alone.desktop_bake(*words, "--json", cwd=project))

    config = project / "desktop-bake.toml"
    text = config.read_text().replace(base, team.base)  # a cache's export would take most of the time
    config.write_text(f'cache = "none"\n{text}preflight_script = "preflight.sh"\n')
    text = "yes 'some text that packs well' | head -c"
    errors = []
    for turn in range(rounds(1, 6)):
        for number, (install, setup, own) in enumerate(
            [(30, 9, 2), (30, 3, 0.7), (30, 3, 1.5), (18, 5, 0.2), (18, 0.05, 0.2)]
        ):
            mega = 400_000 + 300_000 * turn
            (project / "install.sh").write_text(
                f"head -c {install * mega} /dev/urandom > /i; {text} {install * mega} > /t\n"
            )
            (project / "setup.sh").write_text(f"head -c {int(setup * mega)} /dev/urandom > /s{turn}\n")
            (project / "preflight.sh").write_text(f"head -c {int(own * mega)} /dev/urandom > /p{number}\n")
            run("build")
        for number, words in enumerate((("--keep", "1"), ())):
            promised = run("prune", "--dry-run", *words)["frees_bytes"]
            before = images_bytes(alone)
            assert run("prune", "--yes", *words)["removed"] >= 1
            end = time.monotonic() + 20  # the store cleans up in its own time
            while (freed := before - images_bytes(alone)) < promised * 0.95 and time.monotonic() < end:
                time.sleep(0.2)
            assert freed > 1_000_000, number
            assert promised == pytest.approx(freed, rel=0.05)
            errors.append(abs(promised - freed) / freed)
        assert {row["state"] for row in run("images")["images"]} == {"live"}
    figure(f"{len(errors)} prunes of shared layers, promised within {max(errors):.1%} of what was freed")


def images_bytes(alone: Machine) -> int:
    """What `docker system df` shows for images."""
    answer = Endpoint(alone.environment["DOCKER_HOST"]).ask("GET", "/system/df")
    return int(answer.content["LayersSize"])
