"""Which image a task uses: local store, then a build, then the base with installing at run time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from bake.engine import Engine, last_line
from bake.settings import Settings
from bake.shipped import shipped
from generator.bakefile import CACHE_DIR_VARIABLE, BakeOptions, BakeTarget, bake_targets, render_bake_file
from generator.errors import (
    BuildFailedError,
    ConfigurationError,
    DesktopBakeError,
    EngineError,
    TimeLimitError,
)
from generator.key import (
    DOCKERFILE_LABEL,
    INSTALL_LABEL,
    SCHEMA,
    SCHEMA_LABEL,
    SETUP_LABEL,
    CacheKey,
    compute_key,
)
from generator.reference import Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from generator.environment import Environment
    from generator.recipe import Recipe

    Log = Callable[[str], None]

_NO_BUILDX = ("not a docker command", "unknown command: docker buildx", "unknown flag: --load")
_NO_DIGEST = Digest("sha256:" + "0" * 64)


class Status(StrEnum):
    """How an image was found."""

    DISABLED = "disabled"
    LOCAL_HIT = "local-hit"
    REGISTRY_HIT = "registry-hit"
    MISS = "miss"
    BUILT = "built"
    FALLBACK = "fallback"


@dataclass(frozen=True, kw_only=True)
class ImageResult:
    """What a task uses.

    Attributes:
        environment: the environment's id.
        status: how it was found.
        image: the image for people: the cache tag, or the pinned base.
        image_id: the ID to run, which no moving tag can change; None where nothing is to be run yet.
        cache_key: the key, or None where it could not be computed.
        reason: why it is so, in one line.
        install_at_start: whether the task has to install the desktop itself.
        exit_status: the exit status of the error behind a fallback, else 0.
    """

    environment: str
    status: Status
    image: str
    image_id: str | None
    cache_key: CacheKey | None
    reason: str
    install_at_start: bool = False
    exit_status: int = 0

    def as_json(self) -> dict[str, object]:
        """The object that `resolve --json` prints."""
        return {
            "schema": 1,
            "environment": self.environment,
            "status": self.status.value,
            "image": self.image,
            "image_id": self.image_id,
            "cache_key": str(self.cache_key) if self.cache_key else None,
            "components": self.cache_key.components() if self.cache_key else {},
            "reason": self.reason,
        }


def silent(_line: str) -> None:
    """The log of callers that want none."""


def key_of(environment: Environment, recipe: Recipe, engine: Engine) -> CacheKey:
    """The cache key with the base's digest asked from the local store, else from its registry."""
    digest, _ = engine.base(environment.base_image)
    return compute_key(environment, recipe, digest)


def resolve(environment: Environment, settings: Settings, engine: Engine, log: Log = silent) -> ImageResult:
    """What a task of this environment would use, building nothing.

    Args:
        environment: the environment.
        settings: where tags go and the recipe lies.
        engine: the engine to ask.
        log: gets one line at a time.

    Raises:
        ConfigurationError: the recipe or the base image is wrong.
        EngineError: no engine answers.
    """
    if not environment.desktop_cache_enabled:
        reason = "cache_desktop_build is off" if environment.headless_desktop_enabled else "headless desktop is off"
        return ImageResult(
            environment=environment.env_id, status=Status.DISABLED, image=str(environment.base_image),
            image_id=None, cache_key=None, reason=reason, install_at_start=environment.headless_desktop_enabled,
        )  # fmt: skip
    recipe = settings.recipe(environment)
    known = compute_key(environment, recipe, _NO_DIGEST)  # all but the base is known before asking anyone
    query = {
        SCHEMA_LABEL: SCHEMA,
        INSTALL_LABEL: str(known.install),
        SETUP_LABEL: str(known.setup),
        DOCKERFILE_LABEL: str(known.dockerfile),
    }
    images, base_digest, base_platform = engine.labelled_and_base(query, environment.base_image)
    key = replace(known, base=base_digest)
    log(f"[desktop-cache] cache key: {key}")
    tag = f"{settings.repository}:{key}"
    result = ImageResult(
        environment=environment.env_id, status=Status.MISS, image=tag, image_id=None, cache_key=key, reason=""
    )
    proven = [image for image in images if key.mismatch(image.labels) is None]
    platform = base_platform or (engine.platform() if proven else "")
    hit = next((image for image in proven if _same_platform(image.platform, platform)), None)
    if hit:
        log(f"[desktop-cache] hit (local): {tag}")
        return replace(result, status=Status.LOCAL_HIT, image_id=hit.image_id, reason="labels match")
    reason = (
        f"the image here is for {proven[0].platform}, this engine runs {platform}"
        if proven
        else _miss_reason(engine, key, tag)
    )
    log(f"[desktop-cache] miss: {reason}")
    return replace(result, reason=reason)


def _same_platform(image: str, wanted: str) -> bool:
    return image.split("/")[:2] == wanted.split("/")[:2]


def _miss_reason(engine: Engine, key: CacheKey, tag: str) -> str:
    tagged = engine.images([tag])
    if tagged:
        return f"{tag} is not what its tag says: {key.mismatch(tagged[0].labels)}"
    others = []
    for image in engine.ours():
        try:
            others.append(CacheKey.from_labels(image.labels))
        except ConfigurationError:  # not an image that can be near
            continue
    return key.miss_reason(others)


def targets_of(environments: list[Environment], settings: Settings, engine: Engine) -> tuple[BakeTarget, ...]:
    """The bake targets of these environments, one a distinct key."""
    wanted = []
    for environment in environments:
        recipe = settings.recipe(environment)
        wanted.append((environment, recipe, key_of(environment, recipe, engine)))
    return bake_targets(wanted, BakeOptions(repository=settings.repository, cache_backend=settings.cache))


def rendered_files(targets: tuple[BakeTarget, ...]) -> dict[str, tuple[bytes, bool]]:
    """Every file of a rendered folder: content and executable bit by relative path."""
    template = shipped("docker-bake.hcl.j2").read_text(encoding="utf-8")
    files = {"docker-bake.hcl": (render_bake_file(template, targets).encode(), False)}
    for target in targets:
        for path, file in target.recipe.context():
            files[f"{target.context}/{path}"] = (file.content, file.executable)
    return files


def write_files(folder: Path, files: Mapping[str, tuple[bytes, bool]]) -> None:
    """Write a rendered folder, each file replaced whole; nothing outside the folder is ever written.

    Raises:
        ConfigurationError: a symbolic link in the folder leads out of it, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        root = folder.resolve()
        for name, (content, executable) in files.items():
            path = root / name
            if not path.parent.resolve().is_relative_to(root):
                raise ConfigurationError(f"{name} leads out of {folder}", "remove that symbolic link")
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}.{os.getpid()}")
            partial.write_bytes(content)
            partial.chmod(0o755 if executable else 0o644)
            partial.replace(path)
    except OSError as error:
        raise ConfigurationError(f"cannot write {error.filename}: {error.strerror}", "choose another -o DIR") from error


def build(
    environment: Environment, settings: Settings, engine: Engine, log: Log = silent, progress: str = "plain"
) -> ImageResult:
    """Bake the image of an environment, under a lock of its key, and find it again by its labels.

    Args:
        progress: `plain` sends BuildKit's lines to `log`; `auto` lets it draw on this terminal.

    Raises:
        BuildFailedError: BuildKit made no image.
        TimeLimitError: the time limit was reached; the build is stopped in BuildKit too.
        EngineError: no engine or buildx.
    """
    import tempfile

    import filelock  # 30 ms that a hit must not pay
    import platformdirs

    (target,) = targets_of([environment], settings, engine)
    cache = Path(platformdirs.user_cache_dir("desktop-bake"))
    locks = cache / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(locks / f"{target.key}.lock", timeout=settings.build_timeout_s):
            again = resolve(
                replace(environment, headless_desktop_enabled=True, cache_desktop_build=True),
                settings,
                engine,
            )
            if again.status is Status.LOCAL_HIT:
                return replace(again, reason="built by another process meanwhile")
            log(f"[desktop-cache] building {target.tags[0]}")
            with tempfile.TemporaryDirectory(prefix="bake-", dir=cache) as folder:
                write_files(Path(folder), rendered_files((target,)))
                _bake(target, Path(folder), settings, engine, cache, log, progress)
    except filelock.Timeout as error:
        raise TimeLimitError(
            f"another process was still building {target.key} after {settings.build_timeout_s} s",
            "try again later",
        ) from error
    built = resolve(replace(environment, headless_desktop_enabled=True, cache_desktop_build=True), settings, engine)
    if built.status is not Status.LOCAL_HIT:
        raise BuildFailedError(
            f"the build ended, but its image is not found: {built.reason}",
            "check that the builder loads images: docker buildx ls",
        )
    return replace(built, status=Status.BUILT, reason="built")


def _bake(
    target: BakeTarget, folder: Path, settings: Settings, engine: Engine, cache: Path, log: Log, progress: str
) -> None:
    overrides: dict[str, str] = {}
    if settings.cache != "none" and not settings.builder and not _exports_cache(engine):
        overrides["*.cache-to"] = ""  # the classic image store exports none, and BuildKit would fail the build
    # bake refuses what lies outside its working directory: the cache folder is that directory, and contexts,
    # which are relative to it and not to the file, follow
    overrides[f"{target.name}.context"] = f"{folder.name}/{target.context}"
    request = {
        "file": f"{folder.name}/docker-bake.hcl",
        "targets": [target.name],
        "builder": settings.builder,
        "load": True,
        "push": False,
        "set": overrides,
        "progress": progress,
        "variables": {CACHE_DIR_VARIABLE: "buildkit"},
    }
    plain = progress == "plain"
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "bake.builder"], cwd=cache, stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE if plain else None, start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )  # fmt: skip
    import threading

    timed_out = threading.Event()

    def stop() -> None:
        timed_out.set()
        _end(process)

    clock = threading.Timer(settings.build_timeout_s, stop)
    clock.daemon = True
    clock.start()
    tail: list[str] = []
    try:
        assert process.stdin
        process.stdin.write(json.dumps(request).encode())
        process.stdin.close()
        for raw in process.stderr or ():
            line = raw.decode(errors="replace").rstrip()
            tail = [*tail[-199:], line]
            log(line)
        status = process.wait()
    finally:
        clock.cancel()
        _end(process)
    if timed_out.is_set():
        raise TimeLimitError(f"the build was stopped after {settings.build_timeout_s} s", "raise build_timeout_s")
    if status:
        said = "\n".join(line for line in tail if "ERROR" in line or "error:" in line.lower()) or "\n".join(tail)
        if any(sign in said for sign in _NO_BUILDX):
            raise EngineError("buildx is missing", "install the docker-buildx plugin, 0.13 or newer")
        reason = last_line(said) if plain else "see BuildKit's error above"
        raise BuildFailedError(f"build failed: {reason}", "correct the recipe, or see the build's output above")


def _exports_cache(engine: Engine) -> bool:
    done = engine.docker("info", "--format", "{{json .DriverStatus}}")
    return b"io.containerd.snapshotter" in done.stdout


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the builder's process group: SIGINT cancels the build in BuildKit, SIGKILL does where that hangs."""
    for number, patience_s in ((signal.SIGINT, 10), (signal.SIGKILL, 10)):
        if process.poll() is not None:
            return
        try:
            os.killpg(process.pid, number)
            process.wait(patience_s)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def ensure_desktop_image(
    environment: Environment,
    settings: Settings | None = None,
    *,
    engine: Engine | None = None,
    log: Log = silent,
    progress: str = "plain",
) -> ImageResult:
    """The image a task of this environment uses, built on a miss; a failure falls back, never loses the task.

    Args:
        environment: the environment.
        settings: repository, cache and limits; the defaults where None.
        engine: the engine; the docker client's own where None.
        log: gets one line at a time.
        progress: as `build`.

    Returns:
        A result whose `image_id` can be run as it is, or, for `disabled` and `fallback`, the base image
        with `install_at_start`.

    Raises:
        ConfigurationError: the recipe or configuration is wrong: never answered with a fallback.
        EngineError: no engine answers, so that no task could start either.
        BuildFailedError, TimeLimitError: a build failed and `settings.fallback` is off.
    """
    settings = settings or Settings()
    engine = engine or Engine()
    result = None
    try:
        result = resolve(environment, settings, engine, log)
        if result.status is not Status.MISS:
            return result
        return build(environment, settings, engine, log, progress)
    except ConfigurationError:
        raise
    except (DesktopBakeError, OSError) as error:
        if isinstance(error, EngineError) and result is None:
            raise
        if not settings.fallback:
            raise
        said = str(error).removeprefix("build failed: ")
        log(f"[desktop-cache] build failed: {said}")
        log("[desktop-cache] falling back to runtime install")
        key = result.cache_key if result else None
        image = environment.base_image
        return ImageResult(
            environment=environment.env_id, status=Status.FALLBACK,
            image=image.pinned(key.base) if key else str(image), image_id=None, cache_key=key, reason=str(error),
            install_at_start=True, exit_status=getattr(error, "exit_status", 1),
        )  # fmt: skip
