"""The layer of an environment's own: what it is built on, and what of it runs when a task starts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bake.failed_step import last_words
from bake.redaction import without_secrets
from bake.resolve import Status, glance
from generator.errors import BuildFailedError, TaskError, TimeLimitError
from generator.reference import ImageReference

if TYPE_CHECKING:
    import threading

    from bake.engine import Engine
    from bake.resolve import ImageResult, Log
    from bake.settings import Settings
    from generator.environment import Environment
    from generator.layer import LayerKey
    from generator.reference import Digest

# As the recipe's steps have it: whatever PATH the base has, programs are found where distributions put them.
WITH_PATH = 'export PATH="${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"; '
# Over standard input: no process list shows the script, and it may be longer than an argument.
_FROM_INPUT = (
    'f=$(mktemp) && cat >"$f" && "$(command -v bash || command -v sh)" "$f" </dev/null; s=$?; rm -f "$f"; exit "$s"'
)


def desktop_below(
    environment: Environment,
    key: LayerKey,
    settings: Settings,
    engine: Engine,
    log: Log,
    progress: str,
    driver: str,
) -> str | None:
    """What a layer is built on instead of the desktop's target: the desktop's image, built where it is missing.

    With the target, BuildKit would bake the desktop again wherever its own cache was pruned.

    Args:
        environment, settings, engine, log, progress: as `build`.
        key: the layer's key, with a desktop.
        driver: the builder's: only the engine's own sees the images of the engine.

    Returns:
        `docker-image://…@digest`, or None where the builder has no way to the image and has to take the target.

    Raises:
        DesktopBakeError: as `build`.
    """
    from bake.ensure import obtain
    from bake.published import ask_registry
    from bake.transfer import publish

    image = environment.base_image
    pinned = replace(image, tag=image.tag or (None if image.digest else "latest"), digest=key.base)
    desktop = replace(environment, base_image=pinned, preflight_script=None, preflight_run_script=None)
    if environment.platforms:  # an image here may hold one of them alone
        return None
    found = glance(desktop, settings, engine, log)
    if found.cache_key != key.desktop:
        raise BuildFailedError("a script of the desktop changed while it was built", "try again")
    if driver != "docker":
        if not settings.has_registry:
            return None
        there = ask_registry(replace(found, status=Status.MISS), settings, engine)
        return f"docker-image://{there.image}" if there.status is Status.REGISTRY_HIT else None
    result = obtain(found, desktop, settings, engine, log, progress)
    if settings.push and result.status is Status.LOCAL_HIT:
        result = publish(result, settings, engine, log, draw=progress != "plain")
    assert result.image_id
    name = replace(settings.repository, tag=str(key.desktop))
    engine.tag(result.image_id, name)
    digest = _digest(result.image_id, name, engine)
    return f"docker-image://{name}@{digest}" if digest else None


def _digest(image_id: str, name: ImageReference, engine: Engine) -> Digest | None:
    """What BuildKit finds an image of the engine by, which no moving tag can change.

    None for an image that was built in the classic store and never pushed: that has an ID alone.
    """
    image = engine.image(image_id)
    known = [ImageReference.parse(text) for text in image.repo_digests] if image else []
    return next((k.digest for k in known if k.repository == name.repository), None)


def run_preflight(
    container_id: str,
    environment: Environment,
    image: ImageResult,
    settings: Settings,
    log: Log,
    display: str | None,
    cancel: threading.Event | None = None,
) -> None:
    """Run an environment's own scripts in a task's container: what is not baked in, then the part for every start.

    Args:
        container_id: a running container.
        environment: the environment.
        image: what the container was started from.
        settings: where the scripts lie, and the time limit: a build's.
        log: gets each line that they print.
        display: the X display, such as `:1`, or None without a desktop.
        cancel: set by another thread to give up.

    Raises:
        ConfigurationError: a script is missing, empty or malformed.
        TaskError: a script failed.
        TimeLimitError: a script took longer than a build may.
        CancelledError: `cancel` was set.
    """
    from bake.process import Child, ended_by

    cached = settings.preflight(environment) if image.install_at_start else None
    scripts = {
        "preflight_script": cached.script if cached else None,
        "preflight_run_script": settings.preflight_run(environment),
    }
    flags = ["-e", f"DISPLAY={display}"] if display else []
    for name, script in scripts.items():
        if script is None:
            continue
        words = ["docker", "exec", "-i", *flags, container_id, "/bin/sh", "-c", WITH_PATH + _FROM_INPUT]
        with Child(words, draw=False) as child, ended_by(cancel, child.end):
            ended = child.follow(settings.build_timeout_s, log, script, without_secrets())
        if ended.timed_out:
            raise TimeLimitError(f"{name} was stopped after {settings.build_timeout_s:g} s", "raise build_timeout_s")
        if ended.status:
            said = last_words(ended.lines) or "it printed nothing"
            raise TaskError(f"{name} ended with status {ended.status}: {said}", "correct the script")
