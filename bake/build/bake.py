"""A build on a miss: one bake, with a time limit that stops BuildKit too."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ...generator.attest import needs_index
from ...generator.bakefile import BakeTarget, bake_targets
from ...generator.cache_backend import CACHE_SCOPE_VARIABLE, packing
from ...generator.errors import BuildFailedError, DesktopBakeError, TimeLimitError
from ...generator.layer_key import LayerKey, family_of, stack_key
from ..engine.buildx import Builder, builder, require_answer, require_buildx
from ..engine.shortage import DISK, shortage
from ..images.base_digest import pinned_stack
from ..images.resolve import proven
from ..images.result import ImageResult, Status
from ..images.trust import BUILT, note
from ..system.folders import cache_folder
from ..system.process import Child
from ..system.redaction import without_secrets
from ..system.text import last_line
from . import local_cache
from .disk_full import collect, give_back
from .failed_step import failed_step
from .render import bake_options, rendered_files, write_files
from .scratch import build_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...generator.environment import Environment
    from ..config.settings import Settings
    from ..engine.engine import Engine
    from ..system.log import Log


_CACHE_IN, _CACHE_OUT = "cache-in", "cache-out"

# BuildKit's garbage collection took a record that a build was about to use (moby/buildkit#3959).
_COLLECTED = re.compile(r"failed to (load ref|get dead record)")


class _FinalError(BuildFailedError):
    """A step of the recipe ended with a status of its own, or the machine was short of something: not tried again."""


class _DiskFullError(_FinalError):
    """No space was left."""


class Preparation:
    """What a build needs and can have before it is known whether there will be one; gone on leaving.

    It starts the process that runs python-on-whales, which takes a quarter of a second, and asks for the builder,
    which may take a tenth.

    Args:
        settings: the builder's name.
        engine: the engine.
        progress: as `build`.
    """

    def __init__(self, settings: Settings, engine: Engine, progress: str) -> None:
        self.engine = engine
        self.folder = cache_folder()
        self._answers: list[Builder | DesktopBakeError] = []
        self._asking = threading.Thread(target=self._ask, args=(settings.builder,), daemon=True)
        self._asking.start()
        self.progress = progress
        self.child = self.another()

    def another(self) -> Child:
        """A further such process."""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        words = [
            sys.executable,
            "-P",
            str(Path(__file__).with_name("bake_process.py")),
        ]  # without importing all of bake
        return Child(words, draw=self.progress != "plain", cwd=self.folder, env=environment)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.child.__exit__()

    def _ask(self, name: str | None) -> None:
        try:
            self._answers.append(builder(self.engine, name))
        except DesktopBakeError as error:
            self._answers.append(error)

    def builder(self) -> Builder:
        """The builder.

        Raises:
            EngineError: buildx is missing or too old, or there is no such builder.
        """
        self._asking.join()
        if isinstance(self._answers[0], DesktopBakeError):
            raise self._answers[0]
        return self._answers[0]


def build(
    environment: Environment,
    miss: ImageResult,
    settings: Settings,
    engine: Engine,
    log: Log,
    ready: Preparation,
    desktop_of: Callable[[LayerKey, str], str | None],
) -> ImageResult:
    """Bake the image of an environment, and find it again by its labels; the caller has the turn of its key.

    Args:
        environment: the environment.
        miss: what `resolve` said: its key pins the base, and it tells the platform.
        settings: repository, cache, builder, time limit.
        engine: where the image goes.
        log: gets one line at a time.
        ready: what was prepared.
        desktop_of: the image that a layer is built on, by its key and the driver; None for the desktop's target.

    Raises:
        BuildFailedError: BuildKit made no image.
        TimeLimitError: the time limit was reached; the build is stopped in BuildKit too.
        EngineError: no engine or buildx.
    """
    assert miss.cache_key
    if needs_index(settings.attest) and not engine.has_containerd_store():
        raise BuildFailedError(
            "build failed: the engine's classic image store cannot hold attestations",
            "switch to containerd's image store, or build without: DESKTOP_BAKE_ATTEST=",
        )
    stack = pinned_stack(environment, settings, engine, log)
    key = stack_key(environment, stack, miss.cache_key.base)
    asked = (miss.platform,) if miss.emulated else ()  # which the rendered file does not say: it is part of no key
    made = bake_targets([(environment, stack, key)], bake_options(settings))
    *below, target = (replace(target, platforms=target.platforms or asked) for target in made)
    on_image = None
    if isinstance(key, LayerKey) and key.desktop:
        driver = ready.builder().driver
        on_image = desktop_of(key, driver)
    result = replace(miss, status=Status.BUILT, image=target.tags[0], cache_key=key, reason="built", digest=None)
    with build_folder(ready.folder, key) as folder:
        try:
            _bake_on(on_image, (*below, target), folder, settings, ready, log)
        finally:
            ready.child.end()  # before the folder that it reads goes
    found = engine.image(result.image)
    if not found or not proven(found, key, result.platform):
        require_buildx(engine)
        raise BuildFailedError(
            "the build ended, but its image is not here",
            "the builder keeps its images in another engine: push, or use a builder of this one (docker buildx ls)",
        )
    note(found.image_id, BUILT)
    return replace(result, image_id=found.image_id)


def _bake_on(
    image: str | None, targets: tuple[BakeTarget, ...], folder: Path, settings: Settings, ready: Preparation, log: Log
) -> None:
    """Bake the last target: on this image, or else, and where BuildKit cannot have the image, on the targets before."""
    if image:
        try:
            _bake_target((replace(targets[-1], base=image),), folder, settings, ready, log)
        except _FinalError:
            raise
        except BuildFailedError as error:
            log(f"[desktop-cache] WARNING: {error}; once more with the desktop's own target")
        else:
            return
        ready.child.__exit__()
        ready.child = ready.another()
    _bake_target(targets, folder, settings, ready, log)


def _bake_target(
    targets: tuple[BakeTarget, ...], folder: Path, settings: Settings, ready: Preparation, log: Log
) -> None:
    """Bake the last target in a folder of its own, with the local cache where that is the backend."""
    target, caches, family = targets[-1], ready.folder / "buildkit", family_of(targets[0].key)
    if settings.cache == "local":
        local_cache.snapshot(caches, family, folder / _CACHE_IN)
    for name in _secrets(targets):
        if name not in os.environ:
            raise BuildFailedError(
                f"build failed: the build secret {name} is not set", f"export {name}, or run the build where it is"
            )
    write_files(folder, rendered_files(targets))
    request = _request(targets, folder, settings, ready)
    log(f"[desktop-cache] building {target.tags[0]}")
    imports = any(t.cache_from and request["set"].get(f"{t.name}.cache-from") != "" for t in targets)
    began = time.monotonic()
    try:
        _bake_again(ready, request, settings.build_timeout_s, log, imports=imports)
    except _DiskFullError:
        if collect(ready.engine, log) and ready.builder().driver == "docker":
            give_back(ready.engine, time.monotonic() - began, log)
        raise
    except _FinalError:
        raise
    except BuildFailedError as error:
        require_answer(ready.engine, error)
        require_buildx(ready.engine)  # where that is what failed, it says what to install
        raise
    if settings.cache == "local" and target.cache_to:
        local_cache.keep(caches, family, folder / _CACHE_OUT)


def _request(targets: tuple[BakeTarget, ...], folder: Path, settings: Settings, ready: Preparation) -> dict[str, Any]:
    """What the builder process is asked to bake. Everything is relative to the cache folder, where it runs.

    Bake refuses what lies outside its working directory, and takes contexts as relative to it, not to the file.
    The last target is asked for; those before it are what it lies on, and hand out nothing.
    """
    chosen, last = ready.builder(), targets[-1]
    overrides = {f"{target.name}.context": f"{folder.name}/{target.context}" for target in targets}
    output = f"type=image,{packing(settings.compression)}"
    if chosen.driver != "docker":  # it keeps images to itself, and hands them over as an archive
        output = output.replace("type=image", "type=docker")
        if "SOURCE_DATE_EPOCH" in os.environ:  # the engine's own builder unpacks what it exports, which excludes this
            output += ",rewrite-timestamp=true"
    overrides[f"{last.name}.output"] = output
    for target in targets:
        if settings.cache == "local" and target.cache_from:
            there = f"type=local,src={folder.name}/{_CACHE_IN}" if (folder / _CACHE_IN).exists() else ""
            overrides[f"{target.name}.cache-from"] = there
            place = f"type=local,dest={folder.name}/{_CACHE_OUT},mode=max,ignore-error=true"
            overrides[f"{target.name}.cache-to"] = place
        if target.cache_to and (not chosen.exports_cache or target is not last):
            overrides[f"{target.name}.cache-to"] = ""  # where it cannot, BuildKit would fail the build
    return {
        "file": f"{folder.name}/docker-bake.hcl",
        "targets": [last.name],
        "builder": settings.builder,
        "set": overrides,
        "progress": ready.progress,
        "variables": {CACHE_SCOPE_VARIABLE: settings.cache_scope},
        "secrets": _secrets(targets),
    }


def _secrets(targets: tuple[BakeTarget, ...]) -> list[str]:
    """The variables that any of these mounts: a layer's desktop may be baked on the way."""
    return [name for target in targets for name in target.secrets]


def _bake(child: Child, request: dict[str, Any], limit_s: float, log: Log) -> None:
    """Run one bake.

    Raises:
        BuildFailedError: BuildKit made no image.
        TimeLimitError: the limit was reached.
    """
    ended = child.follow(limit_s, log, json.dumps(request).encode(), without_secrets(request["secrets"]))
    if ended.timed_out:
        raise TimeLimitError(f"the build was stopped after {limit_s:g} s", "raise build_timeout_s")
    if ended.status:
        short = shortage(ended.lines)
        if short:
            raise (_DiskFullError if short is DISK else _FinalError)(f"build failed: {short.said}", short.remedy)
        step = failed_step(ended.lines)
        if step:
            article = "" if step.name.startswith("a ") else "the "
            remedy = f"it said: {step.said}" if step.said else "see the build's output above"
            raise _FinalError(f"build failed: {article}{step.name} ended with status {step.status}", remedy)
        said = [line for line in ended.lines if "ERROR" in line or "error:" in line.lower()] or ended.lines
        reason = last_line("\n".join(said)).removeprefix("ERROR: ")
        raise BuildFailedError(f"build failed: {reason}", "correct the recipe, or see the build's output above")


def _bake_again(ready: Preparation, request: dict[str, Any], limit_s: float, log: Log, *, imports: bool) -> None:
    """Run a bake, and once more without importing a cache where that, or BuildKit's own, may be what failed it.

    BuildKit passes over a cache whose manifest it cannot read, but fails a build whose cached layers are gone or
    changed. What another try cannot mend is not run again.

    Raises: as `_bake`.
    """
    end = time.monotonic() + limit_s
    try:
        _bake(ready.child, request, limit_s, log)
    except _FinalError:
        raise
    except BuildFailedError as error:
        if not imports and not _COLLECTED.search(str(error)):
            raise
        log(f"[desktop-cache] WARNING: {error}; once more without the cache")
        with ready.another() as child:
            below = [name.removesuffix(".context") for name in request["set"] if name.endswith(".context")]
            nothing = {f"{target}.cache-from": "" for target in below}
            _bake(child, {**request, "set": {**request["set"], **nothing}}, end - time.monotonic(), log)
