"""Bakes of several targets, without BuildKit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from desktop_bake.bake.build.failed_step import FinalError
from desktop_bake.bake.engine.buildx import Builder
from desktop_bake.bake.system.folders import cache_folder

if TYPE_CHECKING:
    from desktop_bake.bake.build.bake_request import Wanted
    from desktop_bake.bake.context import Context
    from tests.harness.fake_engine import FakeEngine


class FailedTargetError(FinalError):
    """The target with this key ends the bake.

    Args:
        key: the key.
    """

    def __init__(self, key: str) -> None:
        super().__init__("build failed: the setup script ended with status 7", "it said: no")
        self.key = key


class Ready:
    """A preparation that does nothing."""

    child = type("Child", (), {"end": staticmethod(lambda: None)})
    driver = "docker"

    def __init__(self, context: Context) -> None:
        self.context, self.folder = context, cache_folder()
        self.renewed = 0

    def __enter__(self) -> Ready:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def builder(self) -> Builder:
        """The builder."""
        return Builder(driver=self.driver, exports_cache=True)

    def renew(self) -> None:
        """As `Preparation.renew`."""
        self.renewed += 1


class Bakes:
    """Stands in for `bake_wanted`: puts a labelled image into the store for each requested target.

    Attributes:
        calls: the keys of each call.
        bases: the bases of the last call's targets.
        fails: what the next calls raise, after the images of the targets with these names' keys exist.
    """

    def __init__(self, engine: FakeEngine) -> None:
        self.calls: list[list[str]] = []
        self.bases: dict[str, str] = {}
        self.fails: list[tuple[Exception, set[str]]] = []
        self._engine = engine

    def __call__(self, wanted: Wanted, _folder: Path, ready: Ready) -> None:
        """As `bake_wanted`."""
        asked = [target for target in wanted.targets if target.name in wanted.asked]
        self.calls.append([str(target.key) for target in asked])
        self.bases = {str(target.key): target.base for target in wanted.targets}
        error, done = self.fails.pop(0) if self.fails else (None, {str(target.key) for target in asked})
        for target in asked:
            if str(target.key) in done:
                tag = f"{ready.context.settings.repository}:{target.key}"
                self._engine.add(tag, target.key.labels("b"), made_s=len(self.calls))
        if error:
            if isinstance(error, FailedTargetError):
                error.target = next(target.name for target in wanted.targets if str(target.key) == error.key)
            raise error
