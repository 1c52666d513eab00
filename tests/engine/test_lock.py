"""The lock on a real engine: its date installs packages again, tools are the locked ones, and images are rebaked."""

from __future__ import annotations

import json
import subprocess
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.harness.crane import crane

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.project import Run


def baked(cli: Run, *words: str) -> tuple[str, str]:
    """The key of the image, and the time of its packages' installation."""
    done = cli("build", "--json", *words)
    assert done.returncode == 0, done.stderr
    (image,) = json.loads(done.stdout)["images"]
    run = ["docker", "run", "--rm", image["image_id"], "cat", "/etc/installed"]
    return image["cache_key"], subprocess.run(run, check=True, capture_output=True, text=True).stdout


def stamped(project: Path) -> None:
    """Let the install step write its time; no other test has this step, so no cached layer matches."""
    (project / "install.sh").write_text(f"date +%s%N >/etc/installed # {uuid.uuid4().hex}\n")


def dated(project: Path, day: str) -> None:
    """Write a lock of a packages date and nothing else."""
    (project / "desktop-bake.lock").write_text(f'schema = 1\npackages = "{day}"\n')


@pytest.mark.parametrize("own", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_the_date_installs_anew(cli: Run, project: Path, own: bool) -> None:
    """Changing the date repeats the install step, despite any cache; without a lock key and layers are as before."""
    stamped(project)
    if own:
        (project / "Dockerfile").write_text(
            "FROM base\nARG DESKTOP_BAKE_BASE\n"
            "RUN --mount=type=bind,source=desktop_install.sh,target=/install.sh sh /install.sh\n"
            "RUN --mount=type=bind,source=desktop_setup.sh,target=/setup.sh sh /setup.sh\n"
        )
        with (project / "desktop-bake.toml").open("a") as file:
            file.write('dockerfile = "Dockerfile"\n')
    unlocked = baked(cli)
    dated(project, "2026-11-01")
    first = baked(cli)
    dated(project, "2026-11-27")
    second = baked(cli)
    assert len({unlocked, first, second}) == 3
    assert len({stamp for _, stamp in (unlocked, first, second)}) == 3
    (project / "setup.sh").write_text("echo other >/etc/other\n")
    later = baked(cli)
    assert later[0] != second[0]
    assert later[1] == second[1]  # setup alone does not install again
    (project / "desktop-bake.lock").unlink()
    assert baked(cli)[1] == unlocked[1]


def test_afresh(cli: Run, project: Path) -> None:
    """`build --no-cache` bakes again under the same key, and tasks use that image from then on."""
    stamped(project)
    key, first = baked(cli)
    assert baked(cli) == (key, first)
    again, second = baked(cli, "--no-cache")
    assert (again, second != first) == (key, True)
    assert baked(cli) == (key, second)


def test_tools_are_the_locks(cli: Run, project: Path, base: str) -> None:
    """A Dockerfile's images and its frontend are those of the lock, even after their tags changed."""
    host = base.partition("/")[0]
    tool = f"{host}/{project.name}/tool:1"
    crane("mutate", "--label", "n=1", "--entrypoint", "first", base, "-t", tool)
    wanted = crane("digest", tool)
    (project / "Dockerfile").write_text(
        f"FROM {tool} AS tool\nRUN echo tool >/tool\nFROM base\nCOPY --from=tool /tool /etc/installed\n"
    )
    with (project / "desktop-bake.toml").open("a") as file:
        file.write('dockerfile = "Dockerfile"\n')
    done = cli("lock")
    assert f"tool {tool} locked at {wanted[:19]}" in done.stdout
    assert "takes no packages date: write ARG DESKTOP_BAKE_BASE" in done.stderr
    crane("mutate", "--label", "n=2", base, "-t", tool)
    moved = crane("digest", tool)
    key, _ = baked(cli, "--frozen")
    rendered = cli("render", "--frozen").stdout
    assert f"docker-image://{tool}@{wanted}" in rendered
    assert moved not in rendered
    assert f"tool {tool} moved from {wanted[:19]} to {moved[:19]}" in cli("lock", "--upgrade").stdout
    assert baked(cli)[0] != key


def test_init_writes_one(cli: Run, project: Path, base: str) -> None:
    """`init` leaves a valid lock if the base's registry answers; else it says so, and succeeds."""
    for name in ("desktop-bake.toml", "install.sh", "setup.sh"):
        (project / name).unlink()
    done = cli("init", "--base-image", base)
    assert done.stdout.splitlines() == ["desktop-bake.toml", "desktop-bake.lock"]
    assert cli("lock", "--check", "--frozen").returncode == 0
    for name in ("desktop-bake.toml", "desktop-bake.lock"):
        (project / name).unlink()
    alone = cli("init", "--base-image", "127.0.0.1:9/a:1")
    assert (alone.returncode, alone.stdout) == (0, "desktop-bake.toml\n")
    assert "no desktop-bake.lock is written: base image 127.0.0.1:9/a:1: " in alone.stderr
    assert not (project / "desktop-bake.lock").exists()


def test_doctor_and_explain(cli: Run, project: Path) -> None:
    """`doctor` reports an old lock; `explain` needs no engine with a lock, and one without."""
    assert cli("lock").returncode == 0
    nowhere = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
    explained = cli("explain", "--json", **nowhere)
    assert explained.returncode == 0, explained.stderr
    assert json.loads(explained.stdout)["status"] == "miss"
    assert "no Docker Engine answers: registries alone are asked" in explained.stderr
    file = project / "desktop-bake.lock"
    today = file.read_text().partition('packages = "')[2][:10]
    file.write_text(file.read_text().replace(f'packages = "{today}"', 'packages = "2020-01-01"'))
    (check,) = [c for c in json.loads(cli("doctor", "--json").stdout)["checks"] if c["name"] == "desktop-bake.lock"]
    assert check["state"] == "warning"
    assert check["detail"].startswith("packages of 2020-01-01, ")
    assert check["remedy"] == "run: desktop-bake lock --upgrade; then render, and commit both"
    file.unlink()
    assert cli("explain", **nowhere).returncode == 4


def test_warm_moves_what_is_old(cli: Run, project: Path, base: str) -> None:
    """`warm --max-age` upgrades the lock before its round, says so, and bakes on the changed base."""
    name = f"{base.partition('/')[0]}/{project.name}/base:1"
    crane("mutate", "--label", "n=1", base, "-t", name)
    config = project / "desktop-bake.toml"
    config.write_text(config.read_text().replace(base, name))
    refused = cli("warm", "--no-push", "--max-age", "30d")
    assert refused.returncode == 2
    assert "there is none that may move" in refused.stderr
    assert cli("lock").returncode == 0
    key, _ = baked(cli)
    crane("mutate", "--label", "n=2", base, "-t", name)
    assert ": 1 fresh in " in cli("warm", "--no-push", "--max-age", "30d").stdout
    warmed = cli("warm", "--no-push", "--max-age", "0")
    assert ": 1 built in " in warmed.stdout
    assert f"[desktop-cache] lock: base {name} moved from " in warmed.stderr
    assert baked(cli)[0] != key
    assert cli("lock", "--check").returncode == 0
