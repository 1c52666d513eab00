"""A build on a miss: one bake, with a time limit that stops BuildKit too."""

from __future__ import annotations

import os
import shlex
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ...generator.attest import needs_index
from ...generator.bakefile import bake_targets
from ...generator.errors import BuildFailedError
from ...generator.key_family import family_of
from ...generator.target_names import DESKTOP
from ..engine.buildx import require_answer, require_buildx
from ..images.alias import aliases_of
from ..images.gone import gone
from ..images.resolve import proven
from ..images.result import Built
from ..images.trust import BUILT, note
from ..system.events import Building
from . import local_cache, tries
from .bake_request import Wanted, bake_request, cache_in, cache_out
from .disk_full import collect, give_back
from .failed_layer import of_layers
from .failed_step import DiskFullError, FinalError
from .render import bake_options, rendered_files, write_files
from .scratch import build_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from ...generator.bake_options import BakeOptions
    from ...generator.bakefile import BakeTarget
    from ..context import Context
    from ..images.order import Order
    from .preparation import Preparation


def build(order: Order, ready: Preparation, image_of: Callable[[Order, str], str | None]) -> Built:
    """Bake what is wanted, and find it again by its labels; the caller has the key's turn.

    Args:
        order: what is wanted: its key pins the base, and its files are those that the key was computed from.
        ready: what was prepared.
        image_of: returns the image that a layer is built on, given the order of the part below and the driver; None
            to build on the target of that part.

    Raises:
        BuildFailedError: BuildKit made no image.
        TimeLimitError: the time limit was reached; the build is stopped in BuildKit too.
        EngineError: no engine or buildx.
        CancelledError: another thread gave up.
    """
    context, engine = ready.context, ready.context.engine
    check_store(context)
    asked = (order.platform,) if order.emulated else ()  # not in the rendered file: it is part of no key
    made = bake_targets([(order.environment, order.stack, order.key)], _options(order, context))
    targets = tuple(replace(target, platforms=target.platforms or asked) for target in made)
    below = order.below()
    on_image = image_of(below, ready.builder().driver) if below else None
    context.check_cancelled()
    with build_folder(ready.folder, order.key) as folder:
        try:
            _bake_on(on_image, targets, folder, ready)
        except FinalError:
            raise
        except BuildFailedError as error:
            why = gone(order, context)
            if why is None:
                raise
            remedy = f"move the lock: desktop-bake lock --upgrade {shlex.quote(order.environment.env_id)}"
            raise BuildFailedError(f"build failed: {why}", remedy) from error
        finally:
            ready.child.end()  # before the folder that it reads is removed
    found = engine.image(order.tag)
    if not found or not proven(found, order.key, order.platform):
        require_buildx(engine)
        raise BuildFailedError(
            "the build ended, but its image is not in this engine",
            "the builder keeps its images in another engine: push, or use a builder of this one (docker buildx ls)",
        )
    note(found.image_id, BUILT)
    return Built(order=order, image_id=found.image_id)


def _options(order: Order, context: Context) -> BakeOptions:
    """The options that its targets share; alias tags are for the environment's image, not for what it lies on."""
    options = bake_options(context.settings)
    return options if aliases_of(order, context) else replace(options, alias_tags=())


def check_store(context: Context) -> None:
    """Check that the engine can store what is asked for.

    Raises:
        BuildFailedError: it cannot store attestations.
    """
    if needs_index(context.settings.attest) and not context.engine.has_containerd_store():
        raise BuildFailedError(
            "build failed: the engine's classic image store cannot hold attestations",
            "switch to containerd's image store, or build without: DESKTOP_BAKE_ATTEST=",
        )


def _bake_on(image: str | None, targets: tuple[BakeTarget, ...], folder: Path, ready: Preparation) -> None:
    """Bake the last target on this image, or on the targets before it if BuildKit cannot use it or there is none."""
    if image:
        try:
            bake_wanted(Wanted.last_of((replace(targets[-1], base=image),)), folder, ready)
        except FinalError:
            raise
        except BuildFailedError as error:
            ready.context.check_cancelled()
            whose = "the desktop's own target" if targets[-2].holds[-1] == DESKTOP else "the target of what is below"
            ready.context.reporter.warn(f"{error}; once more with {whose}")
        else:
            return
        ready.renew()
    bake_wanted(Wanted.last_of(targets), folder, ready)


def bake_wanted(wanted: Wanted, folder: Path, ready: Preparation) -> None:
    """Run one bake in its own folder, with the local cache if that is the backend.

    Raises:
        FinalError: a target failed, and would fail again.
        BuildFailedError, TimeLimitError, EngineError, CancelledError: as `build`.
    """
    context, caches = ready.context, ready.folder / "buildkit"
    check_secrets(wanted.secrets())
    families = {family_of(t.key): t for t in wanted.targets if t.cache_from and context.settings.cache == "local"}
    for family, target in families.items():
        if not cache_in(folder, target).exists():
            local_cache.snapshot(caches, family, cache_in(folder, target))
    write_files(folder, rendered_files(wanted.targets, bake_options(context.settings)))
    request = bake_request(wanted, folder, ready.builder(), context)
    context.reporter.phase("build")
    for target in wanted.targets:
        if target.name in wanted.asked:
            context.reporter.tell(partial(Building, target.image))
            context.reporter.say(f"[desktop-cache] building {target.image}")
    _run(request, wanted, ready)
    if context.settings.cache == "local":
        for target in wanted.exporting().values():
            local_cache.keep(caches, family_of(target.key), cache_out(folder, target))


def check_secrets(names: Iterable[str]) -> None:
    """Check that these variables are set.

    Raises:
        BuildFailedError: one is not set.
    """
    for name in names:
        if name not in os.environ:
            raise BuildFailedError(
                f"build failed: the build secret {name} is not set", f"export {name}, or run the build where it is"
            )


def _run(request: dict[str, Any], wanted: Wanted, ready: Preparation) -> None:
    """Run a bake; if it fails, check whether the engine is the cause, and make space on a full disk."""
    context, began = ready.context, time.monotonic()
    try:
        tries.bake(request, wanted, ready)
    except DiskFullError:
        if collect(context) and ready.builder().driver == "docker":
            give_back(context, time.monotonic() - began)
        raise
    except FinalError as error:
        raise of_layers(error, wanted.targets) from error
    except BuildFailedError as error:
        require_answer(context.engine, error)
        require_buildx(context.engine)  # if buildx is the cause, this says what to install
        raise
