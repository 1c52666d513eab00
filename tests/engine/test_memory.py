"""A hostile task does not exhaust the memory of its runner."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Settings, TaskOptions, ensure_desktop_image, start_task
from desktop_bake.bake.task.mounts import Mount
from desktop_bake.generator.errors import TaskError
from tests.harness.memory import MB

if TYPE_CHECKING:
    from desktop_bake import Environment


def test_endless_picture(desktop: Environment, desktop_settings: Settings, tmp_path: Path) -> None:
    """An endless screenshot is cut off at the size of the screen."""
    (tmp_path / "import").write_text("#!/bin/sh\nprintf '\\211PNG'; exec cat /dev/zero\n")
    (tmp_path / "import").chmod(0o755)
    image = ensure_desktop_image(desktop, desktop_settings)
    options = TaskOptions(mounts=(Mount(kind="bind", source=str(tmp_path / "import"), target="/usr/local/bin/import"),))
    before = resource.getrlimit(resource.RLIMIT_AS)
    with start_task(desktop, image, desktop_settings, options=options) as task:
        resource.setrlimit(resource.RLIMIT_AS, (4096 * MB, before[1]))  # so that a failure cannot endanger us
        try:
            with pytest.raises(TaskError, match="printed more than 64 MiB"):
                task.screenshot(tmp_path / "shot.png")
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)
    assert not (tmp_path / "shot.png").exists()
