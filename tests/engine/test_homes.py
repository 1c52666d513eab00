"""Users without a home, without an entry in the user database, and without a folder for temporary files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Settings, TaskOptions, ensure_desktop_image, start_task
from tests.harness.users import USER

if TYPE_CHECKING:
    from desktop_bake import Environment


Cli = Callable[..., subprocess.CompletedProcess[str]]
# The variables; None means not set.
HERE: dict[str, dict[str, str | None]] = {
    "no home": {"HOME": None},
    "an empty home": {"HOME": ""},
    "a relative home": {"HOME": "home"},
    "a home that cannot be written": {"HOME": "/proc"},
    "no folder for temporary files": {"HOME": "{tmp}", "TMPDIR": "/nowhere"},
}


@pytest.fixture
def nobody(project: Path) -> Iterator[Cli]:
    """`desktop-bake` in the project's folder, as a user without an entry who has our permissions."""
    (project / "tmp").mkdir()

    def run(*words: str, **variables: str | None) -> subprocess.CompletedProcess[str]:
        changed = {"TMPDIR": str(project / "tmp"), "XDG_CACHE_HOME": None, **variables}
        environment = {**os.environ, **changed}
        return subprocess.run(
            [
                "unshare",
                "--user",
                f"--map-user={USER}",
                f"--map-group={USER}",
                "--",
                sys.executable,
                "-m",
                "desktop_bake",
                *words,
            ],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            stdin=subprocess.DEVNULL,
            env={name: value for name, value in environment.items() if value is not None},
        )

    yield run
    shutil.rmtree(Path("/tmp", f"desktop-bake-{USER}"), ignore_errors=True)


@pytest.mark.parametrize("case", HERE)
def test_here(case: str, nobody: Cli, project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Commands that edit or look work; nothing is written to the working directory."""
    home = str(tmp_path_factory.mktemp("home"))
    variables = {name: value and value.format(tmp=home) for name, value in HERE[case].items()}
    before = {path.name for path in project.iterdir()}
    for status, words in ((0, ("env", "set", "default", "name=x")), (3, ("resolve",))):
        done = nobody(*words, **variables)
        assert (done.returncode, "Traceback" in done.stderr) == (status, False), (words, done.stderr)
    assert {path.name for path in project.iterdir()} == before


def test_a_build_here(nobody: Cli) -> None:
    """A build and the hits after it work without a home; one warning names the cache's place and a remedy."""
    done = nobody("build", "--cache", "none", HOME=None)
    assert done.returncode == 0, done.stderr
    (warned,) = [line for line in done.stderr.splitlines() if "WARNING" in line]
    assert f"desktop-bake-{USER}: set XDG_CACHE_HOME to a folder of your own" in warned
    assert nobody("resolve", HOME=None).returncode == 0


def test_nowhere(nobody: Cli, project: Path) -> None:
    """If neither home nor temporary folder is usable, that is one line and a remedy."""
    taken = project / "tmp" / f"desktop-bake-{USER}"
    taken.touch()
    for words in (("resolve",), ("run", "--", "true")):
        done = nobody(*words, HOME=None)
        assert done.returncode == 2
        *before, error, remedy = done.stderr.splitlines()
        assert all(line.startswith("[desktop-cache] cache key: ") for line in before)
        assert error.startswith("error: no folder for the cache: ~/.cache/desktop-bake is no absolute path, and ")
        assert remedy == "  set XDG_CACHE_HOME to a folder of your own, or HOME"


@pytest.mark.parametrize(
    ("user", "variables"),
    [
        (USER, {}),
        (USER, {"HOME": "/", "TMPDIR": "/nowhere"}),
        (f"{USER}:{USER}", {"HOME": "/nowhere", "XDG_RUNTIME_DIR": "/nowhere"}),
        (None, {"HOME": "/proc", "TMPDIR": "/nowhere"}),
    ],
)
def test_in_the_container(
    user: str | None, variables: dict[str, str], desktop: Environment, desktop_settings: Settings
) -> None:
    """A task has its desktop as a user without an entry or a writable home, or without `TMPDIR`."""
    image = ensure_desktop_image(desktop, desktop_settings)
    assert not image.install_at_start
    options = TaskOptions(user=user, variables=variables)
    lines: list[str] = []
    words = ["bash", "-c", "xprop -root _NET_SUPPORTING_WM_CHECK && xterm -e true && echo drawn"]
    with start_task(desktop, image, desktop_settings, options=options, command=words, log=lines.append) as task:
        assert task.wait(timeout_s=60) == 0
    assert lines[-1] == "drawn"
    assert any("window id #" in line for line in lines)
