"""Whether a build would work here, and what to do where it would not."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...generator.attest import needs_index
from ...generator.errors import BuildFailedError, ConfigurationError, DesktopBakeError, EngineError, RegistryError
from ..config.settings import Settings
from ..engine.buildx import require_buildx
from ..images.resolve import key_of
from ..registry.client import access_of, check_push, digest_of
from ..registry.manifest import same_platform
from ..system.folders import cache_place
from ..system.text import last_line, size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...generator.environment import Environment
    from ..engine.engine import Engine

    Result = Iterator["Check"]


LEAST_FREE_BYTES = 1 << 30
LITTLE_FREE_BYTES = 5 << 30
MOST_SKEW_S = 60.0
_CONTAINERD = 'switch it: {"features": {"containerd-snapshotter": true}} in the engine\'s daemon.json'


class State(StrEnum):
    """What a check found."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing looked at.

    Attributes:
        name: what was looked at.
        state: a failure is what a build would fail at; a warning, what it would do without.
        said: what was found, in one line.
        remedy: what to do about it; empty where it is fine.
        exit_status: that of the error behind a failure.
    """

    name: str
    state: State
    said: str
    remedy: str = ""
    exit_status: int = 0

    def as_json(self) -> dict[str, str]:
        """The object within what `doctor --json` prints."""
        return {"name": self.name, "state": self.state.value, "detail": self.said, "remedy": self.remedy}


def examine(settings: Settings | DesktopBakeError, engine: Engine) -> Iterator[Check]:
    """Look at everything that a build needs.

    Args:
        settings: the configuration, or the error that reading it raised.
        engine: the engine to ask.
    """
    if isinstance(settings, DesktopBakeError):
        yield _failed("configuration", settings)
        settings = Settings()
    else:
        count = len(settings.environments)
        yield Check(name="configuration", state=State.OK, said=f"{count} environment{'s' * (count != 1)}")
    engine_works = True
    for check in _guarded("engine", lambda: _engine(engine)):
        engine_works = engine_works and check.state is not State.FAILURE
        yield check
    if engine_works:
        yield from _guarded("image store", lambda: _image_store(settings, engine))
        yield from _guarded("buildx", lambda: _buildx(engine))
        yield from _guarded("builder", lambda: _builder(settings, engine))
    if settings.verify_command:
        yield _verification(settings)
    if settings.has_registry:
        yield from _guarded("credentials", lambda: _credentials(settings, engine), settings)
        yield from _guarded("registry", lambda: _registry(settings, engine, engine_works=engine_works), settings)
    if engine_works:
        for environment in settings.environments.values():
            name = f"environment {environment.env_id}"
            yield from _guarded(name, partial(_environment, name, environment, settings, engine))
    yield from _guarded("cache folder", lambda: _disk(engine, engine_works=engine_works))


def exit_status(checks: tuple[Check, ...]) -> int:
    """What `doctor` exits with: 0 where a build would work, else the status with which it would fail."""
    return next((check.exit_status or 1 for check in checks if check.state is State.FAILURE), 0)


def _failed(name: str, error: DesktopBakeError, state: State = State.FAILURE) -> Check:
    return Check(name=name, state=state, said=str(error), remedy=error.remedy, exit_status=error.exit_status)


def _guarded(name: str, check: Callable[[], Result], settings: Settings | None = None) -> Result:
    """A part's checks; an error is a failure, but a registry's where a build goes on without it is a warning."""
    try:
        yield from check()
    except RegistryError as error:
        yield _failed(name, error, State.WARNING if settings and not settings.push else State.FAILURE)
    except DesktopBakeError as error:
        yield _failed(name, error)


def _engine(engine: Engine) -> Result:
    version = engine.ask("GET", "/version").content
    said = f"{version.get('Version')}, {version.get('Os')}/{version.get('Arch')}"
    yield Check(name="engine", state=State.OK, said=said + (", on another machine" if engine.is_remote() else ""))
    before = time.time()
    stated = str(engine.ask("GET", "/info").content.get("SystemTime", ""))
    after = time.time()
    try:
        theirs = datetime.fromisoformat(re.sub(r"\.(\d{1,6})\d*", r".\1", stated)).timestamp()
    except ValueError:
        return
    skew_s = max(before - theirs, theirs - after, 0.0)
    if skew_s > MOST_SKEW_S:
        yield Check(
            name="clock",
            state=State.WARNING,
            said=f"the engine's and this machine's differ by {skew_s:.0f} s",
            remedy="set both by NTP: timedatectl set-ntp true; certificates and logins depend on it",
        )
    else:
        yield Check(name="clock", state=State.OK, said="as the engine's")


def _image_store(settings: Settings, engine: Engine) -> Result:
    if engine.has_containerd_store():
        yield Check(name="image store", state=State.OK, said="containerd")
    elif needs_index(settings.attest):
        yield Check(
            name="image store",
            state=State.FAILURE,
            said="classic: it cannot hold attestations",
            remedy=f"{_CONTAINERD}; or build without: DESKTOP_BAKE_ATTEST=",
            exit_status=BuildFailedError.exit_status,
        )
    elif settings.cache == "none" or settings.builder:
        yield Check(name="image store", state=State.OK, said="classic")
    else:
        yield Check(
            name="image store",
            state=State.WARNING,
            said=f"classic: it cannot export the cache {settings.cache!r}, and builds go on without",
            remedy=_CONTAINERD,
        )


def _buildx(engine: Engine) -> Result:
    require_buildx(engine)
    said = engine.docker("buildx", "version").stdout.decode(errors="replace")
    found = re.search(r"\bv?\d+\.\d+\.\d+\S*", said)
    yield Check(name="buildx", state=State.OK, said=found[0] if found else "unknown version")


def _builder(settings: Settings, engine: Engine) -> Result:
    done = engine.docker("buildx", "inspect", *([settings.builder] if settings.builder else []))
    shown = done.stdout.decode(errors="replace")
    if done.returncode:
        said = last_line(done.stderr.decode(errors="replace")).removeprefix("ERROR: ")
        raise EngineError(f"builder {settings.builder or 'default'}: {said}", "see: docker buildx ls")
    fields = {name: value.strip() for name, value in re.findall(r"^(\w+):[ \t]*(\S.*)$", shown, re.MULTILINE)}
    status = fields.get("Status", "unknown")
    said = f"{fields.get('Name', 'default')}, driver {fields.get('Driver', 'unknown')}"
    if status == "running":
        yield Check(name="builder", state=State.OK, said=said)
    else:
        yield Check(
            name="builder",
            state=State.WARNING,
            said=f"{said}: {status}",
            remedy="start it: docker buildx inspect --bootstrap",
        )
        return
    platforms = fields.get("Platforms", "").replace("*", "").split(", ")
    missing = {
        platform: e.env_id
        for e in settings.environments.values()
        for platform in e.platforms
        if not any(same_platform(have, platform) for have in platforms)
    }
    for platform, env_id in sorted(missing.items()):
        yield Check(
            name="platforms",
            state=State.FAILURE,
            exit_status=EngineError.exit_status,
            said=f"environment {env_id!r} wants {platform}; the builder has {', '.join(platforms)}",
            remedy="install emulation, or name a builder that has it: docker buildx ls",
        )
    if not missing:
        yield Check(name="platforms", state=State.OK, said=", ".join(platforms))


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


def _credentials(settings: Settings, engine: Engine) -> Result:
    host = settings.repository.domain
    login = engine.logins.find(host, settings.credential_helper_timeout_s)
    said = f"a login for {host}" if login else f"none for {host}, which is asked without"
    yield Check(name="credentials", state=State.OK, said=said)


def _registry(settings: Settings, engine: Engine, *, engine_works: bool) -> Result:

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
        yield _failed("push", error)
    else:
        yield Check(name="push", state=State.OK, said=f"{settings.repository}: may be written")


def _environment(name: str, environment: Environment, settings: Settings, engine: Engine) -> Result:
    settings.stack(environment)
    settings.preflight_run(environment)
    if not environment.cache_enabled:
        why = "cache_desktop_build is off" if environment.has_image else "headless desktop is off"
        yield Check(name=name, state=State.OK, said=f"nothing is baked: {why}")
        return
    heard: list[str] = []
    key = key_of(environment, settings, engine, heard.append)
    if heard:
        yield Check(
            name=name,
            state=State.WARNING,
            said=heard[0].removeprefix("[desktop-cache] WARNING: "),
            remedy=f"check: docker pull {environment.base_image}",
        )
    else:
        yield Check(name=name, state=State.OK, said=str(key))


def _disk(engine: Engine, *, engine_works: bool) -> Result:
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
    """What so much free space means for a build, which takes the image, its layers and its cache."""

    said = f"{size(free_bytes)} free"
    remedy = "make room: desktop-bake prune; docker system df tells what takes it"
    if free_bytes < LEAST_FREE_BYTES:
        return Check(name=name, state=State.FAILURE, said=said, remedy=remedy, exit_status=1)
    state = State.WARNING if free_bytes < LITTLE_FREE_BYTES else State.OK
    return Check(name=name, state=state, said=said, remedy=remedy if state is State.WARNING else "")
