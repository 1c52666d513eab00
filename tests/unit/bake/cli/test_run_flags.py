"""The flags of `run`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

from desktop_bake.bake.cli.run_flags import add_to
from desktop_bake.generator.errors import ConfigurationError


def parsed(*words: str) -> dict[str, Any]:
    """What these words are for."""
    command = argparse.ArgumentParser()
    add_to(command)
    return vars(command.parse_args(words))


def test_what_is_typed() -> None:
    """Durations are in seconds, a film's file is a path, and what follows the flags is left as it is."""
    found = parsed(
        "--screenshot", "%d.png", "--screenshot-every", "1m30s", "--timeout", "2h", "--record", "a.mp4", "--", "-x"
    )
    wanted = {"screenshot": "%d.png", "screenshot_every": 90, "timeout": 7200, "record": Path("a.mp4"), "keep": False}
    assert {name: found[name] for name in wanted} == wanted
    assert found["words"] == ["--", "-x"]
    assert (parsed()["timeout"], parsed()["screenshot_every"]) == (None, None)


@pytest.mark.parametrize(
    ("words", "says", "remedy"),
    [
        (["--timeout", "600"], "--timeout 600 has no unit: it is the task's limit", "--build-timeout 600"),
        (["--timeout", "0s"], "--timeout 0s leaves a task no time", "1s or more"),
        (["--timeout", "soon"], "malformed duration 'soon'", "30s, 15m"),
        (["--screenshot-every", "0"], "--screenshot-every 0 is too short a pause", "1s or more"),
        (["--screenshot-every", "2"], "the duration '2' has no unit", "2s for seconds"),
    ],
)
def test_refused(words: list[str], says: str, remedy: str) -> None:
    """A wrong duration is refused where it is parsed, with what to write."""
    with pytest.raises(ConfigurationError) as caught:
        parsed(*words)
    assert str(caught.value) == says
    assert remedy in caught.value.remedy
