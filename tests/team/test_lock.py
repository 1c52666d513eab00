"""The lock on two engines: the same desktop for everyone, whatever each machine has pulled, and deliberate updates."""

from __future__ import annotations

import difflib
import json
import shutil
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.harness.crane import crane
from tests.harness.registries import HERE, Api, push_image
from tests.harness.team import Project, answer, here, right_labels

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.machines import Machine, Registry

THEN = "2026-11-01"


@pytest.fixture
def based(shared: Project, team: Registry) -> Project:
    """A project whose base has its own tag in the registry, which can move."""
    shared.base = f"{shared.repository}/base:1"
    shared.change()
    move(shared, team)
    return shared


def move(project: Project, team: Registry) -> str:
    """Move the base's tag to another image; return its digest."""
    crane("mutate", "--label", f"moved={uuid.uuid4().hex}", team.base, "-t", project.base)
    return crane("digest", project.base)


def lock_of(project: Project) -> Path:
    """The project's lock."""
    return project.folder / "desktop-bake.lock"


def locked(project: Project) -> None:
    """Lock a project as it would have been some weeks ago."""
    done = project.bake("lock")
    assert done.returncode == 0, done.stderr
    file = lock_of(project)
    text = file.read_text()
    today = text.partition('packages = "')[2][:10]
    file.write_text(text.replace(today, THEN))


def test_the_story(
    based: Project,
    team: Registry,
    second: Machine,
    tmp_path: Path,
    rounds: Callable[[int, int], int],
    figure: Callable[[str], None],
) -> None:
    """A locks, bakes and pushes; the base moves, and B, which already pulled the new one, still hits; A upgrades the
    lock and bakes; B stays on the old one until it has that lock, and then hits again."""
    here("docker", "pull", "-q", based.base)
    locked(based)
    built = answer(based.bake("build", "--push", "--json"))
    assert built["status"] == "built"
    theirs = shutil.copytree(based.folder, tmp_path / "theirs")
    many = rounds(1, 20)
    for _ in range(many):
        moved = move(based, team)
        second.run("docker", "pull", "-q", based.base, check=True)
        assert moved in second.run("docker", "image", "inspect", "--format", "{{.RepoDigests}}", based.base).stdout
        found = answer(second.desktop_bake("build", "--json", cwd=theirs))
        assert (found["status"], found["cache_key"]) == ("registry-hit", built["cache_key"])
        second.run("docker", "image", "rm", "-f", str(found["image"]), str(found["image_id"]))
    figure(f"{many} moves of the base, {many} registry hits")
    unlocked = answer(second.desktop_bake("key", "--json", "--environments", *other_lock(based, theirs), cwd=theirs))
    assert unlocked["components"]["base"] == moved  # type: ignore[index]

    before = lock_of(based).read_text().splitlines()
    upgraded = based.bake("lock", "--upgrade", "--max-age", "3d")
    base, packages, reinstalls = upgraded.stdout.splitlines()
    assert base.startswith(f"base {based.base} moved from sha256:")
    assert f" to {moved[:19]}" in base
    assert packages.startswith(f"packages {THEN} → ")
    assert reinstalls == "reinstalls default"
    diff = difflib.unified_diff(before, lock_of(based).read_text().splitlines(), n=0, lineterm="")
    assert [line[:10] for line in diff if line[:1] in "+-"][2:] == [
        "-packages ",
        "+packages ",
        "-digest = ",
        "+digest = ",
        "-locked = ",
        "+locked = ",
    ]
    miss = based.bake("resolve", "--json")
    assert f"base image changed: {based.base} moved from" in str(answer(miss, 3)["reason"])
    assert f"packages date moved from {THEN} to " in str(answer(miss, 3)["reason"])
    rebuilt = answer(based.bake("build", "--push", "--json"))
    assert rebuilt["status"] == "built"

    assert answer(second.desktop_bake("key", "--json", cwd=theirs))["cache_key"] == built["cache_key"]
    shutil.copy(lock_of(based), theirs)
    pulled = answer(second.desktop_bake("build", "--json", cwd=theirs))
    assert (pulled["status"], pulled["cache_key"]) == ("registry-hit", rebuilt["cache_key"])


def other_lock(project: Project, folder: Path) -> tuple[str, str]:
    """The project's environment as one of Agents Runner, in a folder without a lock."""
    runner = folder / "runner"
    runner.mkdir()
    fields = {"base_image": project.base, "headless_desktop_enabled": True, "cache_desktop_build": True}
    (runner / "state.json").write_text(json.dumps([{"env_id": "default", **fields}]))
    return str(runner / "state.json"), "default"


def test_a_tampered_image(based: Project, second: Machine) -> None:
    """An image that somebody pushed under the right key, with the right labels, is never used; its digest is named."""
    locked(based)
    built = answer(based.bake("build", "--push", "--json"))
    key = str(built["cache_key"])
    good = crane("digest", f"{based.repository}:{key}")
    recorded = based.bake("lock", "--images")
    assert recorded.stdout == f"image {key} locked at {good[:19]}\n"
    labels = {**right_labels(based), "evil": uuid.uuid4().hex}
    evil = push_image(based.host, based.path, key, labels, platforms=(HERE,))
    found = second.desktop_bake("build", "--json", cwd=based.folder)
    assert answer(found)["status"] == "registry-hit"
    told = f"{based.repository}:{key} is {evil} in the registry, which is not used: the lock says {good}"
    assert f"[desktop-cache] WARNING: {told}" in found.stderr
    mine = here("docker", "run", "--rm", str(built["image_id"]), "cat", "/etc/installed").stdout
    image = str(answer(second.desktop_bake("resolve", "--json", cwd=based.folder))["image_id"])
    assert second.run("docker", "run", "--rm", image, "cat", "/etc/installed").stdout == mine
    second.run("docker", "image", "rm", "-f", image)

    Api(based.host).delete(based.path, "manifests", good)
    gone = second.desktop_bake("resolve", "--json", cwd=based.folder)
    assert answer(gone, 3)["status"] == "miss"
    assert f"not in registry {based.host} at {good}, the one that the lock says" in gone.stderr
    assert evil in gone.stderr
    assert answer(second.desktop_bake("build", "--json", cwd=based.folder))["status"] == "built"
    assert evil not in second.run("docker", "image", "ls", "--digests", "--no-trunc").stdout


def test_a_base_that_its_registry_lost(based: Project, second: Machine) -> None:
    """A locked base that was garbage-collected fails the build in one line, with a remedy."""
    locked(based)
    digest = crane("digest", based.base)
    Api(based.host).delete(f"{based.path}/base", "manifests", digest)
    failed = second.desktop_bake("build", cwd=based.folder)
    assert failed.returncode == 6
    assert failed.stderr.endswith(
        f"error: build failed: base image {based.base} is locked at {digest}, which its registry no longer has\n"
        "  move the lock: desktop-bake lock --upgrade default\n"
    )
