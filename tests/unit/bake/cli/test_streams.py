"""The docker client on our own streams."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace
from typing import Any, cast

import pytest

from desktop_bake import EngineError
from desktop_bake.bake.cli import streams


def test_through_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its status is the answer; without it there is no engine to use."""

    def run(words: list[str], *, check: bool) -> SimpleNamespace:
        assert not check
        if words[1] == "gone":
            raise FileNotFoundError
        return SimpleNamespace(returncode=len(words))

    monkeypatch.setattr(subprocess, "run", run)
    assert streams.through_docker("logs", "a") == 3
    with pytest.raises(EngineError, match="the docker client is not installed"):
        streams.through_docker("gone")


@pytest.mark.parametrize("missing", [True, False])
def test_run_here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: bool) -> None:
    """A command that the image does not have is named."""
    monkeypatch.setattr(streams, "on_our_streams", lambda *_, **__: 127)
    monkeypatch.setattr(streams, "is_missing", lambda *_: missing)
    assert streams.run_here(cast("Any", None), "a", ["make"]) == 127
    said = "error: command not found in the image: make\n  install it in the setup script or the base\n"
    assert capsys.readouterr().err == (said if missing else "")
