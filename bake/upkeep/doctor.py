"""Whether a build would work here, and what to do if it would not."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError, DesktopBakeError, RegistryError
from ..config.lock_names import LOCK_NAME
from ..config.settings import Settings
from ..context import Context
from ..images.order import key_of
from ..registry.client import access_of, check_push, digest_of
from ..system.folders import cache_place
from ..system.reporter import Reporter
from ..system.text import size
from ..task import environment_options
from ..task.options import TaskOptions
from .check import Check, State, failed, guarded
from .engine_checks import builder_checks, buildx_checks, engine_checks, image_store_checks
from .lock_check import lock_checks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...generator.environment import Environment
    from ..engine.engine import Engine


LEAST_FREE_BYTES = 1 << 30
LITTLE_FREE_BYTES = 5 << 30


def examine(settings: Settings | DesktopBakeError, engine: Engine) -> Iterator[Check]:
    """Check everything that a build needs.

    Args:
        settings: the configuration, or the error that reading it raised.
        engine: the engine to ask.
    """
    if isinstance(settings, DesktopBakeError):
        yield failed("configuration", settings)
        settings = Settings()
    else:
        count = len(settings.environments)
        yield Check(name="configuration", state=State.OK, said=f"{count} environment{'s' * (count != 1)}")
        yield from guarded(LOCK_NAME, partial(lock_checks, settings, datetime.now(UTC).date()))
    engine_works = True
    for check in guarded("engine", lambda: engine_checks(engine)):
        engine_works = engine_works and check.state is not State.FAILURE
        yield check
    if engine_works:
        yield from guarded("image store", lambda: image_store_checks(settings, engine))
        yield from guarded("buildx", lambda: buildx_checks(engine))
        yield from guarded("builder", lambda: builder_checks(settings, engine))
    if settings.verify_command:
        yield _verification(settings)
    if settings.has_registry:
        yield from guarded("credentials", lambda: _credentials(settings, engine), settings)
        yield from guarded("registry", lambda: _registry(settings, engine, engine_works=engine_works), settings)
    if engine_works:
        for environment in settings.environments.values():
            name = f"environment {environment.env_id}"
            yield from guarded(name, partial(_environment, name, environment, settings, engine))
    yield from guarded("cache folder", lambda: _disk(engine, engine_works=engine_works))


def _verification(settings: Settings) -> Check:
    program = settings.verify_command[0]
    found = shutil.which((settings.root / program).absolute() if "/" in program else program)
    if found:
        return Check(name="verification", state=State.OK, said=f"by {program}")
    return Check(
        name="verification",
        state=State.FAILURE,
        said=f"verify_command: {program} is not installed",
        remedy="install it and put it in PATH",
        exit_status=ConfigurationError.exit_status,
    )


def _credentials(settings: Settings, engine: Engine) -> Iterator[Check]:
    host = settings.repository.domain
    login = engine.logins.find(host, settings.credential_helper_timeout_s)
    said = f"a login for {host}" if login else f"none for {host}, which is asked without"
    yield Check(name="credentials", state=State.OK, said=said)


def _registry(settings: Settings, engine: Engine, *, engine_works: bool) -> Iterator[Check]:

    where, access = replace(settings.repository, tag="doctor"), access_of(settings, engine)
    access = access if engine_works else replace(access, insecure=dict)
    digest_of(where, access)
    yield Check(name="registry", state=State.OK, said=f"{settings.repository}: answers, and may be read")
    if not settings.push:
        yield Check(name="push", state=State.OK, said="off, so not tried")
        return
    try:
        check_push(where, access)
    except RegistryError as error:
        yield failed("push", error)
    else:
        yield Check(name="push", state=State.OK, said=f"{settings.repository}: may be written")


def _environment(name: str, environment: Environment, settings: Settings, engine: Engine) -> Iterator[Check]:
    settings.stack(environment)
    settings.files.whole(environment)
    settings.preflight_run(environment)
    environment_options.check(environment, TaskOptions(), settings.root, here=False)
    if not environment.cache_enabled:
        yield Check(name=name, state=State.OK, said=f"nothing is baked: {environment.why_nothing_is_baked}")
        return
    heard: list[str] = []
    key = key_of(environment, Context(settings=settings, engine=engine, reporter=Reporter(heard.append)))
    if heard:
        yield Check(
            name=name,
            state=State.WARNING,
            said=heard[0].removeprefix("[desktop-cache] WARNING: "),
            remedy=f"check: docker pull {environment.base_image}",
        )
    else:
        yield Check(name=name, state=State.OK, said=str(key))


def _disk(engine: Engine, *, engine_works: bool) -> Iterator[Check]:
    cache = cache_place()
    folder = cache.folder
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
        state = State.WARNING if cache.why else State.OK
        yield Check(name="cache folder", state=state, said=cache.why or str(folder), remedy=cache.remedy)
    except OSError as error:
        yield Check(
            name="cache folder",
            state=State.FAILURE,
            said=f"{folder} cannot be written: {error.strerror}",
            remedy="make it writable, or set XDG_CACHE_HOME",
            exit_status=1,
        )
    places = {"disk of the cache folder": folder}
    if engine_works and not engine.is_remote():
        root = engine.ask("GET", "/info").content.get("DockerRootDir")
        if root and Path(root).is_absolute():
            places["disk of the engine"] = Path(root)
    for name, place in places.items():
        existing = next(p for p in (place, *place.parents) if p.exists())
        free = shutil.disk_usage(existing).free
        yield space(name, free)


def space(name: str, free_bytes: int) -> Check:
    """Whether this much free space is enough for a build, which takes the image, its layers and its cache."""

    said = f"{size(free_bytes)} free"
    remedy = "make room: desktop-bake prune; docker system df tells what takes it"
    if free_bytes < LEAST_FREE_BYTES:
        return Check(name=name, state=State.FAILURE, said=said, remedy=remedy, exit_status=1)
    state = State.WARNING if free_bytes < LITTLE_FREE_BYTES else State.OK
    return Check(name=name, state=state, said=said, remedy=remedy if state is State.WARNING else "")
