"""What the process that runs python-on-whales is asked to bake."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ...generator.annotations import INDEX, MANIFEST, annotated
from ...generator.cache_backend import packing
from ...generator.variables import ANNOTATE_VARIABLE, CACHE_SCOPE_VARIABLE, PLATFORMS_VARIABLE, REPOSITORY_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

    from ...generator.bakefile import BakeTarget
    from ..context import Context
    from ..engine.buildx import Builder


CACHE_IN, CACHE_OUT = "cache-in", "cache-out"


def bake_request(targets: tuple[BakeTarget, ...], folder: Path, chosen: Builder, context: Context) -> dict[str, Any]:
    """What the builder process is asked to bake. Everything is relative to the cache folder, where it runs.

    Bake refuses what lies outside its working directory, and takes contexts as relative to it, not to the file.
    The last target is asked for; those before it are what it lies on, and hand out nothing.

    Args:
        targets: to bake.
        folder: the rendered folder, in the cache folder.
        chosen: the builder.
        context: settings and progress.
    """
    settings, last = context.settings, targets[-1]
    overrides = {f"{target.name}.context": f"{folder.name}/{target.context}" for target in targets}
    output = f"type=image,{packing(settings.compression)}"
    if chosen.driver != "docker":  # it keeps images to itself, and hands them over as an archive
        output = output.replace("type=image", "type=docker")
        if "SOURCE_DATE_EPOCH" in os.environ:  # the engine's own builder unpacks what it exports, which excludes this
            output += ",rewrite-timestamp=true"
    overrides[f"{last.name}.output"] = output
    for target in targets if context.afresh else ():
        overrides[f"{target.name}.no-cache"] = "true"
    for target in targets:
        if settings.cache == "local" and target.cache_from:
            has_cache = (folder / CACHE_IN).exists() and not context.afresh
            there = f"type=local,src={folder.name}/{CACHE_IN}" if has_cache else ""
            overrides[f"{target.name}.cache-from"] = there
            place = f"type=local,dest={folder.name}/{CACHE_OUT},mode=max,ignore-error=true"
            overrides[f"{target.name}.cache-to"] = place
        if target.cache_to and (not chosen.exports_cache or target is not last):
            overrides[f"{target.name}.cache-to"] = ""  # where it cannot, BuildKit would fail the build
    return {
        "file": f"{folder.name}/docker-bake.hcl",
        "targets": [last.name],
        "builder": settings.builder,
        "set": overrides,
        "progress": context.progress,
        "variables": {  # whatever the environment of this process says
            REPOSITORY_VARIABLE: str(settings.repository),
            CACHE_SCOPE_VARIABLE: settings.cache_scope,
            PLATFORMS_VARIABLE: "",
            ANNOTATE_VARIABLE: _annotated(targets, chosen, context),
        },
        "secrets": secrets_of(targets),
    }


def _annotated(targets: tuple[BakeTarget, ...], chosen: Builder, context: Context) -> str:
    """What annotations are put on: the engine's own builder makes an index if containerd keeps the images."""
    settings = context.settings
    if not settings.annotations or settings.attest or chosen.driver != "docker":
        return annotated([target.platforms for target in targets], settings.attest)
    return INDEX if context.engine.has_containerd_store() else MANIFEST


def secrets_of(targets: tuple[BakeTarget, ...]) -> list[str]:
    """The variables that any of these mounts: a layer's desktop may be baked on the way."""
    return [name for target in targets for name in target.secrets]
