"""A program that calls the API: `python -m tests.harness.caller remove|keep COMMAND LIMIT_S`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from desktop_bake import ensure_desktop_image, load_settings, start_task
from desktop_bake.generator.errors import DesktopBakeError


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(image_then: str, command: str, limit_s: str) -> int:
    """Run a task and print its status.

    Args:
        image_then: `remove` to remove the image before the container is created.
        command: the task's command, for a shell.
        limit_s: the task's time limit.
    """
    settings = load_settings(Path("desktop-bake.toml"), {})
    environment = settings.environment(None)
    image = ensure_desktop_image(environment, settings, log=_log)
    if image_then == "remove":
        subprocess.run(["docker", "image", "rm", "-f", str(image.image_id)], check=True, capture_output=True)
    try:
        with start_task(environment, image, settings, log=_log, command=["sh", "-c", command]) as task:
            return task.wait(float(limit_s))
    except DesktopBakeError as error:
        _log(f"error: {error}\n  {error.remedy}")
        return error.exit_status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
