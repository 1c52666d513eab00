"""Pictures while a command runs: when they are taken and where they go; a shell stands in for the watcher."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from desktop_bake import ConfigurationError, EngineError, TaskError
from desktop_bake.bake.task.pictures import PictureWish, pictured

if TYPE_CHECKING:
    from collections.abc import Callable

BEGUN = r"printf 'B\0\0\0\0'; "
LAST = r"read -r _ && printf 'L\0\0\0\004last'"
SERIES = r"printf 'P\0\0\0\003one'; printf 'P\0\0\0\003two'; "


@pytest.fixture
def watcher(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """`watcher(script)`: what the container runs instead of the program."""
    monkeypatch.chdir(tmp_path)
    popen = subprocess.Popen

    def put(script: str) -> None:
        def start(words: list[str], **how: Any) -> subprocess.Popen[bytes]:
            assert words[:6] == ["docker", "exec", "-i", "c0ffee", "/bin/sh", "-c"]
            return popen(["sh", "-c", script], **how)

        monkeypatch.setattr(subprocess, "Popen", start)

    return put


def task(*answers: bytes) -> Any:
    """A task whose `import` gives these pictures, and then none."""
    left = list(answers)

    def docker(*_words: str, **_more: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess((), not left, left.pop(0) if left else b"", b"gone\n")

    return SimpleNamespace(container_id="c0ffee", engine=cast("Any", SimpleNamespace(docker=docker)))


def test_the_last(watcher: Callable[[str], None]) -> None:
    """It is asked for when the command has ended."""
    watcher(BEGUN + LAST)
    with pictured(task(), PictureWish(file="a.png"), print):
        assert not Path("a.png").exists()
    assert Path("a.png").read_bytes() == b"last"


@pytest.mark.parametrize("error", [KeyboardInterrupt, TaskError("it took too long", "")])
def test_however_it_ends(watcher: Callable[[str], None], error: Any) -> None:
    """At a limit and at Ctrl-C too, and that is still what is reported."""
    watcher(BEGUN + LAST)
    expected = type(error) if isinstance(error, Exception) else error
    with pytest.raises(expected), pictured(task(), PictureWish(file="a.png"), print):
        raise error
    assert Path("a.png").read_bytes() == b"last"


@pytest.mark.parametrize("script", ["exit 1", BEGUN + "exit 1", r"printf 'B\377\377\377\377'; cat"])
def test_a_desktop_without_our_watcher(watcher: Callable[[str], None], script: str) -> None:
    """If it cannot watch, the screen is taken as it is in the end."""
    watcher(script)
    with pictured(task(b"\x89PNG"), PictureWish(file="a.png"), print):
        pass
    assert Path("a.png").read_bytes() == b"\x89PNG"


def test_a_desktop_that_is_gone(watcher: Callable[[str], None]) -> None:
    """A missing picture is an error, or a line if there is another error."""
    watcher(BEGUN)
    said: list[str] = []
    with pytest.raises(TaskError, match=r"^no screenshot: gone$"), pictured(task(), PictureWish(file="a"), said.append):
        pass
    assert said == []
    with pytest.raises(KeyboardInterrupt), pictured(task(), PictureWish(file="a"), said.append):
        raise KeyboardInterrupt
    assert said == ["no screenshot: gone"]


@pytest.mark.parametrize(
    ("file", "left"),
    [
        ("a.png", {"a.png": b"last"}),
        ("%d.png", {"1.png": b"one", "2.png": b"two", "3.png": b"last"}),
        ("a-%03d", {"a-001": b"one", "a-002": b"two", "a-003": b"last"}),
    ],
)
def test_a_series(watcher: Callable[[str], None], file: str, left: dict[str, bytes]) -> None:
    """The newest takes the place of the one before, or each has a number."""
    watcher(BEGUN + SERIES + LAST)
    with pictured(task(), PictureWish(file=file, every_s=2), print):
        pass
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == left


def test_one_alone_has_no_number(watcher: Callable[[str], None]) -> None:
    """A name is taken as it is if there is one picture."""
    watcher(BEGUN + LAST)
    with pictured(task(), PictureWish(file="%d.png"), print):
        pass
    assert Path("%d.png").read_bytes() == b"last"


def test_standard_output(watcher: Callable[[str], None]) -> None:
    """It is written there and nowhere else."""
    watcher(BEGUN + LAST)
    output = io.BytesIO()
    with pictured(task(), PictureWish(file="-"), print, output):
        pass
    assert (output.getvalue(), list(Path().iterdir())) == (b"last", [])


def test_a_file_that_cannot_be_written(watcher: Callable[[str], None]) -> None:
    """It is an error once the command has ended."""
    watcher(BEGUN + LAST)
    Path("a.png").mkdir()
    refused = pytest.raises(ConfigurationError, match=r"^cannot write a\.png: ")
    with refused, pictured(task(), PictureWish(file="a.png"), print):
        pass


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (lambda: PictureWish(file="-", every_s=1), "several pictures do not fit into standard output"),
        (lambda: PictureWish(file="%d-%d", every_s=1), "'%d-%d' has more than one number"),
        (lambda: PictureWish(file="no/such/a.png").check(), "there is no folder no/such for the screenshot"),
    ],
)
def test_refused(wish: Callable[[], object], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be is reported before."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=f"^{says}$"):
        wish()


def test_no_client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a docker client that is an error of one line."""
    monkeypatch.chdir(tmp_path)
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda _words, **how: popen(["no-such-program"], **how))
    wish = PictureWish(file="a.png")
    with pytest.raises(EngineError, match="the docker client is not installed"), pictured(task(), wish, print):
        pass
