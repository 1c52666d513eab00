"""Which image a task uses, without building: found by its labels, all of which must prove it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...generator.key import SCHEMA, SCHEMA_LABEL
from ..registry.platforms import same_platform
from ..system.lazy import lazy
from .base_digest import check_base
from .locked import pinned_base
from .order import order_of
from .result import Disabled, LocalHit, Miss, MissReason, RegistryHit
from .trust import why_not

if TYPE_CHECKING:
    from ...generator.environment import Environment
    from ...generator.layer_key import Key
    from ..context import Context
    from ..engine.engine import Image
    from . import published, reason
    from .guess import Guess
    from .order import Order
else:
    published = lazy(".published", __package__)
    reason = lazy(".reason", __package__)


def resolve(environment: Environment, context: Context) -> Disabled | LocalHit | RegistryHit | Miss:
    """What a task of this environment would use, without building or pulling anything.

    Args:
        environment: the environment.
        context: where tags go and where the recipe is, and the engine to ask.

    Raises: as `glance`.
    """
    found = glance(environment, context)
    return search(found, context) if isinstance(found, Miss) else found


def glance(environment: Environment, context: Context, guess: Guess | None = None) -> Disabled | LocalHit | Miss:
    """The first part of `resolve`, which takes milliseconds: the toggles, the key, and the image known by name.

    Args: as `resolve`.
        guess: asks for the image that was used before while the base is asked for.

    Returns:
        A local hit, `disabled`, or a miss that `search` has to look into.

    Raises:
        ConfigurationError, EngineError, RegistryError: as `order_of`.
        CancelledError: another thread gave up.
    """
    if not environment.cache_enabled:
        return Disabled(
            environment=environment.env_id,
            image=pinned_base(environment.base_image, context.settings),
            reason=environment.why_nothing_is_baked,
            install_at_start=environment.has_image,
        )
    return look(order_of(environment, context, guess), context, guess)


def look(order: Order, context: Context, guess: Guess | None = None) -> LocalHit | Miss:
    """Look for what is wanted under its tag, and say so.

    Args: as `glance`.

    Raises: as `under_tag`.
        CancelledError: another thread gave up.
    """
    context.check_cancelled()
    context.reporter.say(f"[desktop-cache] cache key: {order.key}")
    if context.afresh:
        return Miss(order=order, why=MissReason(here="it is to be baked afresh"))
    found = under_tag(order, context, guess)
    context.check_cancelled()
    if isinstance(found, LocalHit):
        context.reporter.say(f"[desktop-cache] hit (local): {found.image}")
    return found


def search(miss: Miss, context: Context) -> RegistryHit | Miss:
    """The second part of `resolve`: the team's registry, or else what changed since our other images.

    Args:
        miss: from `glance`.
        context: as `resolve`.

    Returns:
        A registry hit, which `pull` brings here; or the miss with its reason. A registry that could not be asked is a
        miss with its `registry_error`.

    Raises:
        ConfigurationError: it is a miss, and the base is for other platforms.
        CancelledError: another thread gave up.
    """
    found = ask(miss, context)
    if isinstance(found, Miss):
        context.reporter.say(f"[desktop-cache] miss: {found.reason}")
        check_base(found.order.environment, context, found.order.platform)
    return found


def ask(miss: Miss, context: Context) -> RegistryHit | Miss:
    """Ask the team's registry, then our other images: an engine with thousands of images needs seconds to list ours.

    Args, Returns: as `search`.
    """
    if context.afresh:
        return miss
    found = published.ask_registry(miss, context) if context.settings.has_registry else miss
    context.check_cancelled()
    if isinstance(found, RegistryHit):
        context.reporter.say(f"[desktop-cache] hit (registry): {miss.image}")
        return found
    if not found.why.here:
        here = _why(miss.order, context)
        found = replace(
            found, why=replace(here, there=found.why.there, is_refused=here.is_refused or found.why.is_refused)
        )
    if found.registry_error:
        context.reporter.warn(found.registry_error)
    return found


def under_tag(order: Order, context: Context, guess: Guess | None = None) -> LocalHit | Miss:
    """What is under a tag: a local hit if it counts, else a miss with the reason why it does not.

    Raises: as `bake.images.trust.why_not`.
    """
    image = guess.image(order.tag) if guess else context.engine.image(order.tag)
    if image is None:
        return Miss(order=order)
    wrong = order.key.mismatch(image.labels)
    if wrong:
        return _refused(order, f"is not what its tag says: {wrong}")
    if not same_platform(image.platform, order.platform):
        return _refused(order, f"is for {image.platform}, {order.wanted}")
    doubt = why_not(image, order.stack, context)
    if doubt:
        return _refused(order, f"is not used: {doubt}")
    return LocalHit(order=order, image_id=image.image_id)


def _refused(order: Order, why: str) -> Miss:
    return Miss(order=order, why=MissReason(here=f"{order.tag} {why}", is_refused=True))


def proven(image: Image, key: Key, platform: str) -> bool:
    """Whether an image's labels prove this key, and it runs on this platform."""
    return key.mismatch(image.labels) is None and same_platform(image.platform, platform)


def _why(order: Order, context: Context) -> MissReason:
    """Why nothing here is a hit: an image that lost its tag, or else what changed since the nearest of our images."""
    ours = context.engine.labelled({SCHEMA_LABEL: SCHEMA})
    untagged = sorted(i for i, labels in ours.items() if order.key.mismatch(labels) is None)
    if untagged:
        said = f"no image here has the tag {order.tag}; {untagged[0][:19]} has its labels, which may be inherited"
        return MissReason(here=said, is_refused=True)
    return MissReason(here=reason.reason_of(order, context.settings, ours.values()))
