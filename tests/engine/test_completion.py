"""Completion, help and the page of commands: all from one parser."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop_bake.bake.cli.completion import completion_script

SHELLS = "desktop-bake-shells:test"


@pytest.fixture
def shells(base: str) -> Iterator[str]:
    """An image with zsh and fish."""
    here = Path(__file__).parents[1]
    words = [
        "docker",
        "buildx",
        "build",
        "-q",
        "--load",
        "-t",
        SHELLS,
        "--build-arg",
        f"BASE={base}",
        "-f",
        str(here / "shells.Dockerfile"),
        str(here),
    ]
    subprocess.run(words, check=True, capture_output=True)
    yield SHELLS
    subprocess.run(["docker", "image", "rm", "-f", SHELLS], check=False, capture_output=True)


IN_THE_SHELLS = """
export PATH=/shells/bin:$PATH
fish -c 'source /shells/fish; complete -C "desktop-bake resolve "'
for word in "" a d; do echo "--"; timeout 60 zsh -f /shells/zsh_tab.zsh "desktop-bake resolve $word"; done
echo "--"; ls /tmp
"""


def test_data_is_not_run_in_zsh_and_fish(hostile: tuple[Path, str, list[str]], shells: str) -> None:
    """A real fish offers such IDs as they are, a real zsh in quotes; neither runs any of them."""
    folder, mark, ids = hostile
    with (folder / "desktop-bake.toml").open("a") as file:
        file.write('[environments.default]\nbase_image = "a"\n')
    words = [sys.executable, "-m", "desktop_bake", "env", "list", "-q"]
    listed = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True).stdout
    work = folder / "work"
    (work / "bin").mkdir(parents=True)
    (work / "fp").mkdir()
    (work / "list").write_text(listed)
    (work / "bin" / "desktop-bake").write_text("#!/bin/sh\ncat /shells/list\n")
    (work / "bin" / "desktop-bake").chmod(0o755)
    (work / "fish").write_text(completion_script("fish"))
    (work / "fp" / "_desktop-bake").write_text(completion_script("zsh"))
    shutil.copy(Path(__file__).parents[1] / "zsh_tab.zsh", work)
    done = subprocess.run(
        ["docker", "run", "--rm", "-i", "-v", f"{work}:/shells:ro", shells, "bash", "-c", IN_THE_SHELLS],
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    fish, every, one, plain, left = done.stdout.split("--\n")
    assert [line.split("\t")[0] for line in fish.splitlines()] == [*ids, "default"]
    for text in (r"\$\(touch\ ", r"\$\(touch\$\{IFS\}", r"\`touch\ ", r"\~/\*", r"a\ b\'s"):
        assert text in every
    assert r"LINE<desktop-bake resolve a\ b\'s >" in one
    assert "LINE<desktop-bake resolve default >" in plain
    assert mark not in left
