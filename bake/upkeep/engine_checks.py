"""The checks of `doctor` for the engine: its clock, its image store, buildx and the builder."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import TYPE_CHECKING

from ...generator.attest import needs_index
from ...generator.errors import BuildFailedError, EngineError
from ..engine.buildx import require_buildx
from ..registry.platforms import same_platform
from ..system.text import last_line
from .check import Check, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..config.settings import Settings
    from ..engine.engine import Engine


MOST_SKEW_S = 60.0
_CONTAINERD = 'switch it: {"features": {"containerd-snapshotter": true}} in the engine\'s daemon.json'


def engine_checks(engine: Engine) -> Iterator[Check]:
    """Whether the engine answers, and whose clock is right."""
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


def image_store_checks(settings: Settings, engine: Engine) -> Iterator[Check]:
    """Whether the engine's image store supports what the settings ask for."""
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


def buildx_checks(engine: Engine) -> Iterator[Check]:
    """Whether buildx is installed, and new enough."""
    require_buildx(engine)
    said = engine.docker("buildx", "version").stdout.decode(errors="replace")
    found = re.search(r"\bv?\d+\.\d+\.\d+\S*", said)
    yield Check(name="buildx", state=State.OK, said=found[0] if found else "unknown version")


def builder_checks(settings: Settings, engine: Engine) -> Iterator[Check]:
    """Whether there is a builder, and it has every platform."""
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
