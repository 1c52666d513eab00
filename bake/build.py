"""A build on a miss: one bake under a lock of its key, with a time limit that stops BuildKit too."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock

from bake import local_cache
from bake.buildx import builder
from bake.engine import last_line
from bake.process import Child
from bake.render import rendered_files, write_files
from bake.resolve import ImageResult, Status, cache_folder, local_image, silent
from generator.bakefile import OUTPUT, BakeOptions, BakeTarget, bake_targets
from generator.cache import CACHE_SCOPE_VARIABLE, family_of
from generator.errors import BuildFailedError, TimeLimitError
from generator.key import compute_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from bake.engine import Engine
    from bake.resolve import Log
    from bake.settings import Settings
    from generator.environment import Environment
    from generator.reference import Digest

_STEP_FAILED = "did not complete successfully: exit code"
_CACHE_IN, _CACHE_OUT = "cache-in", "cache-out"


class _StepFailedError(BuildFailedError):
    """A step of the recipe ended with a status of its own."""


def build(
    environment: Environment,
    base: Digest,
    settings: Settings,
    engine: Engine,
    log: Log = silent,
    progress: str = "plain",
) -> ImageResult:
    """Bake the image of an environment, under a lock of its key, and find it again by its labels.

    Args:
        environment: the environment.
        base: the digest that pins its base, as `resolve` found it.
        settings: repository, cache, builder, time limit.
        engine: where the image goes.
        log: gets one line at a time.
        progress: `plain` sends BuildKit's lines to `log`; `auto` lets it draw on this terminal.

    Raises:
        BuildFailedError: BuildKit made no image.
        TimeLimitError: the time limit was reached; the build is stopped in BuildKit too.
        EngineError: no engine or buildx.
    """
    recipe = settings.recipe(environment)
    key = compute_key(environment, recipe, base)
    options = BakeOptions(repository=settings.repository, cache_backend=settings.cache)
    (target,) = bake_targets([(environment, recipe, key)], options)
    result = ImageResult(
        environment=environment.env_id, status=Status.BUILT, image=target.tags[0], image_id=None, cache_key=key,
        reason="built",
    )  # fmt: skip
    cache = cache_folder()
    (cache / "locks").mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(cache / "locks" / f"{key}.lock")
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        log(f"[desktop-cache] waiting: another process builds {key}")
    try:
        with (
            lock.acquire(timeout=settings.build_timeout_s),
            tempfile.TemporaryDirectory(prefix="bake-", dir=cache) as name,
            _builder(cache, progress) as child,  # ended before the folder that it reads goes
        ):
            folder = Path(name)
            found = local_image(engine, key)
            if found:
                return replace(
                    result, status=Status.LOCAL_HIT, image_id=found.image_id, reason="built by another process"
                )
            if settings.cache == "local":
                local_cache.snapshot(cache / "buildkit", family_of(key), folder / _CACHE_IN)
            request = _request(target, folder, settings, engine, progress)
            log(f"[desktop-cache] building {target.tags[0]}")
            write_files(folder, rendered_files((target,)))
            imports = settings.cache != "none" and request["set"].get(f"{target.name}.cache-from") != ""
            work = partial(_bake_with_cache, another=partial(_builder, cache, progress)) if imports else _bake
            work(child, request, settings.build_timeout_s, log)
            if settings.cache == "local":
                local_cache.keep(cache / "buildkit", family_of(key), folder / _CACHE_OUT)
            found = local_image(engine, key)
    except filelock.Timeout as error:
        raise TimeLimitError(
            f"another process was still building {key} after {settings.build_timeout_s} s", "try again later"
        ) from error
    finally:
        lock.release(force=True)
    if not found:
        raise BuildFailedError(
            "the build ended, but its image is not here",
            "the builder keeps its images in another engine: push, or use a builder of this one (docker buildx ls)",
        )
    return replace(result, image_id=found.image_id)


def _request(target: BakeTarget, folder: Path, settings: Settings, engine: Engine, progress: str) -> dict[str, Any]:
    """What the builder process is asked to bake. Everything is relative to the cache folder, where it runs.

    Bake refuses what lies outside its working directory, and takes contexts as relative to it, not to the file.
    """
    chosen = builder(engine, settings.builder)
    overrides = {f"{target.name}.context": f"{folder.name}/{target.context}"}
    if chosen.driver != "docker":  # it keeps images to itself, and hands them over as an archive
        overrides[f"{target.name}.output"] = OUTPUT.replace("type=image", "type=docker")
    if settings.cache == "local":
        overrides[f"{target.name}.cache-from"] = f"type=local,src={folder.name}/{_CACHE_IN}"
        overrides[f"{target.name}.cache-to"] = f"type=local,dest={folder.name}/{_CACHE_OUT},mode=max,ignore-error=true"
        if not (folder / _CACHE_IN).exists():
            overrides[f"{target.name}.cache-from"] = ""
    if settings.cache != "none" and not chosen.exports_cache:
        overrides[f"{target.name}.cache-to"] = ""  # BuildKit would fail the build
    return {
        "file": f"{folder.name}/docker-bake.hcl",
        "targets": [target.name],
        "builder": settings.builder,
        "set": overrides,
        "progress": progress,
        "variables": {CACHE_SCOPE_VARIABLE: settings.cache_scope},
    }


def _builder(folder: Path, progress: str) -> Child:
    """The process that runs python-on-whales; it starts up while we still ask the engine."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    words = [sys.executable, "-P", "-m", "bake.builder"]
    return Child(words, draw=progress != "plain", cwd=folder, env=environment)


def _bake(child: Child, request: dict[str, Any], limit_s: float, log: Log) -> None:
    """Run one bake.

    Raises:
        BuildFailedError: BuildKit made no image.
        TimeLimitError: the limit was reached.
    """
    ended = child.follow(limit_s, log, json.dumps(request).encode())
    if ended.timed_out:
        raise TimeLimitError(f"the build was stopped after {limit_s:g} s", "raise build_timeout_s")
    if ended.status:
        said = [line for line in ended.lines if "ERROR" in line or "error:" in line.lower()] or ended.lines
        reason = last_line("\n".join(said)).removeprefix("ERROR: ")
        kind = _StepFailedError if any(_STEP_FAILED in line for line in ended.lines) else BuildFailedError
        raise kind(f"build failed: {reason}", "correct the recipe, or see the build's output above")


def _bake_with_cache(
    child: Child, request: dict[str, Any], limit_s: float, log: Log, another: Callable[[], Child]
) -> None:
    """Run a bake, and once more without importing a cache where that may be what failed it.

    BuildKit passes over a cache whose manifest it cannot read, but fails a build whose cached layers are gone or
    changed. A step that ended with a status of its own is the recipe's failure, and is not run again.

    Raises: as `_bake`.
    """
    end = time.monotonic() + limit_s
    try:
        _bake(child, request, limit_s, log)
    except _StepFailedError:
        raise
    except BuildFailedError as error:
        log(f"[desktop-cache] WARNING: {error}; once more without the cache")
        with another() as child:
            nothing = {f"{target}.cache-from": "" for target in request["targets"]}
            _bake(child, {**request, "set": {**request["set"], **nothing}}, end - time.monotonic(), log)
