"""Several images in one bake: BuildKit runs steps in parallel and shared steps once; each image has its own result."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ...generator.bakefile import bake_targets
from ...generator.errors import BuildFailedError, TimeLimitError
from ..images.alias import aliases_of
from ..images.resolve import proven
from ..images.result import Built
from ..images.trust import BUILT, note
from .bake import bake_wanted, check_secrets, check_store
from .bake_request import Wanted
from .failed_step import FinalError
from .render import bake_options
from .scratch import build_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...generator.bakefile import BakeTarget
    from ..context import Context
    from ..images.order import Order
    from .preparation import Preparation


@dataclass(frozen=True, kw_only=True)
class Baked:
    """The results of several images, by key; one in neither mapping is not built, and has no known fault of its own.

    Attributes:
        built: the images that are here.
        failed: why the others are not here.
    """

    built: Mapping[str, Built]
    failed: Mapping[str, BuildFailedError] = field(default_factory=dict)


class Together:
    """Several orders with distinct keys that one call bakes; the caller has the turn of each key.

    Args:
        orders: what is wanted, none of them here.
        on_images: the image that a layer is built on, by key; other layers are built on the target of the part below.
        context: the context of the work.
    """

    def __init__(self, orders: Sequence[Order], on_images: Mapping[str, str], context: Context) -> None:
        self._orders, self._context = orders, context
        self._targets = _targets(orders, on_images, context)
        names = {str(target.key): target.name for target in self._targets}
        self._keys = {names[str(order.key)]: str(order.key) for order in orders}
        self._before = {order.tag: _image_id(order, context) for order in orders}

    def bake(self, ready: Preparation) -> Baked:
        """Bake them, and find each again by its labels.

        If one target fails, BuildKit gives up every target of the call. Finished images and finished steps stay, so the
        next call, without the failed target, goes on from there.

        Raises:
            EngineError: no engine or buildx.
            CancelledError: another thread gave up.
        """
        failed = self._without_secrets()
        if failed:
            return Baked(built={}, failed=failed)
        wanted = Wanted(targets=self._targets, asked=tuple(self._keys))
        failed, is_whole = {}, False
        try:
            check_store(self._context)
            with build_folder(ready.folder, self._orders[0].key) as folder:
                try:
                    bake_wanted(wanted, folder, ready)
                    is_whole = True
                finally:
                    ready.child.end()  # before the folder that it reads goes
        except FinalError as error:
            failed = dict.fromkeys(self._affected(error.target), error) if error.target else {}
        except (BuildFailedError, TimeLimitError) as error:
            self._context.check_cancelled()
            self._context.reporter.warn(f"{error}; what is left is built one by one")
        return Baked(built=self._built(is_whole=is_whole), failed=failed)

    def finished(self, order: Order, *, is_whole: bool = False) -> str | None:
        """The ID of an order's image, which is noted as ours; None if it is not there.

        Args:
            order: one of ours.
            is_whole: whether the whole bake succeeded; if not, an image that was there before is not ours.
        """
        image = self._context.engine.image(order.tag)
        if not image or not proven(image, order.key, order.platform):
            return None
        if not is_whole and image.image_id == self._before[order.tag]:
            return None
        note(image.image_id, BUILT)
        return image.image_id

    def _built(self, *, is_whole: bool) -> dict[str, Built]:
        built = {}
        for order in self._orders:
            image_id = self.finished(order, is_whole=is_whole)
            if image_id:
                built[str(order.key)] = Built(order=order, image_id=image_id)
        return built

    def _without_secrets(self) -> dict[str, BuildFailedError]:
        """The errors of those that lack a secret, by key; with them BuildKit would fail the whole bake."""
        failed: dict[str, BuildFailedError] = {}
        for target in self._targets:
            try:
                check_secrets(target.secrets)
            except BuildFailedError as error:
                failed |= dict.fromkeys(self._affected(target.name), error)
        return failed

    def _affected(self, name: str) -> set[str]:
        """The keys of a target and of all targets that lie on it."""
        affected = {f"target:{name}"}
        for target in self._targets:  # lower targets come first
            if target.base in affected:
                affected.add(f"target:{target.name}")
        return {key for target, key in self._keys.items() if f"target:{target}" in affected}


def _image_id(order: Order, context: Context) -> str | None:
    image = context.engine.image(order.tag)
    return image.image_id if image else None


def _targets(orders: Sequence[Order], on_images: Mapping[str, str], context: Context) -> tuple[BakeTarget, ...]:
    """The targets of these orders and of the parts below them that are not images yet; lower targets come first."""
    tallest: dict[str, Order] = {}  # the other orders of an environment are parts of this one
    for order in sorted(orders, key=lambda order: -len(order.stack.parts)):
        tallest.setdefault(order.environment.env_id, order)
    parts = tuple(env_id for env_id, order in tallest.items() if not aliases_of(order, context))
    options = replace(bake_options(context.settings), without_aliases=parts)
    made = bake_targets([(o.environment, o.stack, o.key) for o in tallest.values()], options)
    asked = {str(part.key): (order.platform,) for order in orders if order.emulated for part in order.chain()}
    needed = {str(order.key) for order in orders}
    found: list[BakeTarget] = []
    for target in reversed(made):
        key = str(target.key)
        if key in needed:
            base, platforms = on_images.get(key, target.base), target.platforms or asked.get(key, ())
            found.append(replace(target, base=base, platforms=platforms))
            needed.add(key if key in on_images else str(target.key.below))
    return tuple(reversed(found))
