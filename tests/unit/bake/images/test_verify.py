"""The team's own check of an image: what is run, what its end means, and what keeps nobody waiting."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import CancelledError, ConfigurationError, Settings
from desktop_bake.bake.images.verify import refusal_of
from tests.harness.work import work

if TYPE_CHECKING:
    from tests.harness.fake_engine import FakeEngine

IMAGE = "registry.example.com/a@sha256:" + "a" * 64


def refusal(engine: FakeEngine, folder: Path, *command: str, **more: Any) -> str | None:
    """The result for an image with this command."""
    limit_s = more.pop("limit_s", 60)
    settings = Settings(root=folder, verify_command=(*command, "{image}"), verify_timeout_s=limit_s)
    return refusal_of(IMAGE, work(engine, settings, **more))


def test_no_command(engine: FakeEngine) -> None:
    """Without a command every image is accepted."""
    assert refusal_of(IMAGE, work(engine)) is None


def test_what_is_run(engine: FakeEngine, tmp_path: Path) -> None:
    """The command runs without a shell, in the configuration's folder, with the image's digest and without input."""
    program = "import sys, os; open('said', 'w').write(repr((sys.argv[1:], sys.stdin.read())))"
    assert refusal(engine, tmp_path, sys.executable, "-c", program, "$HOME;") is None
    assert (tmp_path / "said").read_text() == repr((["$HOME;", IMAGE], ""))


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("exit 1", "sh ended with status 1: no reason given"),
        ("echo one; echo two >&2; exit 3", "sh ended with status 3: two"),
        ("echo 'https://u:hunter2@h/'; exit 1", "sh ended with status 1: https://***@h/"),
        ("printf '\\377'; exit 1", "sh ended with status 1: \ufffd"),
        ("kill -KILL $$", "sh ended with status -9: no reason given"),
    ],
)
def test_refused(engine: FakeEngine, tmp_path: Path, script: str, says: str) -> None:
    """Any status but 0 refuses, with the last line that was printed, without secrets."""
    assert refusal(engine, tmp_path, "sh", "-c", script) == says


@pytest.mark.parametrize("kind", ["gone", "not executable", "folder"])
def test_no_program(engine: FakeEngine, tmp_path: Path, kind: str) -> None:
    """A program that cannot be run is a wrong configuration: no image is used unverified."""
    (tmp_path / "not executable").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigurationError, match=r"^verify_command: .* cannot be run: ") as caught:
        refusal(engine, tmp_path, str(tmp_path / kind))
    assert "not used" in caught.value.remedy


def test_a_machine_that_cannot(engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without room for a process refuses the image, and no configuration is blamed."""

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", fail)
    assert refusal(engine, tmp_path, "sh") == "sh could not be run: Resource temporarily unavailable"


def test_the_limit(engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that does not end is killed, with all that it started, and refuses."""
    wait = subprocess.Popen.wait
    monkeypatch.setattr(subprocess.Popen, "wait", lambda self, limit_s=None: wait(self, limit_s and limit_s / 10))
    began = time.monotonic()
    said = refusal(engine, tmp_path, "sh", "-c", "sleep 60 & sleep 60; true", limit_s=1)
    assert said == "sh was stopped after 1 s"
    assert time.monotonic() - began < 20


def test_what_runs_on(engine: FakeEngine, tmp_path: Path) -> None:
    """Programs that the command leaves in the background, with its output open, are not waited for."""
    began = time.monotonic()
    assert refusal(engine, tmp_path, "sh", "-c", "sleep 5 & exit 0") is None
    assert time.monotonic() - began < 4


def test_cancelled(engine: FakeEngine, tmp_path: Path) -> None:
    """The command does not hold up a caller that cancels."""
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(CancelledError, match=r"^cancelled$"):
        refusal(engine, tmp_path, "sh", "-c", "exec sleep 60", cancel=cancel)
