"""Bases whose shell, PATH or SHELL is not what the recipe needs: its steps work all the same, or name the problem."""

from __future__ import annotations

import subprocess
import time
import uuid
from typing import TYPE_CHECKING

import pytest

from desktop_bake import ensure_desktop_image
from tests.harness.project import remove_images

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from desktop_bake import Environment, Settings
    from tests.harness.project import Run


BASES = """
FROM {base} AS broken
ENV PATH=/nonexistent
SHELL ["/nonexistent", "-c"]
FROM {base} AS nobash
RUN rm -f /bin/bash /usr/bin/bash
FROM {base} AS nosums
RUN rm -f /usr/bin/sha256sum
FROM {desktop} AS desktop
ENV PATH=/nonexistent
SHELL ["/nonexistent", "-c"]
FROM scratch AS noshell
COPY Dockerfile /etc/os-release
"""


@pytest.fixture
def base_of(
    base: str, desktop: Environment, desktop_settings: Settings, tmp_path: Path
) -> Iterator[Callable[[str], str]]:
    """Makes the base of a target of BASES; removed afterwards."""
    baked = ensure_desktop_image(desktop, desktop_settings).image
    repository, folder = f"desktop-bake-test-{uuid.uuid4().hex[:8]}", tmp_path / "bases"
    folder.mkdir()
    (folder / "Dockerfile").write_text(BASES.format(base=base, desktop=baked))

    def make(target: str) -> str:
        words = ["docker", "buildx", "build", "-q", "--load", "--target", target, "-t", f"{repository}:{target}", "."]
        subprocess.run(words, cwd=folder, check=True, capture_output=True)
        return f"{repository}:{target}"

    yield make
    remove_images(repository)


def use(project: Path, base: str, image: str) -> None:
    """The project on another base, with a preflight."""
    config = project / "desktop-bake.toml"
    config.write_text(config.read_text().replace(f'"{base}"', f'"{image}"') + 'preflight_script = "preflight.sh"\n')
    (project / "preflight.sh").write_text("echo preflight > /etc/preflight\n")


def docker(*words: str) -> str:
    """The words that docker prints, one space between them."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=True)
    return " ".join(done.stdout.split())


def test_shell_and_path_of_the_base_do_not_matter(
    cli: Run, project: Path, base: str, base_of: Callable[[str], str]
) -> None:
    """With a missing `SHELL` and a `PATH` without any program, desktop and preflight are baked; the image keeps the
    base's own."""
    use(project, base, base_of("broken"))
    done = cli("build", "--json")
    assert done.returncode == 0, done.stderr
    image = done.stdout.partition('"image_id":')[2].split('"')[1]
    made = ["/etc/installed", "/etc/configured", "/etc/preflight"]
    assert docker("run", "--rm", "--entrypoint", "/bin/cat", image, *made) == "installed configured preflight"
    shown = docker("image", "inspect", "-f", "{{.Config.Env}} {{.Config.Shell}}", image)
    assert shown.startswith("[PATH=/nonexistent LANG=C.UTF-8 ")
    assert shown.endswith("] [/nonexistent -c]")


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("nobash", "unsupported base: it has no bash; install it in the base"),
        ("nosums", "unsupported base: it has no sha256sum; install it in the base"),
        ("noshell", "unsupported base: it has no shell (/bin/sh); install one in the base"),
    ],
)
def test_a_base_that_lacks_it_is_refused(
    target: str, says: str, cli: Run, project: Path, base: str, base_of: Callable[[str], str]
) -> None:
    """A base without bash, sha256sum or any shell is refused, by the missing name, before anything is installed."""
    use(project, base, base_of(target))
    (project / "install.sh").write_text(f"sleep 60 # {uuid.uuid4()}\n")
    began = time.monotonic()
    done = cli("build")
    assert time.monotonic() - began < 30
    assert done.returncode == 6
    assert done.stderr.rstrip().endswith(says)


def test_a_task_needs_no_path_of_the_base(cli: Run, project: Path, base: str, base_of: Callable[[str], str]) -> None:
    """With such a `PATH` and `SHELL`, a task has its desktop, and its environment's script runs at the start."""
    use(project, base, base_of("desktop"))
    config = project / "desktop-bake.toml"
    config.write_text(config.read_text() + 'preflight_run_script = "at_start.sh"\n')
    (project / "at_start.sh").write_text("echo started on $(hostname)\n")
    done = cli("run", "--", "/bin/cat", "/etc/configured")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["configured"]
    assert "[desktop] ready" in done.stderr
    assert "started on " in done.stderr


def test_the_fallback_names_what_the_base_lacks(
    cli: Run, project: Path, base: str, base_of: Callable[[str], str]
) -> None:
    """A task on a base without bash, which falls back to installing at start, ends with the same message."""
    use(project, base, base_of("nobash"))
    done = cli("run", "--", "true")
    assert done.returncode == 1
    assert "unsupported base: it has no bash; install it in the base" in done.stderr.splitlines()[-2]
