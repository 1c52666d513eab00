"""A film of a task: which files can be one, and that it ends however the command does; a shell is the recorder."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import ConfigurationError, EngineError, Environment, ImageReference, Settings
from desktop_bake.bake.context import Context
from desktop_bake.bake.images.result import Fallback
from desktop_bake.bake.task import film
from desktop_bake.bake.task.film import FilmWish, filmed, recorder_image

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.fake_engine import FakeEngine

TASK: Any = SimpleNamespace(container_id="c0ffee", novnc_url="http://127.0.0.1:1/vnc.html#path=websockify%3Ftoken%3Dx")


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], list[str]]:
    """`recorder(script)`: what the container runs instead of the program; gives the words that it was started with."""
    monkeypatch.chdir(tmp_path)
    popen = subprocess.Popen

    def put(script: str) -> list[str]:
        given: list[str] = []

        def start(words: list[str], **how: Any) -> subprocess.Popen[bytes]:
            given[:] = words
            return popen(["sh", "-c", script], **how)

        monkeypatch.setattr(subprocess, "Popen", start)
        return given

    return put


def test_a_film(recorder: Callable[[str], list[str]]) -> None:
    """It begins before the command does and ends when that has; the secret is in no argument."""
    words = recorder("read -r path; echo begun >&2; echo $path; cat; echo end")
    said: list[str] = []
    with filmed(TASK, FilmWish(file=Path("a.mp4")), "sha256:1", said.append):
        assert not Path("a.mp4").read_text().endswith("end\n")
    assert (Path("a.mp4").read_text(), said) == ("websockify?token=x\nend\n", [])
    assert words[:7] == ["docker", "run", "--rm", "-i", "--init", "--network", "container:c0ffee"]
    assert words[-2:] == ["mp4", "10"]
    assert not any("token" in word for word in words[-2:])


def test_however_it_ends(recorder: Callable[[str], list[str]]) -> None:
    """An error of the command's is reported, and that the film has a fault besides."""
    recorder("echo begun >&2; cat; echo disk full >&2; exit 3")
    said: list[str] = []
    with pytest.raises(KeyboardInterrupt), filmed(TASK, FilmWish(file=Path("a.webm")), "sha256:1", said.append):
        raise KeyboardInterrupt
    assert said == ["the film a.webm may lack its end: disk full"]


def test_a_recorder_that_is_behind(recorder: Callable[[str], list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """One that does not come to its end is ended, and that is reported."""
    recorder("echo begun >&2; exec sleep 1000")
    monkeypatch.setattr(film, "FINISH_S", 0.1)
    said: list[str] = []
    with filmed(TASK, FilmWish(file=Path("a.webm")), "sha256:1", said.append):
        pass
    assert said == ["the film a.webm may lack its end: its recorder was still behind after 0.1 s"]


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("a.avi", r"a\.avi: a film is \.mp4 or \.webm"),
        ("a", r"a: a film is \.mp4 or \.webm"),
        ("no/such/a.mp4", "there is no folder no/such for the film"),
    ],
)
def test_no_film(file: str, says: str) -> None:
    """An impossible film is reported before anything runs."""
    with pytest.raises(ConfigurationError, match=f"^{says}$"):
        FilmWish(file=Path(file))


def test_a_file_that_cannot_be_written(recorder: Callable[[str], list[str]]) -> None:
    """It is reported before the command runs, and nothing is started."""
    words = recorder("true")
    Path("a.mp4").mkdir()
    with (
        pytest.raises(ConfigurationError, match=r"^cannot write a\.mp4: "),
        filmed(TASK, FilmWish(file=Path("a.mp4")), "sha256:1", print),
    ):
        pass
    assert words == []


def test_the_recorders_image(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a layer on the bare base, which the task's own image has no part of, and no task goes without it."""
    asked: list[Any] = []

    def ensured(environment: Environment, context: Context) -> Fallback:
        asked.append((environment, context.settings.fallback))
        return Fallback(environment="a", image="a:b", cache_key=None, reason="x", exit_status=1)

    monkeypatch.setattr(film, "ensured", ensured)
    environment = Environment(env_id="office", base_image=ImageReference.parse("a:b"), headless_desktop_enabled=True)
    context = Context(settings=Settings(), engine=engine)  # type: ignore[arg-type]
    assert recorder_image(environment, context) == "a:b"
    ((wanted, fallback),) = asked
    assert (wanted.base_image, wanted.headless_desktop_enabled, wanted.preflight_cache_enabled, fallback) == (
        environment.base_image,
        False,
        True,
        False,
    )


def test_no_client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a docker client that is an error of one line."""
    monkeypatch.chdir(tmp_path)
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda _words, **how: popen(["no-such-program"], **how))
    with pytest.raises(EngineError, match="client is not"), filmed(TASK, FilmWish(file=Path("a.mp4")), "i", print):
        pass
