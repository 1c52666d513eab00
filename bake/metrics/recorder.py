"""`--metrics FILE`: one JSON line for each event, appended by one write; it never makes a command fail."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..system.reporter import Reporter, silent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ..engine.engine import Engine
    from ..images.result import ImageResult
    from ..system.reporter import Log


_ERROR_LENGTH = 300


class Recorder:
    """Measure the time that is spent on an environment, and append it to a file.

    A phase is `look` (the toggles, the key, the stores and registries), `pull`, `wait` (for another process or
    machine that builds the same), `build`, `push` or `start` (of a task). Each event begins where the last one ended.

    Args:
        path: the file; it is created if it is missing.
        command: the command, such as `run`.
        log: receives a line if an event could not be written.
        clock: returns seconds, from any starting point.
    """

    def __init__(
        self, path: Path, command: str, log: Log = silent, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path, self._command, self._log, self._clock = path, command, log, clock
        self.restart()

    def restart(self) -> None:
        """Begin an event now."""
        self._phase, self._since = "look", self._clock()
        self._seconds: dict[str | None, dict[str, float]] = {}
        self._about: tuple[str | None, ...] = (None,)

    def phase(self, name: str) -> None:
        """Begin a phase, and end the one before."""
        now = self._clock()
        for environment in self._about:
            seconds = self._seconds.setdefault(environment, {})
            seconds[self._phase] = seconds.get(self._phase, 0.0) + (now - self._since) / len(self._about)
        self._phase, self._since = name, now

    def about(self, environments: Sequence[str]) -> None:
        """Begin work for these environments; their events share the time of work that is done for all of them at once.

        Args:
            environments: their IDs; if empty, the time counts towards the next event.
        """
        self.phase("look")
        self._about = tuple(environments) or (None,)

    def listening(self, log: Log) -> Reporter:
        """A log that passes on every line and reports to this recorder when phases begin."""
        self._log = log
        return Reporter(log, self.phase, self.about)

    def record(self, result: ImageResult, engine: Engine) -> None:
        """Append the outcome for an environment.

        Args:
            result: the image it uses; its size is read from the engine.
            engine: the engine that has the image.
        """
        self.phase("look")
        size = None
        try:
            image = engine.image(result.image_id) if result.image_id else None
            size = image.size_bytes if image else None
        except Exception as error:  # noqa: BLE001 (a figure that is missing is no reason to lose a task)
            self._log(f"[desktop-cache] WARNING: no size in the metrics: {error}")
        self._append(
            environment=result.environment,
            status=result.status.value,
            cache_key=str(result.cache_key) if result.cache_key else None,
            bytes=size,
            error=result.push_error or result.registry_error or (result.reason if result.exit_status else None),
        )

    def fail(self, error: object, environment: str | None = None) -> None:
        """Append that a command failed, or its work for one environment."""
        self.phase("look")
        self._append(environment=environment, status="failed", cache_key=None, bytes=None, error=str(error))

    def _append(self, **event: str | int | None) -> None:
        seconds = self._seconds_of(event["environment"])
        error = str(event["error"])[:_ERROR_LENGTH] if event["error"] else None
        whole = {
            "schema": 1,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "command": self._command,
            **event,
            "error": error,
            "seconds": {
                **{n: round(value, 4) for n, value in seconds.items()},
                "total": round(sum(seconds.values()), 4),
            },
        }
        try:
            # Not blocking: a pipe without a reader is an error, not a wait. One write: two lines never mix.
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
            descriptor = os.open(self._path, flags, 0o666)
            try:
                os.write(descriptor, (json.dumps(whole) + "\n").encode())
            finally:
                os.close(descriptor)
        except OSError as fault:
            self._log(f"[desktop-cache] WARNING: no metrics in {self._path}: {fault.strerror}")
        if not self._seconds:
            self.restart()

    def _seconds_of(self, environment: object) -> dict[str, float]:
        """The seconds for an environment, and for none, until now; no later event counts them again."""
        phases = [self._seconds.pop(whose, {}) for whose in (environment, None) if isinstance(whose, str | None)]
        return {name: sum(p.get(name, 0.0) for p in phases) for name in dict.fromkeys(n for p in phases for n in p)}
