"""A film of a task: a recorder in another container, whose output goes to a file here."""

from __future__ import annotations

import contextlib
import select
import subprocess
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from ...generator.environment import Environment
from ...generator.errors import ConfigurationError
from ...generator.script import Script
from ..config.shipped import shipped
from ..engine.engine import no_client
from ..ensure import ensured
from ..system.files import cannot_write
from ..system.text import last_line
from .screen_program import screen_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ..context import Context
    from .task import DesktopTask


KINDS = ("mp4", "webm")
FRAMES_A_SECOND = 10
BEGIN_S = 20.0
FINISH_S = 120.0  # on a busy machine the recorder is behind


@dataclass(frozen=True, kw_only=True)
class FilmWish:
    """The film that is wanted.

    Args:
        file: the file for it; its suffix gives the kind of film.

    Raises:
        ConfigurationError: there is no such kind, or there is no folder for it.
    """

    file: Path

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigurationError(f"{self.file}: a film is .mp4 or .webm", "name it FILE.mp4 or FILE.webm")
        if not self.file.parent.is_dir():
            raise ConfigurationError(f"there is no folder {self.file.parent} for the film", "make it, or name another")

    @property
    def kind(self) -> str:
        """`mp4` or `webm`."""
        return self.file.suffix.lower().removeprefix(".")


def recorder_image(environment: Environment, context: Context) -> str:
    """The ID of an image that has ffmpeg, on the base of an environment, baked on a miss like any other.

    Raises:
        BuildFailedError, TimeLimitError: it cannot be baked; then no task starts, since there would be no film of it.
        ConfigurationError, EngineError, CancelledError: as `ensure_desktop_image`.
    """
    settings = replace(context.settings, fallback=False)
    result = ensured(recorder_of(environment), replace(context, settings=settings))
    return result.image_id or result.image


def recorder_of(environment: Environment) -> Environment:
    """The environment that is baked for the recorder of films; the same for all environments that share a base."""
    script = Script.text(shipped("recipe/film_install.sh").read_text(encoding="utf-8"))
    return Environment(
        env_id=f"{environment.env_id} (film)",
        base_image=environment.base_image,
        platform=environment.platform,
        preflight_script=script,
        cache_preflight_build=True,
    )


@contextlib.contextmanager
def filmed(task: DesktopTask, wish: FilmWish, image: str, say: Callable[[str], None]) -> Iterator[None]:
    """Film the task during the `with` block, however that ends.

    Args:
        task: a task with a desktop.
        wish: the film.
        image: from `recorder_image`.
        say: called with a message if the film has a fault.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    try:
        file = wish.file.open("wb")
    except OSError as error:
        raise cannot_write(wish.file, error, "--record") from error
    with file:
        recorder = _start(task, wish, image, file)
        try:
            yield
        finally:
            try:
                said = recorder.communicate(timeout=FINISH_S)[1].decode(errors="replace")
            except subprocess.TimeoutExpired:
                recorder.kill()
                recorder.communicate()
                said = f"its recorder was still behind after {FINISH_S:g} s"
            if recorder.returncode:
                say(f"the film {wish.file} may lack its end: {last_line(said)}")


def _start(task: DesktopTask, wish: FilmWish, image: str, file: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a recorder in the task's network: the gate listens on its loopback, whatever the engine and network are."""
    flags = ["--rm", "-i", "--init", "--network", f"container:{task.container_id}"]
    program, *words = screen_program("screen_film", wish.kind, str(FRAMES_A_SECOND))
    try:
        recorder = subprocess.Popen(
            ["docker", "run", *flags, "--entrypoint", program, image, *words],
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C must not end it: it ends when the task has ended
        )
    except OSError as error:
        raise no_client(error) from error
    path = parse_qs(urlsplit(task.novnc_url or "").fragment).get("path", ["websockify"])[0]
    assert recorder.stdin
    with contextlib.suppress(OSError):
        recorder.stdin.write(path.encode() + b"\n")
        recorder.stdin.flush()
    assert recorder.stderr
    if select.select([recorder.stderr], [], [], BEGIN_S)[0]:  # it says when it has begun, or why it cannot begin
        recorder.stderr.readline()
    return recorder
