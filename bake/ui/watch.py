"""Changes that others make: files, checked once a second while a page is open, and the engine's events."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...generator.environment import FILE_FIELDS
from ...generator.errors import DesktopBakeError
from ..config.agents_runner import STATE_NAME
from ..engine.stream import lines_of
from .threads import background

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from ..config.settings import Settings
    from .source import Source


_EVERY_S = 1.0
_AT_ONCE = 400  # how many files are checked each second; more take longer
_AGAIN_S = 3.0
_BURST_S = 0.4
_EVENTS = {"image": ("tag", "untag", "delete", "load", "pull", "import"), "container": ("start", "die", "destroy")}


@dataclass(kw_only=True)
class Files:
    """Files, and their state when they were last checked.

    Attributes:
        marks: by path, a mark that differs once a file is changed.
    """

    marks: dict[Path, object] = field(default_factory=dict)

    def changed(self, paths: Iterable[Path]) -> set[Path]:
        """The files that have changed since the last check; none the first time."""
        changed = set()
        for path in paths:
            mark = _mark(path)
            if path in self.marks and self.marks[path] != mark:
                changed.add(path)
            self.marks[path] = mark
        return changed


def _mark(path: Path) -> object:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def files_of(settings: Settings | None, source: Source) -> Mapping[Path, tuple[str, ...]]:
    """The files that matter, and the environments whose recipes use each; none for files of the configuration."""
    own = source.file.path
    found: dict[Path, tuple[str, ...]] = {own: (), own.with_name(STATE_NAME): ()}
    if settings is None:
        return found
    found[settings.lock_file] = ()
    for env_id, environment in settings.environments.items():
        for name in FILE_FIELDS:
            value = getattr(environment, name)
            value = getattr(value, "path", value)
            if value is not None:
                path = settings.root / value
                found[path] = (*found.get(path, ()), env_id)
    return found


class Watch:
    """Checks files while a page is open, and listens to the engine.

    Args:
        source: where answers come from.
        settings: the configuration as last read.
        told: called with the environments whose files changed, with None if the configuration changed, or with the
            kind of an event of the engine.
    """

    def __init__(
        self,
        source: Source,
        settings: Callable[[], Settings | None],
        told: Callable[[tuple[str, ...] | str | None], None],
    ) -> None:
        self._source, self._settings, self._told = source, settings, told
        self._files = Files()
        self._watched: tuple[Settings | None, Mapping[Path, tuple[str, ...]]] | None = None
        self._is_wanted = threading.Event()
        self._has_started = False
        self._heard: set[str] = set()
        self._has_heard = threading.Event()

    def want(self, *, wanted: bool) -> None:
        """Start or stop watching."""
        if not wanted:
            self._is_wanted.clear()
            return
        self._is_wanted.set()
        if not self._has_started:
            self._has_started = True
            background(self._look_at_files, "page-files")
            background(self._listen, "page-engine")
            background(self._tell, "page-events")

    def _look_at_files(self) -> None:
        pause = threading.Event()
        while True:
            self._is_wanted.wait()
            pause.wait(_EVERY_S * max(1, self.look() / _AT_ONCE))

    def look(self) -> int:
        """Check every file once.

        Returns:
            The number of files.
        """
        settings = self._settings()
        if not self._watched or self._watched[0] is not settings:
            self._watched = settings, files_of(settings, self._source)
        files = self._watched[1]
        changed = self._files.changed(files)
        if any(not files[path] for path in changed):
            self._told(None)
        env_ids = tuple(dict.fromkeys(env_id for path in changed for env_id in files[path]))
        if env_ids:
            self._told(env_ids)
        if self._source.metrics and self._files.changed([self._source.metrics]):
            self._told("metrics")
        return len(files)

    def hear(self, kind: str) -> None:
        """Note an event of the engine; a burst is reported once."""
        self._heard.add(kind)
        self._has_heard.set()

    def _tell(self) -> None:
        pause = threading.Event()
        while True:
            self._has_heard.wait()
            pause.wait(_BURST_S)
            self.pass_on()

    def pass_on(self) -> None:
        """Report the events since the last time."""
        self._has_heard.clear()
        heard, self._heard = self._heard, set()
        for kind in sorted(heard):
            self._told(kind)

    def _listen(self) -> None:
        pause = threading.Event()
        has_failed = False
        while True:
            self._is_wanted.wait()
            try:
                filters = {"type": list(_EVENTS), "event": sorted({e for events in _EVENTS.values() for e in events})}
                endpoint = self._source.new_engine().endpoint
                for event in lines_of(endpoint, "/events", {"filters": filters}):
                    if has_failed:
                        has_failed = False
                        self.hear("engine")
                    kind, what = event.get("Type"), str(event.get("Action")).partition(":")[0]
                    if what in _EVENTS.get(str(kind), ()):
                        self.hear(str(kind))
            except DesktopBakeError:
                pass
            has_failed = True
            self.hear("engine")
            pause.wait(_AGAIN_S)
