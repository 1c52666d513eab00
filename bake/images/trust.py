"""Which images of the local store count: labels are inherited, and anyone can write them.

What this user built or pulled on this machine is written down by image ID, which names that content and nothing else.
For any other image, the history has to show that nothing was built upon what the recipe made.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import TYPE_CHECKING

from ..system.files import write_note
from ..system.folders import cache_folder
from ..system.lazy import lazy

if TYPE_CHECKING:
    from ...generator.stack import Stack
    from ..config.settings import Settings
    from ..context import Context
    from ..engine.engine import Image
    from . import last_steps, verify
else:
    last_steps = lazy(".last_steps", __package__)
    verify = lazy(".verify", __package__)


BUILT, PULLED, WHOLE = "built", "pulled", "whole"
_KEPT = 2000


def why_not(image: Image, stack: Stack, context: Context) -> str | None:
    """Why an image whose labels prove a key does not count; None if it does.

    Args:
        image: an image under a tag of the settings' repository.
        stack: the recipes that made what the labels describe.
        context: its `verify_command` is asked once per image ID, except about images that were built here; if `push` is
            set, only images that were built, pulled or verified here count.

    Raises:
        ConfigurationError: `verify_command` cannot be run.
        EngineError: no engine answers.
    """
    settings, known = context.settings, _read(image.image_id)
    if BUILT in known:
        return None
    if settings.verify_command:
        return None if verified(settings) in known else _verify(image, context)
    if PULLED in known or any(word.startswith("verified") for word in known):
        return None
    if settings.push:
        return "this machine neither built nor pulled it, so that it may not be pushed"
    if WHOLE in known:
        return None
    why = last_steps.built_upon(
        context.engine.history(image.image_id), _layers(image, context), last_steps.steps_of(stack)
    )
    if why is None:
        note(image.image_id, WHOLE)
    return why


def _layers(image: Image, context: Context) -> int:
    """How many layers an image has, which a listing does not say."""
    whole = image if image.layers is not None else context.engine.image(image.image_id)
    return (whole and whole.layers) or 0


def verified(settings: Settings) -> str:
    """What is written down for an image that `verify_command` accepted; another command is asked again."""
    words = json.dumps(settings.verify_command)
    return f"verified-{hashlib.sha256(words.encode()).hexdigest()[:32]}"


def _verify(image: Image, context: Context) -> str | None:
    repository = context.settings.repository.repository
    name = next((d for d in image.repo_digests if d.partition("@")[0] == repository), None)
    if name is None:
        return "it is not verified: it has no digest in the registry"
    refusal = verify.refusal_of(name, context)
    if refusal:
        return f"it is not verified: {refusal}"
    note(image.image_id, verified(context.settings))
    return None


def note(image_id: str, *words: str) -> None:
    """Write down what is known of an image ID; on a full or read-only disk it has to be determined again."""
    known = _read(image_id)
    if known.issuperset(words):
        return
    with contextlib.suppress(OSError):
        file = cache_folder() / "images" / image_id.removeprefix("sha256:")
        write_note(file, " ".join(sorted({*known, *words})).encode(), _KEPT)


def _read(image_id: str) -> frozenset[str]:
    try:
        text = (cache_folder() / "images" / image_id.removeprefix("sha256:")).read_text(encoding="ascii")
    except (OSError, ValueError):
        return frozenset()
    return frozenset(text[:4096].split())
