"""A rendered folder that was changed: plain Docker refuses to bake it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Run


def bake(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What plain Docker says to a rendered folder."""
    return subprocess.run(
        ["docker", "buildx", "bake", "-f", "docker-bake.hcl", "desktop", "--progress", "plain", *words],
        cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=300,
    )  # fmt: skip


def the_file(folder: Path, name: str) -> Path:
    """The one file of this name in a rendered folder; of a Dockerfile the desktop's, of a preflight's its own."""
    context = "*-p*" if name.startswith("preflight/") else "*-*-*-*-*"
    found = [f for f in folder.glob(f"context/{context}/{name.removeprefix('preflight/')}")
             if ("-p" in f.parent.name) == name.startswith("preflight/")]  # fmt: skip
    assert len(found) == 1
    return found[0]


@pytest.fixture
def rendered(cli: Run, project: Path) -> Path:
    """A rendered folder with a desktop and a preflight on it."""
    (project / "preflight.sh").write_text("echo preflight > /etc/preflight\n")
    config = project / "desktop-bake.toml"
    config.write_text(config.read_text() + 'preflight_script = "preflight.sh"\n')
    done = cli("render", "-o", "ci")
    assert done.returncode == 0, done.stderr
    return project / "ci"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("Dockerfile", "edit"),
        ("desktop_install.sh", "line ends"),
        ("desktop_setup.sh", "edit"),
        ("preflight/Dockerfile", "line ends"),
        ("preflight/preflight.sh", "edit"),
    ],
)
def test_a_changed_file_is_not_baked(rendered: Path, name: str, change: str) -> None:
    """A script or Dockerfile that was edited, or whose line ends were converted, fails plain Docker by its name, and no
    image has the key."""
    file = the_file(rendered, name)
    content = file.read_bytes()
    file.write_bytes(content + b"# edited\n" if change == "edit" else content.replace(b"\n", b"\r\n"))
    done = bake(rendered, "--load")
    assert done.returncode == 1
    said = f"[desktop] {file.name} was changed after it was rendered; run desktop-bake render"
    assert said in done.stderr
    assert not tags_of(rendered, file.parent.name)


def test_what_was_rendered_is_baked(rendered: Path) -> None:
    """The same folder, as it was rendered, bakes desktop and preflight."""
    done = bake(rendered, "--load")
    assert done.returncode == 0, done.stderr
    assert all(tags_of(rendered, context.name) for context in (rendered / "context").iterdir() if context.is_dir())


def tags_of(rendered: Path, key: str) -> str:
    """The images that have a key, by the repository that the bake file names."""
    (name,) = {line.strip().strip('",') for line in (rendered / "docker-bake.hcl").read_text().splitlines()
               if line.strip().endswith(f':{key}",')}  # fmt: skip
    done = subprocess.run(["docker", "image", "ls", "-q", name], capture_output=True, text=True, check=True)
    return done.stdout.strip()
