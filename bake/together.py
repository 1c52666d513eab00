"""Images of several environments: one call bakes those that are missing, and each has its own result."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from ..generator.errors import CancelledError, DesktopBakeError, EngineError
from .images.resolve import glance, look, search, under_tag
from .images.result import LocalHit, Miss, RegistryHit
from .missing import MissingImage, watched
from .obtain import check_cache_folder, image_below, make, obtain, published_if_asked, pulled
from .system.lazy import lazy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from ..generator.environment import Environment
    from .build import bake_all, preparation
    from .context import Context
    from .images import history, transfer
    from .images.result import Built, Disabled, ImageResult
else:
    bake_all = lazy(".build.bake_all", __package__)
    preparation = lazy(".build.preparation", __package__)
    history = lazy(".images.history", __package__)
    transfer = lazy(".images.transfer", __package__)


_AT_ONCE = 8


@dataclass(kw_only=True)
class Outcome:
    """The outcome for an environment.

    Attributes:
        environment: the environment.
        found: what was found on this machine; None if the key is not known.
        result: the image; None if it is missing.
        error: why it is missing.
    """

    environment: Environment
    found: Disabled | LocalHit | Miss | None = None
    result: Disabled | LocalHit | RegistryHit | Built | None = None
    error: DesktopBakeError | OSError | None = None


def obtain_all(environments: Sequence[Environment], context: Context, *, pausing: bool = False) -> list[Outcome]:
    """Obtain the images of these environments: pull those that the registry has, and bake the others together.

    No process waits for another while it keeps others waiting: it waits at the end for what another process or
    machine is building. If one call of Bake leaves an image undecided, as at a time limit, it is built alone.

    Args:
        environments: in the order in which they are looked up.
        context: the context of the work.
        pausing: see `obtain`.

    Returns:
        The outcome for each, in the same order.

    Raises:
        EngineError: no engine answers.
        CancelledError: another thread cancelled the work.
    """
    outcomes = [Outcome(environment=environment) for environment in environments]
    looking, context = context.looking(), context.live()
    if len(outcomes) == 1:
        with _kept(outcomes[0], context):
            outcomes[0].found = glance(outcomes[0].environment, context)
            outcomes[0].result = obtain(outcomes[0].found, context, pausing=pausing)
        return outcomes
    missing: dict[str, Miss] = {}
    for outcome in outcomes:
        with _kept(outcome, context):
            _look_up(outcome, looking)
            if outcome.result is None and isinstance(outcome.found, Miss):
                missing.setdefault(str(outcome.found.order.key), outcome.found)
    if missing:
        check_cache_folder(context)
    jobs = {key: MissingImage(miss=miss, context=context) for key, miss in missing.items()}
    if len(jobs) > 1:
        with contextlib.suppress(OSError):  # such as a full disk: each build reports it
            _make_together(jobs, context, pausing=pausing)
    for outcome in outcomes:
        if outcome.result is None and outcome.error is None and isinstance(outcome.found, Miss):
            with _kept(outcome, context):
                _finish(outcome, jobs[str(outcome.found.order.key)], pausing=pausing)
    context.reporter.about()
    return outcomes


def published(outcome: Outcome, context: Context) -> ImageResult:
    """The result of an environment that has an image; published if it was already here and publishing is asked for."""
    assert outcome.result
    if context.settings.push and isinstance(outcome.result, LocalHit):
        context.reporter.about(outcome.environment.env_id)
        return transfer.publish(outcome.result, context)
    return outcome.result


@contextlib.contextmanager
def _kept(outcome: Outcome, context: Context) -> Iterator[None]:
    """Store an error as this environment's outcome; if no engine answers, raise it, since it concerns them all."""
    context.reporter.about(outcome.environment.env_id)
    try:
        yield
    except CancelledError:
        raise
    except EngineError as error:
        if not context.engine.answers():
            raise
        outcome.error = error
    except (DesktopBakeError, OSError) as error:
        outcome.error = error


def _look_up(outcome: Outcome, context: Context) -> None:
    """Look on this machine and in the registry, and pull what the registry has."""
    found = outcome.found = glance(outcome.environment, context)
    if not isinstance(found, Miss):
        outcome.result = found
        return
    there = _from_registry(found, context)
    if isinstance(there, RegistryHit):
        outcome.result = there
    else:
        outcome.found = there


def _from_registry(miss: Miss, context: Context) -> RegistryHit | Miss:
    """Pull what the registry has, else return the miss; what is wanted is recorded for `explain`."""
    there = search(miss, context)
    history.write_record(miss.order, context.settings)
    return pulled(there, context) if isinstance(there, RegistryHit) else there


def _finish(outcome: Outcome, job: MissingImage, *, pausing: bool) -> None:
    """Set the outcome of an environment from that of its key; build the key alone if it has none."""
    assert isinstance(outcome.found, Miss)
    if job.is_open:
        with job.keeping_error():
            job.got = make(job.miss, job.context, pausing=pausing)
    if job.error:
        raise job.error
    outcome.result = job.result_for(outcome.found.order) or make(outcome.found, job.context, pausing=pausing)


def _make_together(wanted: dict[str, MissingImage], context: Context, *, pausing: bool) -> None:
    """Bake and publish what is missing, unless somebody else builds it."""
    with ExitStack() as left, preparation.Preparation(context) as ready:
        jobs = dict(wanted)
        with contextlib.suppress(EngineError):  # each build reports it
            jobs |= _parts_below(wanted, context, ready.builder().driver)
        for job in jobs.values():
            left.push(job.turn)
            left.push(job.lease)
        ours = [jobs[key] for key in sorted(jobs) if jobs[key].take_turn(pausing=pausing) and jobs[key].is_open]
        if context.settings.push and context.settings.lease and not context.afresh:
            with ThreadPoolExecutor(_AT_ONCE) as threads:
                leased = list(threads.map(MissingImage.take_lease, ours))
            ours = [job for job, has_it in zip(ours, leased, strict=True) if has_it and job.is_open]
        for job in jobs.values():
            if job not in ours:
                job.turn.close()
        with contextlib.suppress(EngineError):
            _bake_while_any(ours, ready, pausing=pausing)
        for job in sorted(jobs.values(), key=_height):
            job.turn.close()
            if job.got:
                context.reporter.about(job.order.environment.env_id)
                with job.keeping_error():
                    job.got = published_if_asked(job.got, context)
            job.lease.close()


def _height(job: MissingImage) -> int:
    """How many parts an image has: fewer than any image that is built on it."""
    return len(job.order.stack.parts)


def _parts_below(wanted: dict[str, MissingImage], context: Context, driver: str) -> dict[str, MissingImage]:
    """The missing images that these are built on, if the builder is the engine's own."""
    found: dict[str, MissingImage] = {}
    for job in wanted.values() if driver == "docker" else ():
        for order in islice(job.order.chain(), 1, None):
            if order.environment.platforms or str(order.key) in {*wanted, *found}:
                break
            there = look(order, context)
            got = _from_registry(there, context) if isinstance(there, Miss) else there
            if not isinstance(got, Miss):
                break
            found[str(order.key)] = MissingImage(miss=got, context=context)
    return found


def _bake_while_any(jobs: list[MissingImage], ready: preparation.Preparation, *, pausing: bool) -> None:
    """Bake them in one call; if one of them fails, bake the others once more without it."""
    is_first = True
    while len(pending := [job for job in jobs if job.is_open]) > 1:
        context = ready.context
        bases = _bases_of(pending, ready)
        pending = [job for job in pending if str(job.order.key) in bases]
        if len(pending) < 2:
            return
        if not is_first:
            ready.renew()
        is_first = False
        context.reporter.about(*(job.order.environment.env_id for job in pending))
        on_images = {key: base for key, base in bases.items() if base}
        together = bake_all.Together([job.order for job in pending], on_images, context)
        with watched(pending, together, ready):
            baked = together.bake(ready)
        for job in pending:
            job.settle(baked, pausing=pausing)
        if not baked.failed:
            return
        for job in pending:
            if job.error and any(other.is_open for other in pending):
                context.reporter.warn(f"{job.order.environment.env_id}: {job.error}; once more without it")


def _bases_of(jobs: list[MissingImage], ready: preparation.Preparation) -> dict[str, str]:
    """What each can be built on now, by key: an image, or empty for the target of the part below or the base."""
    found: dict[str, str] = {}
    for job in sorted(jobs, key=_height):
        base = _base_of(job, found, ready)
        if base is not None:
            found[str(job.order.key)] = base
    return found


def _base_of(job: MissingImage, others: Collection[str], ready: preparation.Preparation) -> str | None:
    """The image to build a layer on; empty for its target, None if it has to wait until somebody else has built it.

    Args:
        job: the image to build.
        others: the keys that are built with it.
        ready: the preparation of the builds.
    """
    below, context = job.order.below(), replace(ready.context, afresh=False)
    if not below or str(below.key) in others:
        return ""
    driver = ready.builder().driver
    if driver == "docker" and not below.environment.platforms and isinstance(under_tag(below, context), Miss):
        return None
    return image_below(below, driver, context) or ""
