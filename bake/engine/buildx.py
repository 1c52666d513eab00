"""buildx: whether it is installed, and what its builders can do."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...generator.errors import EngineError
from ..system.text import last_line
from .docker_config import config_folder

if TYPE_CHECKING:
    from ...generator.errors import BuildFailedError
    from .engine import Engine


OLDEST_BUILDX = (0, 13)


@dataclass(frozen=True, kw_only=True)
class Builder:
    """A buildx builder.

    Attributes:
        driver: `docker`, `docker-container`, `kubernetes` or `remote`.
        exports_cache: whether it can export a cache; the `docker` driver with the classic image store cannot.
    """

    driver: str
    exports_cache: bool


def builder(engine: Engine, name: str | None) -> Builder:
    """The buildx builder of this name, or the current one.

    If nobody chose a builder, it is the engine's own; asking the engine about it is a tenth of a second faster.

    Raises:
        EngineError: buildx is missing or too old, or there is no such builder.
    """
    if not name and not _chosen():
        return Builder(driver="docker", exports_cache=engine.has_containerd_store())
    done = engine.docker("buildx", "inspect", *([name] if name else []))
    shown = done.stdout.decode(errors="replace")
    driver = re.search(r"^Driver:\s*(\S+)", shown, re.MULTILINE)
    if done.returncode or not driver:
        require_buildx(engine)
        said = last_line(done.stderr.decode(errors="replace")).removeprefix("ERROR: ")
        raise EngineError(f"builder {name or 'default'}: {said}", "see: docker buildx ls")
    if driver[1] != "docker":
        return Builder(driver=driver[1], exports_cache=True)
    return Builder(driver="docker", exports_cache="org.mobyproject.buildkit.worker.containerd." in shown)


def _chosen() -> bool:
    """Whether a builder was chosen: by `BUILDX_BUILDER`, or by `docker buildx use`, which saves it in a file.

    Every build with buildx writes `current`, with an empty name if nobody chose.
    """
    if os.environ.get("BUILDX_BUILDER"):
        return True
    folder = Path(os.environ.get("BUILDX_CONFIG") or config_folder() / "buildx")
    try:
        if any((folder / "defaults").glob("*")):
            return True
        return bool(json.loads((folder / "current").read_bytes())["Name"] != "")
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError):  # the client reports what is wrong with it
        return True


def require_answer(engine: Engine, error: BuildFailedError) -> None:
    """Check that a build did not fail because the engine ended.

    Raises:
        EngineError: the engine does not answer.
    """
    if not engine.answers():
        raise EngineError(f"the Docker Engine ended during the build: {error}", "start Docker") from error


def require_buildx(engine: Engine) -> None:
    """Check that the client has a buildx that reads our bake files.

    Raises:
        EngineError: buildx is missing or too old.
    """
    said = engine.docker("buildx", "version").stdout.decode(errors="replace")
    remedy = f"install the docker-buildx plugin, {'.'.join(map(str, OLDEST_BUILDX))} or newer"
    version = re.search(r"\bv?(\d+)\.(\d+)\.\d+", said)
    if not version:
        raise EngineError("buildx is missing", remedy)
    if tuple(map(int, version.groups())) < OLDEST_BUILDX:
        raise EngineError(f"buildx {version[0]} is too old", remedy)
