"""A picture of a running task, which needs no more than an engine and the container's ID."""

from __future__ import annotations

import contextlib
import subprocess
from types import SimpleNamespace
from typing import Any, cast

import pytest

from desktop_bake import ConfigurationError, TaskError
from desktop_bake.bake.task.screen import PICTURE_BYTES, picture, resize


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

    def docker(*words: str, limit_bytes: int, timeout_s: float) -> subprocess.CompletedProcess[bytes]:
        asked.append((words[:4], limit_bytes, timeout_s))
        return subprocess.CompletedProcess(words, status, printed, b"import:\ngone\n")

    engine = cast("Any", SimpleNamespace(docker=docker))
    if says:
        with pytest.raises(TaskError, match=f"^{says}$"):
            picture(engine, "c0ffee", limit_s=9)
    else:
        assert picture(engine, "c0ffee", limit_s=9) == printed
    assert asked == [(("exec", "-e", "DISPLAY=:1", "c0ffee"), PICTURE_BYTES, 9)]


@pytest.mark.parametrize(("status", "said"), [(0, b""), (1, b"x\nthere is not enough memory\n")])
def test_resize(status: int, said: bytes) -> None:
    """A program in the container asks for the size, and says why it was refused."""
    asked: list[tuple[str, ...]] = []

    def docker(*words: str) -> subprocess.CompletedProcess[bytes]:
        asked.append(words)
        return subprocess.CompletedProcess(words, status, b"", said)

    engine = cast("Any", SimpleNamespace(docker=docker))
    with pytest.raises(TaskError, match="size 1920x1080: there is not") if status else contextlib.nullcontext():
        resize(engine, "c0ffee", "1920x1080")
    ((*words, width, height),) = asked
    assert (words[:2], width, height) == (["exec", "c0ffee"], "1920", "1080")
    with pytest.raises(ConfigurationError):
        resize(engine, "c0ffee", "1920")
    assert len(asked) == 1
