"""The failed step of a build, found in BuildKit's output."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.harness.project import Run


PIECES = 'printf "downloading "; sleep 0.4; echo "403 Forbidden"; exit 7'


def test_a_line_in_pieces(cli: Run, project: Path) -> None:
    """A last line that was printed in pieces is the message of a failed script; with the real BuildKit."""
    (project / "setup.sh").write_text(f"echo first\n{PIECES}\n")
    done = cli("build")
    assert done.returncode == 6
    assert "status 7\n  it said: downloading 403 Forbidden\n" in done.stderr


def test_without_network(base: str) -> None:
    """An install without a network reports that, not that the package sources lack something."""
    script = (Path(__file__).parents[2] / "recipe" / "desktop_install.sh").read_text()
    at_once = "echo 'Acquire::Retries::Delay 0;' >/etc/apt/apt.conf.d/at-once; sleep() { :; }\n"
    words = ["docker", "run", "--rm", "--network", "none", "-i", base, "bash", "-c", at_once + script]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Failed to fetch" in done.stderr.splitlines()[-1]
