"""A program that watches a screen goes to a container as one argument."""

from __future__ import annotations

import subprocess
import sys

from desktop_bake.bake.task.screen_program import screen_program


def test_the_program() -> None:
    """What goes to the container is one program that knows its own modules, and fits into an argument of Linux."""
    words = screen_program("screen_pictures", "2")
    assert words[:2] == ["/bin/sh", "-c"]
    assert max(len(word.encode()) for word in words) < 128 << 10
    done = subprocess.run([sys.executable, *words[4:-1]], capture_output=True, text=True, check=False)
    assert "main() missing 1 required positional argument: 'every'" in done.stderr
