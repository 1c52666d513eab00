"""Images to and from the team's registry: pulled by digest, pushed by tag, proven after a pull."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from ...generator.cache_backend import cache_entries
from ...generator.cache_setting import ZSTD
from ...generator.errors import RegistryError, TimeLimitError
from ...generator.reference import ImageReference
from ...generator.variables import CACHE_SCOPE_VARIABLE
from ..engine.shortage import shortage
from ..registry.client import check_push
from ..registry.shared_tag import SharedTag
from ..system.events import Pulling
from ..system.text import last_line
from .alias import put_aliases
from .published import is_published
from .resolve import proven, under_tag
from .result import Built, LocalHit
from .trust import PULLED, note, verified

if TYPE_CHECKING:
    from ..context import Context
    from .order import Order
    from .result import RegistryHit


_Image = TypeVar("_Image", bound="LocalHit | Built")
_PASSING = re.compile(r": 5[0-9]{2} [A-Z]|EOF|connection re|timeout|i/o|toomanyrequests", re.IGNORECASE)


def pull(hit: RegistryHit, context: Context) -> RegistryHit:
    """Pull what a registry hit names, by its digest.

    Args:
        hit: from `search`.
        context: repository, engine and time limit.

    Returns:
        The hit with the ID of the image that is here now.

    Raises:
        RegistryError: the pull failed, or the pulled image does not prove the key.
        TimeLimitError: it took longer than a build may.
        CancelledError: another thread gave up.
    """
    context.check_cancelled()
    settings, order = context.settings, hit.order
    name = f"{settings.repository}@{hit.digest}"
    context.reporter.phase("pull")
    context.reporter.tell(lambda: Pulling(name))
    context.reporter.say(f"[desktop-cache] pulling {name}")
    platform = ("--platform", order.platform) if order.emulated else ()
    ended = context.work("pull", *platform, name)
    if ended.timed_out:
        raise TimeLimitError(f"the pull was stopped after {settings.build_timeout_s:g} s", "raise build_timeout_s")
    if ended.status:
        raise RegistryError(f"cannot pull {name}: {_said(ended.lines)}", f"check: docker pull {name}")
    found = context.engine.image(name)
    if not found or not proven(found, order.key, order.platform):
        raise RegistryError(f"{name} does not prove its key here", f"check: docker image inspect {name}")
    note(found.image_id, PULLED, *([verified(settings)] if settings.verify_command else []))  # before it is pulled
    context.engine.tag(found.image_id, replace(settings.repository, tag=str(order.key)))
    return replace(hit, image_id=found.image_id)


def publish(image: _Image, context: Context) -> _Image:
    """Push an image of this machine to the team's registry, unless it is there already; the parts below it go first.

    Others reuse these parts by their own tags: different layers lie on one desktop.

    Args:
        image: an image that was found here or built.
        context: repository, cache scope, engine and time limit.

    Returns:
        The image; with `push_error` if it, or a part below it, could not be pushed: it still serves this machine.

    Raises:
        CancelledError: another thread gave up.
    """
    for order in reversed(list(image.order.chain())[1:]):
        below = under_tag(order, context)
        if isinstance(below, LocalHit):  # else the builder made it only on the way, as for several platforms
            below = _publish(below, context)
            if below.push_error:
                return replace(image, push_error=below.push_error)
    published = _publish(image, context)
    if not published.push_error:
        put_aliases(image.order, context)
    return published


def _publish(image: _Image, context: Context) -> _Image:
    context.check_cancelled()
    order, say = image.order, context.reporter.say
    if not context.afresh and _is_there(order, context):
        say(f"[desktop-cache] in the registry already: {order.tag}")
        return image
    shared = SharedTag(key=order.key, repository=order.repository, access=context.access())
    upload = shared.upload_name(order.platform)
    try:
        _upload(image, shared, context)
    except RegistryError as error:
        if _is_there(order, context):  # another process of this machine was faster, and removed the tag
            say(f"[desktop-cache] in the registry already: {order.tag}")
            return image
        context.reporter.warn(f"push failed: {error}; the image serves this machine alone")
        return replace(image, push_error=f"cannot push {order.tag}: {error}")
    finally:
        context.engine.untag(upload)
    say(f"[desktop-cache] pushed {order.tag}")
    return image


def _upload(image: LocalHit | Built, shared: SharedTag, context: Context) -> None:
    """Push an image under its key's tag, and under the tags of the cache if the image contains it."""
    order, settings, reporter = image.order, context.settings, context.reporter
    upload = shared.upload_name(order.platform)
    reporter.phase("push")
    reporter.say(f"[desktop-cache] pushing {order.tag}")
    try:
        _push(image.image_id, upload, context)
        shared.add(upload)
    except RegistryError as error:
        if "immutab" not in str(error).lower():  # the word that ECR, Harbor and Artifact Registry use
            raise
        _push(image.image_id, ImageReference.parse(order.tag), context)
    extra = cache_entries(settings.cache, settings.repository, order.key).tags
    for tag in (tag.replace(f"${{{CACHE_SCOPE_VARIABLE}}}", settings.cache_scope) for tag in extra):
        reporter.say(f"[desktop-cache] pushing {tag}")
        _push(image.image_id, ImageReference.parse(tag), context)


def _push(image_id: str, name: ImageReference, context: Context) -> None:
    context.engine.tag(image_id, name)
    ended = context.work("push", str(name))
    if ended.timed_out or ended.status:
        limit = f"stopped after {context.settings.build_timeout_s:g} s"
        why = limit if ended.timed_out else _said(ended.lines) + _packed(ended.lines, image_id, context)
        raise RegistryError(why, f"check: docker push {name}")


def _packed(lines: tuple[str, ...], image_id: str, context: Context) -> str:
    """What to try if a registry that we may write to refuses an image: it may not know the layers' compression.

    The engine gives only the registry's own words, which may be anything, and no code.
    """
    if context.settings.compression != ZSTD or shortage(lines) or _PASSING.search(_said(lines)):
        return ""
    try:
        check_push(context.settings.repository, context.access())
    except RegistryError:
        return ""
    return f'; if it refuses zstd, write compression = "gzip", run: docker image rm -f {image_id}, and build again'


def _is_there(order: Order, context: Context) -> bool:
    try:
        return is_published(order.key, order.platform, context)
    except RegistryError:  # the push itself shows whether the registry can be pushed to
        return False


def _said(lines: tuple[str, ...]) -> str:
    short = shortage(lines)
    if short:
        return short.said
    said = last_line("\n".join(lines)) if lines else "see docker's error above"
    return said.removeprefix("Error response from daemon: ").removeprefix("error from registry: ")
