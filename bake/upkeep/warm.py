"""Rounds that check whether a base moved, and make every desktop ready before a task needs it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ...generator.errors import DesktopBakeError, EngineError, RegistryError
from ..images.order import key_of
from ..images.result import LocalHit, Status
from ..images.transfer import publish
from ..system.reporter import Reporter
from ..together import Outcome, obtain_all
from .prune import carry_out, plan_now

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...generator.environment import Environment
    from ..context import Context
    from ..images.result import ImageResult
    from ..metrics.recorder import Recorder
    from .policy import Policy

    Tidy = Callable[[], "Tidied"]


_ACTIONS = {Status.BUILT: "built", Status.REGISTRY_HIT: "pulled", Status.LOCAL_HIT: "fresh"}


@dataclass(frozen=True, kw_only=True)
class Warmed:
    """The result of a round for one environment.

    Attributes:
        environment: its ID.
        action: `built`, `pulled`, `fresh` or `failed`.
        result: the image, or None if it failed.
        error: why it failed or could not be published; None if all is well.
        exit_status: the exit status of that error, else 0.
    """

    environment: str
    action: str
    result: ImageResult | None
    error: str | None = None
    exit_status: int = 0


@dataclass(frozen=True, kw_only=True)
class Tidied:
    """What a round removed because no environment reaches it.

    Attributes:
        removed: how many images and cache folders were removed.
        error: why some or all of them stayed; None if nothing went wrong.
        exit_status: the exit status of that error, else 0.
    """

    removed: int = 0
    error: str | None = None
    exit_status: int = 0


@dataclass(frozen=True, kw_only=True)
class Round:
    """One round.

    Attributes:
        number: the number of the round, from 1.
        at: when it began.
        seconds: how long it took.
        warmed: its results, in the configuration's order.
        tidied: what it removed; None if that was not asked for, or something failed before.
        error: why the round did not take place, such as a configuration that does not load.
        exit_status: the exit status of that error, else 0.
    """

    number: int
    at: datetime
    seconds: float
    warmed: tuple[Warmed, ...] = ()
    tidied: Tidied | None = None
    error: str | None = None
    exit_status: int = 0

    @property
    def status(self) -> int:
        """The exit status of the first error, else 0."""
        statuses = [*(w.exit_status for w in self.warmed), self.tidied.exit_status if self.tidied else 0]
        return self.exit_status or next(filter(None, statuses), 0)

    def line(self) -> str:
        """The round in one line."""
        stamp = self.at.isoformat(timespec="seconds").replace("+00:00", "Z")
        if self.error:
            return f"{stamp} round {self.number}: {self.error}"
        actions = [w.action for w in self.warmed]
        parts = [f"{actions.count(a)} {a}" for a in ("built", "pulled", "fresh", "failed") if a in actions]
        faults = [f"{w.environment}: {w.error}" for w in self.warmed if w.error]
        said = ", ".join(parts) or "no environment has its cache switched on"
        if self.tidied:
            said += f", {self.tidied.removed} removed"
            faults += [f"prune: {self.tidied.error}"] if self.tidied.error else []
        return "; ".join([f"{stamp} round {self.number}: {said} in {self.seconds:.1f} s", *faults])

    def as_json(self) -> dict[str, object]:
        """The object that `--json` prints, one on each line."""
        environments: list[dict[str, object]] = []
        for warmed in self.warmed:
            entry: dict[str, object] = {"environment": warmed.environment, "action": warmed.action}
            if warmed.result:
                of_it = warmed.result.as_json()
                entry |= {name: of_it[name] for name in ("status", "image", "image_id", "cache_key")}
            environments.append({**entry, "error": warmed.error})
        return {
            "schema": 1,
            "round": self.number,
            "at": self.at.isoformat(),
            "seconds": round(self.seconds, 3),
            "environments": environments,
            "removed": self.tidied.removed if self.tidied else None,
            "prune_error": self.tidied.error if self.tidied else None,
            "error": self.error,
        }


def warmed(outcome: Outcome, context: Context) -> Warmed:
    """The result for an environment, which is first pushed to the team's registry if `settings.push` says so.

    The base's tag moves on this machine, too, but last: until the new desktop is ready, tasks find the old one.

    Args:
        outcome: the outcome for an environment with its cache switched on.
        context: the context, with the pull policy `always` to notice a moved base.
    """
    environment = outcome.environment
    context.reporter.about(environment.env_id)
    try:
        if outcome.error:
            raise outcome.error
        assert outcome.result
        result: ImageResult = outcome.result
        action = _ACTIONS[result.status]
        if context.settings.push and isinstance(result, LocalHit):  # built images are pushed; others came from there
            result = publish(result, context)
        stuck = _move_tag(environment, result, context)
    except (DesktopBakeError, OSError) as error:
        context.reporter.warn(f"{environment.env_id}: {error}")
        status = error.exit_status if isinstance(error, DesktopBakeError) else 1
        return Warmed(
            environment=environment.env_id, action="failed", result=None, error=str(error), exit_status=status
        )
    fault = result.push_error or stuck
    return Warmed(
        environment=environment.env_id,
        action=action,
        result=result,
        error=fault,
        exit_status=RegistryError.exit_status if fault else 0,
    )


def _move_tag(environment: Environment, result: ImageResult, context: Context) -> str | None:
    """Pull the base if this machine has an older copy, with which tasks would compute the older key.

    Returns:
        Why it could not be pulled, or None.
    """
    settings, reporter = context.settings, context.reporter
    if settings.pull != "always" or environment.base_image.digest:
        return None
    tasks = replace(context, settings=replace(settings, pull="missing"), reporter=Reporter())
    if key_of(environment, tasks) == result.cache_key:
        return None
    name = str(environment.base_image)
    reporter.phase("pull")
    reporter.say(f"[desktop-cache] pulling {name}, which moved")
    ended = context.work("pull", name)
    return f"cannot pull {name}, which moved" if ended.status or ended.timed_out else None


def warm_round(
    number: int,
    context: Context,
    chosen: Sequence[str] = (),
    tidy: Tidy | None = None,
    recorder: Recorder | None = None,
) -> Round:
    """One round over the environments.

    Args:
        number: the number of the round, from 1.
        context: as `warmed`.
        chosen: environment IDs; if empty, those with their cache switched on.
        tidy: called after a round in which nothing went wrong: until every environment has its new desktop, the old
            one is in use.
        recorder: gets an event for each environment.

    Raises:
        ConfigurationError: there is no such environment.
    """
    at, started = datetime.now(UTC), time.monotonic()
    environments = [context.settings.environment(i) for i in chosen or context.settings.environments]
    done = []
    outcomes, looking = _obtained([e for e in environments if e.cache_enabled], context), context.looking()
    for outcome in outcomes:
        done.append(warmed(outcome, looking))
        if recorder and done[-1].result:
            recorder.record(done[-1].result, context.engine)
        elif recorder:
            recorder.fail(done[-1].error, done[-1].environment)
    tidied = tidy() if tidy and not any(w.error for w in done) else None
    return Round(number=number, at=at, seconds=time.monotonic() - started, warmed=tuple(done), tidied=tidied)


def _obtained(environments: list[Environment], context: Context) -> list[Outcome]:
    """The images of these environments; without an engine, the error for each of them."""
    try:
        return obtain_all(environments, context)
    except EngineError as error:
        return [Outcome(environment=environment, error=error) for environment in environments]


def tidy_up(context: Context, policy: Policy) -> Tidied:
    """Remove what `prune` would remove on this machine; never a tag of the registry.

    Args:
        context: the context, with the pull policy by which tasks find their images.
        policy: what stays although nothing reaches it.
    """
    try:
        removed, faults = carry_out(plan_now(context, policy, registry=False), context)
    except DesktopBakeError as error:
        context.reporter.warn(f"nothing removed: {error}")
        return Tidied(error=str(error), exit_status=error.exit_status)
    return Tidied(removed=removed, error=faults[0] if faults else None, exit_status=1 if faults else 0)
