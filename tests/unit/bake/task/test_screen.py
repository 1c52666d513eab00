"""A picture of a running task, which needs no more than an engine and the container's ID."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace
from typing import Any, cast

import pytest

from desktop_bake import TaskError
from desktop_bake.bake.task.screen import PICTURE_BYTES, picture


@pytest.mark.parametrize(
    ("status", "printed", "says"),
    [
        (0, b"\x89PNG\r\n", None),
        (1, b"\x89PNG\r\n", "no screenshot: gone"),
        (0, b"", "no screenshot: gone"),
    ],
)
def test_picture(status: int, printed: bytes, says: str | None) -> None:
    """What the container prints is the picture, if it is one and the program succeeded."""
    asked: list[Any] = []

    def docker(*words: str, limit_bytes: int) -> subprocess.CompletedProcess[bytes]:
        asked.append((words[:4], limit_bytes))
        return subprocess.CompletedProcess(words, status, printed, b"import:\ngone\n")

    engine = cast("Any", SimpleNamespace(docker=docker))
    if says:
        with pytest.raises(TaskError, match=f"^{says}$"):
            picture(engine, "c0ffee")
    else:
        assert picture(engine, "c0ffee") == printed
    assert asked == [(("exec", "-e", "DISPLAY=:1", "c0ffee"), PICTURE_BYTES)]
