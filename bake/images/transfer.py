"""Images to and from the team's registry: pulled by digest, pushed by tag, proven on arrival."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ...generator.cache_backend import CACHE_SCOPE_VARIABLE, ZSTD, cache_entries
from ...generator.errors import RegistryError, TimeLimitError
from ...generator.layer_key import LayerKey
from ...generator.reference import ImageReference
from ..engine.shortage import shortage
from ..registry.shared_tag import SharedTag
from ..system.text import last_line
from .resolve import proven, under_tag
from .trust import PULLED, note, verified

if TYPE_CHECKING:
    from ..config.settings import Settings
    from ..engine.protocol import ImageEngine
    from ..system.log import Log
    from .result import ImageResult


_PASSING = re.compile(r": 5[0-9]{2} [A-Z]|EOF|connection re|timeout|i/o|toomanyrequests", re.IGNORECASE)


def pull(hit: ImageResult, settings: Settings, engine: ImageEngine, log: Log, *, draw: bool) -> ImageResult:
    """Pull what a registry hit names, by its digest.

    Args:
        hit: a `registry-hit` from `resolve`.
        settings: repository and time limit.
        engine: where the image goes.
        log: gets one line at a time.
        draw: whether docker draws its progress on this terminal.

    Returns:
        The hit with the ID of the image that is here now.

    Raises:
        RegistryError: the pull failed, or what came does not prove the key.
        TimeLimitError: it took longer than a build may.
    """
    assert hit.digest
    assert hit.cache_key
    name = f"{settings.repository}@{hit.digest}"
    log(f"[desktop-cache] pulling {name}")
    platform = ("--platform", hit.platform) if hit.emulated else ()
    ended = engine.work("pull", *platform, name, log=log, draw=draw, limit_s=settings.build_timeout_s)
    if ended.timed_out:
        raise TimeLimitError(f"the pull was stopped after {settings.build_timeout_s:g} s", "raise build_timeout_s")
    if ended.status:
        raise RegistryError(f"cannot pull {name}: {_said(ended.lines)}", f"check: docker pull {name}")
    found = engine.image(name)
    if not found or not proven(found, hit.cache_key, hit.platform):
        raise RegistryError(f"{name} does not prove its key here", f"check: docker image inspect {name}")
    note(found.image_id, PULLED, *([verified(settings)] if settings.verify_command else []))  # before it is pulled
    engine.tag(found.image_id, replace(settings.repository, tag=str(hit.cache_key)))
    return replace(hit, image=f"{settings.repository}:{hit.cache_key}", image_id=found.image_id)


def publish(image: ImageResult, settings: Settings, engine: ImageEngine, log: Log, *, draw: bool) -> ImageResult:
    """Push an image of this machine into the team's registry, unless it is there already; a layer's desktop before it.

    Others reuse the desktop by its own tag: layers that differ lie on one.

    Args:
        image: a result with an image ID and a key.
        settings: repository, cache scope and time limit.
        engine: where the image is.
        log: gets one line at a time.
        draw: whether docker draws its progress on this terminal.

    Returns:
        The image; with `push_error` where it, or its desktop, could not be pushed: it serves this machine all the same.
    """
    key = image.cache_key
    if isinstance(key, LayerKey) and key.desktop:
        desktop = replace(image, image=f"{settings.repository}:{key.desktop}", cache_key=key.desktop)
        desktop = under_tag(replace(desktop, image_id=None), settings, engine)
        if desktop.image_id:  # one that the builder made on the way alone, as for several platforms, is in no store
            desktop = _publish(desktop, settings, engine, log, draw=draw)
            if desktop.push_error:
                return replace(image, push_error=desktop.push_error)
    return _publish(image, settings, engine, log, draw=draw)


def _publish(image: ImageResult, settings: Settings, engine: ImageEngine, log: Log, *, draw: bool) -> ImageResult:
    assert image.image_id
    assert image.cache_key
    key = image.cache_key
    name = f"{settings.repository}:{key}"
    if _is_there(image, settings, engine):
        log(f"[desktop-cache] in the registry already: {name}")
        return image
    extra = cache_entries(settings.cache, settings.repository, key).tags
    shared = SharedTag(key=key, settings=settings, engine=engine)
    upload = shared.upload_name(image.platform)
    try:
        log(f"[desktop-cache] pushing {name}")
        try:
            _push(image.image_id, upload, settings, engine, log, draw=draw)
            shared.add(upload)
        except RegistryError as error:
            if "immutab" not in str(error).lower():  # as ECR, Harbor and Artifact Registry say it
                raise
            _push(image.image_id, ImageReference.parse(name), settings, engine, log, draw=draw)
        for tag in (tag.replace(f"${{{CACHE_SCOPE_VARIABLE}}}", settings.cache_scope) for tag in extra):
            log(f"[desktop-cache] pushing {tag}")
            _push(image.image_id, ImageReference.parse(tag), settings, engine, log, draw=draw)
    except RegistryError as error:
        if _is_there(image, settings, engine):  # another process of this machine was faster, and took the tag away
            log(f"[desktop-cache] in the registry already: {name}")
            return image
        log(f"[desktop-cache] WARNING: push failed: {error}; the image serves this machine alone")
        return replace(image, push_error=f"cannot push {name}: {error}")
    finally:
        engine.untag(upload)
    log(f"[desktop-cache] pushed {name}")
    return image


def _push(
    image_id: str, name: ImageReference, settings: Settings, engine: ImageEngine, log: Log, *, draw: bool
) -> None:
    engine.tag(image_id, name)
    ended = engine.work("push", str(name), log=log, draw=draw, limit_s=settings.build_timeout_s)
    if ended.timed_out or ended.status:
        limit = f"stopped after {settings.build_timeout_s:g} s"
        why = limit if ended.timed_out else _said(ended.lines) + _packed(ended.lines, image_id, settings, engine)
        raise RegistryError(why, f"check: docker push {name}")


def _packed(lines: tuple[str, ...], image_id: str, settings: Settings, engine: ImageEngine) -> str:
    """What to try if a registry that may be written refuses an image: it may not know how the layers are packed.

    The engine tells the registry's own words, which may be any, and no code.
    """
    from ..registry.client import access_of, check_push

    if settings.compression != ZSTD or shortage(lines) or _PASSING.search(_said(lines)):
        return ""
    try:
        check_push(settings.repository, access_of(settings, engine))
    except RegistryError:
        return ""
    return f'; if it takes no zstd, write compression = "gzip", run: docker image rm -f {image_id}, and build again'


def _is_there(image: ImageResult, settings: Settings, engine: ImageEngine) -> bool:
    from .published import is_published

    assert image.cache_key
    try:
        return is_published(image.cache_key, image.platform, settings, engine)
    except RegistryError:  # whether it can be pushed to, the push itself tells
        return False


def _said(lines: tuple[str, ...]) -> str:
    short = shortage(lines)
    if short:
        return short.said
    said = last_line("\n".join(lines)) if lines else "see docker's error above"
    return said.removeprefix("Error response from daemon: ").removeprefix("error from registry: ")
