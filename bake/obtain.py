"""The image of a miss: pulled from the team's registry, or built here and published."""

from __future__ import annotations

import time
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from ..generator.errors import RegistryError, TimeLimitError
from ..generator.reference import ImageReference
from .images.resolve import look, search, under_tag
from .images.result import Built, LocalHit, Miss, RegistryHit
from .system.lazy import lazy

if TYPE_CHECKING:
    from ..generator.reference import Digest
    from .build import bake, failed_step, machine_lock, own_script, pause, team_lease
    from .context import Context
    from .images import history, published, transfer
    from .images.order import Order
    from .images.result import Disabled
    from .system import folders

    Obtained = TypeVar("Obtained", bound="LocalHit | RegistryHit | Built")
else:  # all that a hit must not pay for
    bake = lazy(".build.bake", __package__)
    failed_step = lazy(".build.failed_step", __package__)
    folders = lazy(".system.folders", __package__)
    history = lazy(".images.history", __package__)
    machine_lock = lazy(".build.machine_lock", __package__)
    own_script = lazy(".build.own_script", __package__)
    pause = lazy(".build.pause", __package__)
    published = lazy(".images.published", __package__)
    team_lease = lazy(".build.team_lease", __package__)
    transfer = lazy(".images.transfer", __package__)


def obtain(
    found: Disabled | LocalHit | Miss, context: Context, *, pausing: bool = False
) -> Disabled | LocalHit | RegistryHit | Built:
    """Bring what is not here: pull it from the team's registry, or build it and publish what was built.

    What went into it is written down, for `explain`.

    Args:
        found: the result of `glance`.
        context: the work.
        pausing: whether no build is tried for a while after several of its key failed.

    Raises:
        DesktopBakeError: as `bake.build.bake.build`.
        CancelledError: another thread gave up.
    """
    if not isinstance(found, Miss):
        return found
    check_cache_folder(context)
    with ExitStack() as leases:  # until what was built is published
        with bake.Preparation(context) as ready:  # while others are asked
            there = search(found, context)
            if isinstance(there, Miss):
                got = _make(there, ready, leases, pausing=pausing)
        history.write_record(found.order, context.settings)
        if isinstance(there, RegistryHit):
            there = pulled(there, context)
            if isinstance(there, RegistryHit):
                return there
            with bake.Preparation(context) as ready:
                got = _make(there, ready, None, pausing=pausing)
        return published_if_asked(replace(got, registry_error=got.registry_error or there.registry_error), context)


def check_cache_folder(context: Context) -> None:
    """Warn if the cache folder is not where it is looked for."""
    cache = folders.cache_place()
    if cache.why:
        context.reporter.warn(f"{cache.why}: {cache.remedy}")


def make(miss: Miss, context: Context, *, pausing: bool = False) -> LocalHit | RegistryHit | Built:
    """Build what is neither here nor in the registry, and publish it; as `obtain`, without looking once more.

    Args, Raises: as `obtain`.
    """
    with ExitStack() as leases:
        with bake.Preparation(context) as ready:
            got = _make(miss, ready, leases, pausing=pausing)
        return published_if_asked(got, context)


def published_if_asked(got: Obtained, context: Context) -> Obtained:
    """What was obtained; published, if it was built now and the settings say so.

    Raises: as `bake.images.transfer.publish`.
    """
    return transfer.publish(got, context) if context.settings.push and isinstance(got, Built) else got


def _make(
    miss: Miss, ready: bake.Preparation, leases: ExitStack | None, *, pausing: bool
) -> LocalHit | RegistryHit | Built:
    """Build an image here, unless another process, or another machine of the team, does.

    Args:
        miss: what is wanted.
        ready: what was prepared for the build.
        leases: where this machine's lease is kept until it is given back; None to build without one.
        pausing: as `obtain`.
    """
    context, order = ready.context, miss.order
    settings, end = context.settings, time.monotonic() + context.settings.build_timeout_s
    if not pausing:
        pause.lift(order.key)
    with machine_lock.Turn(order.key, order.environment.env_id, context) as turn:
        here = None if context.afresh else under_tag(order, context)
        if isinstance(here, LocalHit):
            return replace(here, reason="built by another process", registry_error=miss.registry_error)
        turn.announce()
        with pause.attempt(order.key, context.reporter) if pausing else nullcontext():
            if leases and settings.push and settings.lease and not context.afresh:
                there = leases.enter_context(team_lease.leased(miss, context, end - time.monotonic()))
                got = pulled(there, context) if isinstance(there, RegistryHit) else there
                if isinstance(got, RegistryHit):
                    return got
                miss = got
            return replace(_built(order, ready), registry_error=miss.registry_error)


def _built(order: Order, ready: bake.Preparation) -> Built:
    """An image that is built here; what fails at a script of the environment's own is told as that."""
    try:
        return bake.build(order, ready, partial(image_below, context=ready.context))
    except failed_step.FinalError as error:
        own = own_script.of_own_script(error, order.environment)
        if own:
            raise own from error
        raise


def pulled(hit: RegistryHit, context: Context) -> RegistryHit | Miss:
    """A registry hit with the image that was pulled; or the miss that it is if it cannot be pulled."""
    try:
        return transfer.pull(hit, context)
    except (RegistryError, TimeLimitError) as error:
        context.reporter.warn(str(error))
        return Miss(order=hit.order, registry_error=str(error))


def image_below(order: Order, driver: str, context: Context) -> str | None:
    """What a layer is built on instead of the target of what is below: its image, built if it is missing.

    With the target, BuildKit would bake it again wherever its own cache was pruned.

    Args:
        order: of what is below, from `Order.below`.
        driver: the builder's: only the engine's own sees the images of the engine.
        context: the work.

    Returns:
        `docker-image://…@digest`, or None if the builder has no way to the image and has to take the target.

    Raises:
        DesktopBakeError: as `bake.build.bake.build`.
    """
    if order.environment.platforms:  # an image here may hold one of them alone
        return None
    found = look(order, context)
    if driver != "docker":
        if not context.settings.has_registry:
            return None
        there = published.ask_registry(Miss(order=order), context)
        return f"docker-image://{there.image}" if isinstance(there, RegistryHit) else None
    got = obtain(found, context)
    if context.settings.push and isinstance(got, LocalHit):
        got = transfer.publish(got, context)
    assert got.image_id
    name = replace(order.repository, tag=str(order.key))
    context.engine.tag(got.image_id, name)
    digest = _digest(got.image_id, name, context)
    return f"docker-image://{name}@{digest}" if digest else None


def _digest(image_id: str, name: ImageReference, context: Context) -> Digest | None:
    """What BuildKit finds an image of the engine by, which no moving tag can change.

    None for an image that was built in the classic store and never pushed: that has an ID alone.
    """
    image = context.engine.image(image_id)
    known = [ImageReference.parse(text) for text in image.repo_digests] if image else []
    return next((k.digest for k in known if k.repository == name.repository), None)
