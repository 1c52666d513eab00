"""A machine with a container, a published port and a running build, until it is interrupted.

`python -m tests.harness.busy FOLDER BASE` prints a line once it is busy.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.harness.machines import machine, team_registry


def main(folder: Path, base: str) -> None:
    """Keep the machine busy."""
    with team_registry(folder / "team", bases=[base]) as team, machine(folder / "machine", team=team) as second:
        second.run("docker", "run", "-d", "-p", "127.0.0.1:7777:7", team.base, "sleep", "4321", check=True)
        (folder / "Dockerfile").write_text(f"FROM {team.base}\nRUN echo building >&2; sleep 4321\n")
        build = second.popen("docker", "buildx", "build", "--progress", "plain", ".", cwd=folder)
        assert build.stderr
        while not build.stderr.readline().endswith(" building\n"):
            pass
        print("busy", flush=True)
        time.sleep(600)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
