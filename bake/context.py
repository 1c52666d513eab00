"""What one piece of work needs, made once and handed on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypedDict, cast

from ..generator.described import check_keywords, checked
from ..generator.errors import CancelledError
from .engine.engine import Engine
from .system.lazy import lazy
from .system.reporter import Reporter, silent

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from typing import Unpack

    from .config.settings import Settings
    from .engine import snapshot
    from .registry import client
    from .registry.access import Access
    from .system.events import TaskEvent
    from .system.process import Ended
    from .system.reporter import Log
else:
    client = lazy(".registry.client", __package__)
    snapshot = lazy(".engine.snapshot", __package__)


@dataclass(frozen=True, kw_only=True)
class Context:
    """What every piece of work needs: settings, engine, reporter and cancellation.

    Attributes:
        settings: the configuration.
        engine: the engine to ask.
        reporter: receives reports about the work.
        cancel: set by another thread to cancel the work, or None.
        progress: BuildKit's progress: `plain` for lines in the log, or `auto` to draw on this process's terminal.
        afresh: whether to bake even if an image exists, and without any cache.
    """

    settings: Settings
    engine: Engine
    reporter: Reporter = field(default_factory=Reporter)
    cancel: threading.Event | None = None
    progress: str = "plain"
    afresh: bool = False

    @property
    def draws(self) -> bool:
        """Whether docker and BuildKit draw their progress on this terminal."""
        return self.progress != "plain"

    @property
    def is_cancelled(self) -> bool:
        """Whether another thread cancelled the work."""
        return self.cancel is not None and self.cancel.is_set()

    def check_cancelled(self) -> None:
        """Raise an error if another thread cancelled the work.

        Raises:
            CancelledError: `cancel` is set.
        """
        if self.is_cancelled:
            raise CancelledError("cancelled")

    def looking(self) -> Context:
        """The same work for code that looks at several environments: each question is asked only once."""
        return replace(self, engine=cast("Engine", snapshot.Snapshot(self.live().engine)))

    def live(self) -> Context:
        """The same work, for code that changes or waits for something: the engine is asked every time."""
        engine = self.engine
        return replace(self, engine=engine.live) if isinstance(engine, snapshot.Snapshot) else self

    def access(self) -> Access:
        """How registries are asked in this work."""
        return client.access_of(self.settings, self.engine)

    def work(self, *arguments: str) -> Ended:
        """Run `docker ARGUMENTS` that take long, such as a pull, within the time limit of a build.

        Raises:
            EngineError, CancelledError: see `Engine.work`.
        """
        limit_s = self.settings.build_timeout_s
        return self.engine.work(*arguments, log=self.reporter, draw=self.draws, limit_s=limit_s, cancel=self.cancel)


class Work(TypedDict, total=False):
    """The keywords from which the public functions make a context; all are optional.

    Keys:
        engine: the engine; the docker client's own if None.
        log: gets one line at a time, from several threads.
        progress, cancel: as in `Context`.
        on_event: gets one `TaskEvent` at a time, from several threads; its errors are reported in the log.
    """

    engine: Engine | None
    log: Log
    progress: str
    cancel: threading.Event | None
    on_event: Callable[[TaskEvent], None] | None


@checked
def context_of(settings: Settings, **work: Unpack[Work]) -> Context:
    """The context that these keywords ask for.

    Raises:
        TypeError: one of them is not a key of `Work`.
    """
    check_keywords(Work, work)
    reporter, on_event = Reporter.of(work.get("log", silent)), work.get("on_event")
    return Context(
        settings=settings,
        engine=work.get("engine") or Engine(),
        reporter=reporter.telling(on_event) if on_event else reporter,
        cancel=work.get("cancel"),
        progress=work.get("progress", "plain"),
    )
