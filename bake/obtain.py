"""The image of a miss: pulled from the team's registry, or built here and published."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from ..generator.errors import BuildFailedError, RegistryError, TimeLimitError
from ..generator.reference import ImageReference
from .images.resolve import look, search, under_tag
from .images.result import Built, LocalHit, Miss, RegistryHit
from .system.lazy import lazy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..generator.reference import Digest
    from .build import bake, failed_step, machine_lock, own_script, pause, preparation, team_lease
    from .context import Context
    from .images import history, published, transfer
    from .images.order import Order
    from .images.result import Disabled
    from .system import folders

    Obtained = TypeVar("Obtained", bound="LocalHit | RegistryHit | Built")
else:  # not loaded on a hit
    bake = lazy(".build.bake", __package__)
    failed_step = lazy(".build.failed_step", __package__)
    folders = lazy(".system.folders", __package__)
    history = lazy(".images.history", __package__)
    machine_lock = lazy(".build.machine_lock", __package__)
    own_script = lazy(".build.own_script", __package__)
    pause = lazy(".build.pause", __package__)
    preparation = lazy(".build.preparation", __package__)
    published = lazy(".images.published", __package__)
    team_lease = lazy(".build.team_lease", __package__)
    transfer = lazy(".images.transfer", __package__)


def obtain(
    found: Disabled | LocalHit | Miss, context: Context, *, pausing: bool = False
) -> Disabled | LocalHit | RegistryHit | Built:
    """Get a missing image: pull it from the team's registry, or build and publish it.

    What went into it is recorded for `explain`.

    Args:
        found: the result of `glance`.
        context: the context of the work.
        pausing: whether no build is tried for a while after several of its key failed.

    Raises:
        DesktopBakeError: see `bake.build.bake.build`.
        CancelledError: another thread cancelled the work.
    """
    if not isinstance(found, Miss):
        return found
    check_cache_folder(context)
    with own_faults(), ExitStack() as leases:  # until what was built is published
        with preparation.Preparation(context) as ready:  # runs while the registry is asked
            there = search(found, context)
            if isinstance(there, Miss):
                got = _make(there, ready, leases, pausing=pausing)
        history.write_record(found.order, context.settings)
        if isinstance(there, RegistryHit):
            there = pulled(there, context)
            if isinstance(there, RegistryHit):
                return there
            with preparation.Preparation(context) as ready:
                got = _make(there, ready, None, pausing=pausing)
        return published_if_asked(replace(got, registry_error=got.registry_error or there.registry_error), context)


@contextmanager
def own_faults() -> Iterator[None]:
    """Make a failed build of what this machine refuses us, such as room on the disk of the cache folder.

    Raises:
        BuildFailedError: in place of an `OSError`.
    """
    try:
        yield
    except BrokenPipeError:  # nobody reads our output any more
        raise
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or error
        remedy = "make room there, and let this user write there; or set XDG_CACHE_HOME to another folder"
        raise BuildFailedError(f"build failed: this machine refuses {what}", remedy) from error


def check_cache_folder(context: Context) -> None:
    """Warn if the cache folder is not in its usual place."""
    cache = folders.cache_place()
    if cache.why:
        context.reporter.warn(f"{cache.why}: {cache.remedy}")


def make(miss: Miss, context: Context, *, pausing: bool = False) -> LocalHit | RegistryHit | Built:
    """Build an image that is neither here nor in the registry, and publish it; like `obtain`, but without a search.

    Args, Raises: see `obtain`.
    """
    with own_faults(), ExitStack() as leases:
        with preparation.Preparation(context) as ready:
            got = _make(miss, ready, leases, pausing=pausing)
        return published_if_asked(got, context)


def published_if_asked(got: Obtained, context: Context) -> Obtained:
    """The image, published if it was built now and the settings say so.

    Raises: see `bake.images.transfer.publish`.
    """
    return transfer.publish(got, context) if context.settings.push and isinstance(got, Built) else got


def _make(
    miss: Miss, ready: preparation.Preparation, leases: ExitStack | None, *, pausing: bool
) -> LocalHit | RegistryHit | Built:
    """Build an image here, unless another process or another machine of the team does.

    Args:
        miss: what is wanted.
        ready: the preparation of the build.
        leases: keeps this machine's lease until it is released; None to build without one.
        pausing: see `obtain`.
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


def _built(order: Order, ready: preparation.Preparation) -> Built:
    """Build an image here; if the environment's own script fails, the error says so."""
    try:
        return bake.build(order, ready, partial(image_below, context=ready.context))
    except failed_step.FinalError as error:
        own = own_script.of_own_script(error, order.environment)
        if own:
            raise own from error
        raise


def pulled(hit: RegistryHit, context: Context) -> RegistryHit | Miss:
    """Pull the image of a registry hit; return a miss if it cannot be pulled."""
    try:
        return transfer.pull(hit, context)
    except (RegistryError, TimeLimitError) as error:
        context.reporter.warn(str(error))
        return Miss(order=hit.order, registry_error=str(error))


def image_below(order: Order, driver: str, context: Context) -> str | None:
    """The image to build a layer on, instead of the target of the part below; built if it is missing.

    With the target, BuildKit would bake that part again if its own cache was pruned.

    Args:
        order: the order of the part below, from `Order.below`.
        driver: the builder's driver: only the engine's own builder sees the engine's images.
        context: the context of the work.

    Returns:
        `docker-image://…@digest`, or None if the builder cannot get the image and has to use the target.

    Raises:
        DesktopBakeError: see `bake.build.bake.build`.
    """
    if order.environment.platforms:  # a local image may have only one of them
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
    """The digest by which BuildKit finds an image of the engine; unlike a tag, it cannot move.

    None for an image that was built in the classic store and never pushed: it has only an ID.
    """
    image = context.engine.image(image_id)
    known = [ImageReference.parse(text) for text in image.repo_digests] if image else []
    return next((k.digest for k in known if k.repository == name.repository), None)
