"""A build on a miss: one bake under a lock of its key, with a time limit that stops BuildKit too."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import filelock

from bake.engine import last_line
from bake.render import rendered_files, write_files
from bake.resolve import ImageResult, Status, cache_folder, local_image, silent
from generator.bakefile import CACHE_DIR_VARIABLE, BakeOptions, BakeTarget, bake_targets
from generator.errors import BuildFailedError, TimeLimitError
from generator.key import compute_key

if TYPE_CHECKING:
    from bake.engine import Engine
    from bake.resolve import Log
    from bake.settings import Settings
    from generator.environment import Environment
    from generator.reference import Digest


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
            tempfile.TemporaryDirectory(prefix="bake-", dir=cache) as folder,
            Builder(cache, progress) as builder,  # ended before the folder that it reads goes
        ):
            found = local_image(engine, key)
            if found:
                return replace(
                    result, status=Status.LOCAL_HIT, image_id=found.image_id, reason="built by another process"
                )
            engine.require_buildx()
            log(f"[desktop-cache] building {target.tags[0]}")
            write_files(Path(folder), rendered_files((target,)))
            builder.bake(_request(target, Path(folder), settings, engine), settings.build_timeout_s, log)
            found = local_image(engine, key)
    except filelock.Timeout as error:
        raise TimeLimitError(
            f"another process was still building {key} after {settings.build_timeout_s} s", "try again later"
        ) from error
    finally:
        lock.release(force=True)
    if not found:
        raise BuildFailedError(
            "the build ended, but its image is not here", "check that the builder loads images: docker buildx ls"
        )
    return replace(result, image_id=found.image_id)


def _request(target: BakeTarget, folder: Path, settings: Settings, engine: Engine) -> dict[str, object]:
    """What the builder process is asked to bake. Everything is relative to the cache folder, where it runs.

    Bake refuses what lies outside its working directory, and takes contexts as relative to it, not to the file.
    """
    overrides = {f"{target.name}.context": f"{folder.name}/{target.context}"}
    if settings.cache != "none" and not settings.builder and not _exports_cache(engine):
        overrides["*.cache-to"] = ""  # the classic image store exports none, and BuildKit would fail the build
    return {
        "file": f"{folder.name}/docker-bake.hcl",
        "targets": [target.name],
        "builder": settings.builder,
        "load": True,
        "push": False,
        "set": overrides,
        "variables": {CACHE_DIR_VARIABLE: "buildkit"},
    }


def _exports_cache(engine: Engine) -> bool:
    done = engine.docker("info", "--format", "{{json .DriverStatus}}")
    return b"io.containerd.snapshotter" in done.stdout


class Builder:
    """The process that runs python-on-whales; it starts up while we still ask the engine. Gone on leaving.

    Args:
        folder: its working directory.
        progress: as of `build`.
    """

    def __init__(self, folder: Path, progress: str) -> None:
        self._progress = progress
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "bake.builder"], cwd=folder, stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE if progress == "plain" else None,
            start_new_session=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the process group: SIGINT cancels the build in BuildKit, SIGKILL does where that hangs."""
        for number, patience_s in ((signal.SIGINT, 10), (signal.SIGKILL, 10)):
            if self._process.poll() is None:
                with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                    os.killpg(self._process.pid, number)
                    self._process.wait(patience_s)
        for stream in (self._process.stdin, self._process.stderr):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()

    def bake(self, request: dict[str, object], limit_s: float, log: Log) -> None:
        """Run one bake.

        Args:
            request: see `bake.builder`.
            limit_s: time limit in seconds.
            log: gets BuildKit's lines where progress is `plain`.

        Raises:
            BuildFailedError: BuildKit made no image.
            TimeLimitError: the limit was reached.
        """
        timed_out = threading.Event()

        def stop() -> None:
            timed_out.set()
            self.__exit__()

        clock = threading.Timer(limit_s, stop)
        clock.daemon = True
        clock.start()
        tail: list[str] = []
        try:
            assert self._process.stdin
            with contextlib.suppress(BrokenPipeError):  # it died at once; its status tells
                self._process.stdin.write(json.dumps({**request, "progress": self._progress}).encode())
                self._process.stdin.close()
            for raw in self._process.stderr or ():
                line = raw.decode(errors="replace").rstrip()
                tail = [*tail[-199:], line]
                log(line)
            status = self._process.wait()
        finally:
            clock.cancel()
        if timed_out.is_set():
            raise TimeLimitError(f"the build was stopped after {limit_s:g} s", "raise build_timeout_s")
        if status:
            said = "\n".join(line for line in tail if "ERROR" in line or "error:" in line.lower()) or "\n".join(tail)
            reason = last_line(said) if self._progress == "plain" else "see BuildKit's error above"
            raise BuildFailedError(f"build failed: {reason}", "correct the recipe, or see the build's output above")
