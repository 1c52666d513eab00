"""The starts that desktop_run.sh refuses, before it starts anything, if none of our programs started it."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from desktop_bake.bake.config.shipped import shipped

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "0123456789abcdef"
# what comes after the secret, and cannot be had here: it says that the secret was taken
TAKEN = "/tmp/.X11-unix is no tmpfs: --mount type=tmpfs,target=/tmp/.X11-unix,tmpfs-mode=1777"
NONE = "no secret: set DESKTOP_BAKE_SECRET, or DESKTOP_BAKE_SECRET_FILE to a file that holds it"
BAD = "the secret is not one line of 16 to 128 letters, digits and '-._~'; with another, start a new container"


def refusal(given: bytes = b"", **variables: str) -> str:
    """Why a desktop that nobody holds does not start, with this on its standard input and these variables."""
    done = subprocess.run(
        ["bash", "-c", shipped("recipe/desktop_run.sh").read_text(), "desktop", "the gate", "alone"],
        input=given,
        capture_output=True,
        check=False,
        timeout=60,
        env={"PATH": os.environ["PATH"], "NOVNC_PATH": "/", **variables},
    )
    assert (done.returncode, done.stdout) == (1, b"")
    (line,) = done.stderr.decode().splitlines()
    assert SECRET[1:] not in line
    return line.removeprefix("[desktop] refused: ")


def test_no_secret() -> None:
    """Without a secret it says what to set."""
    assert refusal() == NONE
    assert refusal(DESKTOP_BAKE_SECRET="") == NONE
    assert refusal(b"\n") == NONE


@pytest.mark.parametrize("secret", [SECRET, "A-b_c.d~" * 16])
@pytest.mark.parametrize("end", ["", "\n"])
def test_a_secret(secret: str, end: str, tmp_path: Path) -> None:
    """A file, a variable or the standard input gives it; a file counts before the others, whatever they say."""
    (tmp_path / "secret").write_text(secret + end)
    assert refusal(DESKTOP_BAKE_SECRET=secret) == TAKEN
    assert refusal((secret + end).encode()) == TAKEN
    file = {"DESKTOP_BAKE_SECRET_FILE": str(tmp_path / "secret")}
    assert refusal(b"bad", DESKTOP_BAKE_SECRET="bad", **file) == TAKEN
    (tmp_path / "secret").write_text("bad")
    assert refusal(secret.encode(), DESKTOP_BAKE_SECRET=secret, **file) == BAD


@pytest.mark.parametrize(
    "secret",
    ["-", SECRET[1:], "x" * 129, f"{SECRET}\n{SECRET}", f"{SECRET} stay", f"{SECRET}&a=b", f"{SECRET}é", f"{SECRET}\r"],
)
def test_a_bad_secret(secret: str, tmp_path: Path) -> None:
    """One that is short, that a URL does not hold as it is, or of several lines is refused, and not shown."""
    (tmp_path / "secret").write_text(secret, newline="")
    assert refusal(DESKTOP_BAKE_SECRET_FILE=str(tmp_path / "secret")) == BAD
    assert refusal(DESKTOP_BAKE_SECRET=secret) == BAD


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that was named and is not there is reported by its name, and nothing else is taken in its place."""
    file = str(tmp_path / "gone")
    said = refusal(SECRET.encode(), DESKTOP_BAKE_SECRET=SECRET, DESKTOP_BAKE_SECRET_FILE=file)
    assert said == f"cannot read the secret in {file}"


def test_a_file_for_root_alone(tmp_path: Path) -> None:
    """An image that runs as a user reads the file of root by sudo, without a question."""
    (tmp_path / "sudo").write_text(f'#!/bin/sh\n[ "$*" = "-n cat {tmp_path}/gone" ] && echo {SECRET}\n')
    (tmp_path / "sudo").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    assert refusal(PATH=path, DESKTOP_BAKE_SECRET_FILE=f"{tmp_path}/gone") == TAKEN


@pytest.mark.parametrize("geometry", ["1280", "1280x", "0x800", "1280x800+1+1", "-1x-1", "1280 x 800"])
def test_a_bad_geometry(geometry: str) -> None:
    """A screen of no size is reported before anything starts."""
    said = refusal(DESKTOP_BAKE_SECRET=SECRET, DESKTOP_GEOMETRY=geometry)
    assert said == f"bad geometry '{geometry}': write WIDTHxHEIGHT in pixels, such as 1280x800"
