"""Where the page's answers come from: the configuration that the command line would read, and an engine."""

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
    """What the command line was given.

    Attributes:
        load: reads the configuration as every command does.
        file: where environments are kept.
        new_engine: the engine that the docker client would take, with the logins that there are now.
        metrics: the file of `--metrics`, or None.
    """

    load: Callable[[], Settings]
    file: EnvironmentFile
    new_engine: Callable[[], Engine]
    metrics: Path | None = None
    _kept: list[tuple[float, Engine]] = field(default_factory=list, repr=False)

    def engine(self) -> Engine:
        """The engine, found anew once a minute: contexts and logins change."""
        now = time.monotonic()
        if not self._kept or now - self._kept[0][0] > _RENEWED_S:
            self._kept[:] = [(now, self.new_engine())]
        return self._kept[0][1]

    def recorder(self, command: str) -> Recorder | None:
        """What writes down how long work takes, if that is asked for."""
        return Recorder(self.metrics, command) if self.metrics else None

    def context(
        self, settings: Settings, log: Log = silent, cancel: threading.Event | None = None, *, fresh: bool = False
    ) -> Context:
        """What a piece of work needs.

        Args:
            settings: as they were read.
            log: gets a line at a time.
            cancel: set to give the work up.
            fresh: whether the engine is found out anew.
        """
        engine = self.new_engine() if fresh else self.engine()
        return Context(settings=settings, engine=engine, reporter=Reporter.of(log), cancel=cancel)
