"""A rendered folder: the bake file and the build contexts beside it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ...generator.bake_options import BakeOptions
from ...generator.bakefile import CHECK_CONTEXT, COMPOSE_FILE, RUN, BakeTarget, bake_targets, check_targets
from ...generator.errors import ConfigurationError
from ..config.shipped import gate_text, shipped
from ..images.order import stack_and_key
from ..system.files import new_file
from ..system.lazy import lazy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ...generator.environment import Environment
    from ..config.settings import Settings
    from ..context import Context

    RenderedFiles = Mapping[str, tuple[bytes, bool]]
    from ...generator import compose_file, template
else:
    compose_file = lazy("...generator.compose_file", __package__)
    template = lazy("...generator.template", __package__)


MISSING = "missing.sh"
_CHECK_FILES = {
    "Dockerfile": "check.Dockerfile",
    "desktop_check.sh": "desktop_check.sh",
    "desktop_run.sh": "desktop_run.sh",
}
_GATE = "desktop_gate.py"


def bake_options(settings: Settings) -> BakeOptions:
    """What every target of these settings shares."""
    platforms = {env_id: settings.platform_of(e) for env_id, e in settings.environments.items()}
    return BakeOptions(
        repository=settings.repository,
        cache_backend=settings.cache,
        attest=settings.attest,
        compression=settings.compression,
        environments=tuple(settings.environments),
        alias_tags=settings.alias_tags,
        image_labels=settings.image_labels,
        annotations=settings.annotations,
        task_platforms={env_id: platform for env_id, platform in platforms.items() if platform},
    )


def targets_of(environments: list[Environment], context: Context) -> tuple[BakeTarget, ...]:
    """The bake targets of these environments, one per distinct key."""
    looking = context.looking()
    wanted = [(environment, *stack_and_key(environment, looking)) for environment in environments]
    return bake_targets(wanted, bake_options(context.settings))


def rendered_files(targets: tuple[BakeTarget, ...], options: BakeOptions, folder: str = "") -> RenderedFiles:
    """Every file of a rendered folder: content and executable bit by relative path.

    Args:
        targets, options, folder: as `render_bake_file`.
    """
    text = shipped("docker-bake.hcl.j2").read_text(encoding="utf-8")
    files = {"docker-bake.hcl": (template.render_bake_file(text, targets, options, folder).encode(), False)}
    for target in targets:
        for path, file in target.recipe.context():
            files[f"{target.context}/{path}"] = (file.content, file.executable)
    if check_targets(targets):
        for path, name in _CHECK_FILES.items():
            files[f"{CHECK_CONTEXT}/{path}"] = (shipped(f"recipe/{name}").read_bytes(), False)
        files[f"{CHECK_CONTEXT}/{_GATE}"] = (gate_text().encode(), False)
    files[MISSING] = (shipped(f"recipe/{MISSING}").read_bytes(), True)
    return {**files, **_run_files(targets, options, folder)}


def _run_files(targets: tuple[BakeTarget, ...], options: BakeOptions, folder: str) -> RenderedFiles:
    """The files that start the desktops of published images without us; empty if there is nothing to start."""
    form = shipped("recipe/compose.yaml.j2").read_text(encoding="utf-8")
    start = "desktop_run.sh"
    programs = {start: shipped(f"recipe/{start}").read_text(encoding="utf-8"), _GATE: gate_text()}
    text = compose_file.render_compose_file(form, targets, options, programs, folder)
    if not text:
        return {}
    files = {COMPOSE_FILE: text, **{f"{RUN}/{name}": program for name, program in programs.items()}}
    return {name: (content.encode(), False) for name, content in files.items()}


def seen_from(root: Path, folder: Path | None) -> str:
    """The rendered folder's path from its repository's root, where Bake may be called, too; empty if there is none.

    Args:
        root: the configuration's folder, which counts as the root if the rendered folder is in no Git repository.
        folder: the rendered folder; None for none.
    """
    if folder is None:
        return ""
    place = folder.resolve()
    top = next((parent for parent in (place, *place.parents) if (parent / ".git").exists()), root.resolve())
    name = place.relative_to(top).as_posix() if place.is_relative_to(top) else "."
    return name if name != "." and name.isprintable() else ""


def namesakes(root: Path, folder: Path) -> str:
    """A warning if the repository's root is called as the rendered folder in it; empty if not.

    The bake file knows only the name of the folder that it is called from, and takes the one for the other.

    Args:
        root, folder: as `seen_from`.
    """
    seen = seen_from(root, folder)
    top = folder.resolve().parents[seen.count("/")] if seen else root
    name = seen.rpartition("/")[2]
    if top.name != name:
        return ""
    return (
        f"{top} is called {name} as well, so Bake takes it for the rendered folder: "
        f"set DESKTOP_BAKE_FOLDER={seen} if you call Bake there, or render into another folder"
    )


def write_files(folder: Path, files: RenderedFiles) -> None:
    """Write a rendered folder, each file replaced whole; nothing outside the folder is ever written.

    Raises:
        ConfigurationError: a symbolic link in the folder leads out of it.
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    root = folder.resolve()
    for name, (content, executable) in files.items():
        path = root / name
        if not path.parent.resolve().is_relative_to(root):
            raise ConfigurationError(f"{name} leads out of {folder}", "remove that symbolic link")
        for parent in reversed(path.relative_to(root).parents):
            (root / parent).mkdir(exist_ok=True)
            if parent.name:  # whatever the umask: a step may run as another user, who reads them with these modes
                (root / parent).chmod(0o755)
        with new_file(path) as file:
            file.write(content)
            os.fchmod(file.fileno(), 0o755 if executable else 0o644)
