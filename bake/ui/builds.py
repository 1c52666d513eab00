"""Builds that a person asked for: like `build`, with live steps, and a click cancels them."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from ...generator.errors import CancelledError, ConfigurationError, DesktopBakeError
from ..build.steps import Steps
from ..together import obtain_all, published
from .threads import background
from .world import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..config.settings import Settings
    from ..images.result import ImageResult
    from .source import Source


_KEPT_LINES, _KEPT_BUILDS = 20_000, 20


class Build:
    """A build of some environments.

    Attributes:
        number: the number of the build.
        env_ids: the environments that are built.
        steps: the steps of BuildKit.
        lines: the lines of its log.
        results: by environment, the result of each that has an image.
        errors: by environment, why the others have no image; by an empty name, why none of them has one.
        is_running, is_cancelled: its state.
        falls_back: whether tasks of failed environments install at start.
        installs_at_start: whether they also do so if the environment's own script failed.
    """

    def __init__(self, number: int, settings: Settings, env_ids: Sequence[str]) -> None:
        self.number, self.env_ids, self.falls_back = number, tuple(env_ids), settings.fallback
        self.installs_at_start = settings.install_at_start
        self.began, self.ended = time.time(), 0.0
        self.steps, self.lines = Steps(), deque[str](maxlen=_KEPT_LINES)
        self.results: dict[str, ImageResult] = {}
        self.errors: dict[str, Exception] = {}
        self.cancel = threading.Event()
        self.is_running = True
        self._settings = settings

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody cancelled it."""
        return self.cancel.is_set()

    def take(self, line: str) -> None:
        """Add a line to its log."""
        self.lines.append(line)
        self.steps.feed(line)

    def run(self, source: Source, log: Callable[[str], None]) -> None:
        """Build, until every environment has an image or an error."""
        recorder = source.recorder("build")
        context = source.context(self._settings, recorder.listening(log) if recorder else log, self.cancel, fresh=True)
        chosen = [self._settings.environments[env_id] for env_id in self.env_ids]
        try:
            for outcome in obtain_all(chosen, context):
                env_id = outcome.environment.env_id
                if outcome.error:
                    self.errors[env_id] = outcome.error
                    if recorder:
                        recorder.fail(outcome.error, env_id)
                    continue
                self.results[env_id] = published(outcome, context)
                if recorder:
                    recorder.record(self.results[env_id], context.engine)
        except CancelledError:
            self.cancel.set()
        except (DesktopBakeError, OSError) as error:
            self.errors[""] = error
            if recorder:
                recorder.fail(error)
        finally:
            self.ended, self.is_running = time.time(), False


class Builds:
    """The builds that people asked for.

    Args:
        source: where answers come from.
        touch: called with the parts of pages that may have changed.
        ended: called with the environments of a build that ended.
    """

    def __init__(self, source: Source, touch: Callable[..., None], ended: Callable[[Sequence[str]], None]) -> None:
        self._source, self._touch, self._ended = source, touch, ended
        self._builds: dict[int, Build] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    @property
    def shown(self) -> tuple[Build, ...]:
        """The builds to show, the newest first."""
        return tuple(reversed(tuple(self._builds.values())))

    def get(self, number: int) -> Build:
        """The build of a number.

        Raises:
            ConfigurationError: there is no such build any more.
        """
        found = self._builds.get(number)
        if found is None:
            raise ConfigurationError(f"there is no build {number} any more", "load the page again")
        return found

    def of(self, env_id: str) -> Build | None:
        """The newest build of an environment."""
        return next((build for build in self.shown if env_id in build.env_ids), None)

    def start(self, settings: Settings, env_ids: Sequence[str]) -> Build:
        """Start a build.

        Raises:
            ConfigurationError: there is nothing to build, it is already being built, or there is no such environment.
        """
        for env_id in env_ids:
            settings.environment(env_id)
        with self._lock:
            busy = {i for build in self._builds.values() if build.is_running for i in build.env_ids}
            wanted = [env_id for env_id in env_ids if env_id not in busy]
            if not env_ids:
                raise ConfigurationError("there is nothing to build", "name an environment")
            if not wanted:
                raise ConfigurationError(f"it is being built already: {', '.join(env_ids)}", "wait for its end")
            for build in [b for b in self._builds.values() if not b.is_running and set(b.env_ids) <= set(wanted)]:
                del self._builds[build.number]
            build = Build(next(self._numbers), settings, wanted)
            self._builds[build.number] = build
            for old in [b for b in self._builds.values() if not b.is_running][:-_KEPT_BUILDS]:
                del self._builds[old.number]
        self._touch("environments/builds")
        background(lambda: self._run(build), f"page-build-{build.number}")
        return build

    def _run(self, build: Build) -> None:
        def log(line: str) -> None:
            before = len(build.steps)
            build.take(line)
            rows = build.env_ids if len(build.steps) != before else ()  # these rows show the step
            self._touch(f"environments/b{build.number}", *(f"environments/{name_of(env_id)}" for env_id in rows))

        self._ended(build.env_ids)  # these rows show that they are being built
        build.run(self._source, log)
        self._touch(f"environments/b{build.number}")
        self._ended(build.env_ids)

    def dismiss(self, number: int) -> None:
        """Stop showing a build that ended."""
        with self._lock:
            build = self._builds.get(number)
            if build and not build.is_running:
                del self._builds[number]
        self._touch("environments/builds")

    def cancel_all(self) -> None:
        """Cancel all running builds."""
        for build in self.shown:
            if build.is_running:
                build.cancel.set()

    @property
    def any_runs(self) -> bool:
        """Whether a build is running."""
        return any(build.is_running for build in self.shown)
