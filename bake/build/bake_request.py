"""The request to the process that runs python-on-whales."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from ...generator.annotations import INDEX, MANIFEST, annotated
from ...generator.cache_backend import LOCAL, exporters, packing
from ...generator.key_family import family_of
from ...generator.variables import ANNOTATE_VARIABLE, CACHE_SCOPE_VARIABLE, PLATFORMS_VARIABLE, REPOSITORY_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

    from ...generator.bakefile import BakeTarget
    from ..context import Context
    from ..engine.buildx import Builder


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The targets of one bake.

    Attributes:
        targets: all of them; lower targets come first.
        asked: the names of those that produce an image; the others are what they lie on.
    """

    targets: tuple[BakeTarget, ...]
    asked: tuple[str, ...]

    @classmethod
    def last_of(cls, targets: tuple[BakeTarget, ...]) -> Self:
        """The last of these targets, on those before it."""
        return cls(targets=targets, asked=(targets[-1].name,))

    def exporting(self) -> dict[str, BakeTarget]:
        """The targets that export a cache, by name: `exporters` of those that produce an image."""
        asked = [target for target in self.targets if target.name in self.asked]
        exporting = exporters(((target.name, target.cache_to) for target in asked), folders_alone=False)
        return {target.name: target for target in asked if target.name in exporting}

    def secrets(self) -> list[str]:
        """The variables that any of the targets mounts: the desktop below a layer may be baked as well."""
        return list(dict.fromkeys(name for target in self.targets for name in target.secrets))


def cache_in(folder: Path, target: BakeTarget) -> Path:
    """The copy of a target's local cache that a build in this folder reads."""
    return folder / f"cache-in-{family_of(target.key)}"


def cache_out(folder: Path, target: BakeTarget) -> Path:
    """The folder to which a build writes a target's local cache."""
    return folder / f"cache-out-{family_of(target.key)}"


def bake_request(wanted: Wanted, folder: Path, chosen: Builder, context: Context) -> dict[str, Any]:
    """The request to the builder process; every path is relative to the cache folder, where it runs.

    Bake refuses paths outside its working directory, and takes contexts as relative to that, not to the file.

    Args:
        wanted: what to bake.
        folder: the rendered folder, in the cache folder.
        chosen: the builder.
        context: settings and progress.
    """
    settings, targets = context.settings, wanted.targets
    overrides = {f"{target.name}.context": f"{folder.name}/{target.context}" for target in targets}
    output = f"type=image,{packing(settings.compression)}"
    if chosen.driver != "docker":  # this builder keeps images to itself, and exports them as an archive
        output = output.replace("type=image", "type=docker")
        if "SOURCE_DATE_EPOCH" in os.environ:  # not with the engine's own builder, which unpacks what it exports
            output += ",rewrite-timestamp=true"
    overrides |= {f"{name}.output": output for name in wanted.asked}
    overrides |= {f"{target.name}.no-cache": "true" for target in targets if context.afresh}
    exporting = wanted.exporting() if chosen.exports_cache else {}
    for target in targets:
        if settings.cache == "local" and target.cache_from:
            read, written = (f"{folder.name}/{place(folder, target).name}" for place in (cache_in, cache_out))
            has_cache = cache_in(folder, target).exists() and not context.afresh
            overrides[f"{target.name}.cache-from"] = f"{LOCAL}src={read}" if has_cache else ""
            overrides[f"{target.name}.cache-to"] = f"{LOCAL}dest={written},mode=max,ignore-error=true"
        if target.cache_to and target.name not in exporting:
            overrides[f"{target.name}.cache-to"] = ""  # BuildKit would fail the build if it cannot export
    return {
        "file": f"{folder.name}/docker-bake.hcl",
        "targets": list(wanted.asked),
        "builder": settings.builder,
        "set": overrides,
        "progress": context.progress,
        "variables": {  # they override the environment of this process
            REPOSITORY_VARIABLE: str(settings.repository),
            CACHE_SCOPE_VARIABLE: settings.cache_scope,
            PLATFORMS_VARIABLE: "",
            ANNOTATE_VARIABLE: _annotated(targets, chosen, context),
        },
        "secrets": wanted.secrets(),
    }


def _annotated(targets: tuple[BakeTarget, ...], chosen: Builder, context: Context) -> str:
    """Where annotations are put: the engine's own builder makes an index if containerd keeps the images."""
    settings = context.settings
    if not settings.annotations or settings.attest or chosen.driver != "docker":
        return annotated([target.platforms for target in targets], settings.attest)
    return INDEX if context.engine.has_containerd_store() else MANIFEST
