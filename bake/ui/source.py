"""The source of the page's answers: the configuration that the command line would read, and an engine."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..context import Context
from ..metrics.recorder import Recorder
from ..system.reporter import Reporter, silent

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

    from ..config.environment_edit import EnvironmentFile
    from ..config.settings import Settings
    from ..engine.engine import Engine
    from ..system.reporter import Log


_RENEWED_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Source:
    """The inputs from the command line.

    Attributes:
        load: reads the configuration like every command.
        file: the file with the environments.
        new_engine: returns the engine that the docker client would use, with the current logins.
        metrics: the file of `--metrics`, or None.
    """

    load: Callable[[], Settings]
    file: EnvironmentFile
    new_engine: Callable[[], Engine]
    metrics: Path | None = None
    _kept: list[tuple[float, Engine]] = field(default_factory=list, repr=False)

    def engine(self) -> Engine:
        """The engine; it is looked up again once a minute, since contexts and logins change."""
        now = time.monotonic()
        if not self._kept or now - self._kept[0][0] > _RENEWED_S:
            self._kept[:] = [(now, self.new_engine())]
        return self._kept[0][1]

    def recorder(self, command: str) -> Recorder | None:
        """The recorder for the time that work takes, or None if there is no metrics file."""
        return Recorder(self.metrics, command) if self.metrics else None

    def context(
        self, settings: Settings, log: Log = silent, cancel: threading.Event | None = None, *, fresh: bool = False
    ) -> Context:
        """The context for a piece of work.

        Args:
            settings: the settings.
            log: gets a line at a time.
            cancel: set to cancel the work.
            fresh: whether to look up the engine again.
        """
        engine = self.new_engine() if fresh else self.engine()
        return Context(settings=settings, engine=engine, reporter=Reporter.of(log), cancel=cancel)
