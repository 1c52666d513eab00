"""What is cached here, and pruning: a preview first, then exactly what it showed."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError, DesktopBakeError
from ..system.durations import duration_s
from ..upkeep.policy import Policy
from ..upkeep.prune import carry_out, clear_left_over, plan_now
from ..upkeep.report import listing

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..config.settings import Settings
    from ..upkeep.prune import Plan
    from ..upkeep.report import Listing
    from .source import Source


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a person wants to keep.

    Attributes:
        keep: how many of the newest images of each family stay.
        older_than: younger images stay.
        registry: whether the registry is pruned, too.
    """

    keep: int = 0
    older_than: str = "0"
    registry: bool = False

    @classmethod
    def of(cls, values: dict[str, str]) -> Wanted:
        """Read the values of a form.

        Raises:
            ConfigurationError: a value is malformed.
        """
        keep = values.get("keep", "0")
        if not (keep.isascii() and keep.isdigit() and len(keep) < 4):
            raise ConfigurationError(f"the number to keep is {keep[:20]!r}", "use 0 or more")
        older_than = values.get("older_than", "0").strip() or "0"
        duration_s(older_than)
        return cls(keep=int(keep), older_than=older_than, registry=values.get("registry") == "1")

    def policy(self) -> Policy:
        """The policy for pruning, from now on."""
        return Policy(keep=self.keep, older_than_s=duration_s(self.older_than), now_s=time.time())


class Tidy:
    """What is cached, and the plan that a person is looking at.

    Args:
        source: where answers come from.
        touch: called with the parts of pages that may have changed.
    """

    def __init__(self, source: Source, touch: Callable[..., None]) -> None:
        self._source, self._touch = source, touch
        self.listing: Listing | None = None
        self.error: DesktopBakeError | None = None
        self._plans: dict[int, tuple[Wanted, Plan]] = {}
        self._number = 0
        self._lock = threading.Lock()

    def look(self, settings: Settings) -> None:
        """List what is cached: at once what is here, and then whether the registry has it, too."""
        for registry in (False, True) if settings.has_registry else (False,):
            try:
                self.listing = listing(self._source.context(settings), everywhere=False, registry=registry)
                self.error = None
            except DesktopBakeError as error:
                self.error = error
                self._touch("images")
                return
            self._touch("images")

    def preview(self, wanted: Wanted, settings: Settings) -> tuple[int, Plan]:
        """A number for `prune`, and the plan of what would be removed.

        Raises:
            DesktopBakeError: as `plan_now`.
        """
        plan = plan_now(self._source.context(settings), wanted.policy(), registry=wanted.registry)
        with self._lock:
            self._number += 1
            self._plans = {self._number: (wanted, plan)}
            return self._number, plan

    def prune(self, number: int, settings: Settings) -> tuple[int, list[str]]:
        """Remove what the preview showed.

        Returns:
            As `carry_out`.

        Raises:
            ConfigurationError: something else would be removed by now; nothing was removed.
        """
        with self._lock:
            wanted, plan = self._plans.pop(number, (None, None))
        if wanted is None or plan is None:
            raise ConfigurationError("that list of images is too old", "look at it again: Prune…")
        context = self._source.context(settings, fresh=True)
        clear_left_over(context)
        if _removed(plan_now(context, wanted.policy(), registry=wanted.registry)) != _removed(plan):
            raise ConfigurationError("the list of unused images has changed", "look at it again: Prune…")
        return carry_out(plan, context)


def _removed(plan: Plan) -> set[str]:
    verdicts = {f"{v.image.image_id} {v.image.tags}" for v in (*plan.images, *plan.published) if v.removed}
    return verdicts | {family.name for family in plan.caches}
