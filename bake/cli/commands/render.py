"""`desktop-bake render`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ....generator.errors import ConfigurationError, DesktopBakeError
from ...build.render import bake_options, namesakes, rendered_files, seen_from, targets_of
from ...build.rendered_folder import BAKE_FILE, also_read, kept_by_others, left_over, whole_folder, write_folder
from ...build.stale import again, staleness, with_age
from ...config.lock_names import BASE
from ...images.locked import fixed_digest
from ...system.diff import print_diff, without_controls
from ...system.lazy import lazy
from ..context import print_json

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from ....generator.environment import Environment
    from ...build import folder_engine
    from ...build.render import RenderedFiles
    from ...build.rendered_folder import LeftOver
    from ...build.stale import Staleness
    from ...context import Context
else:
    folder_engine = lazy("...build.folder_engine", __package__)


def render(arguments: argparse.Namespace, context: Context) -> int:
    """Write, print or check the rendered folder."""

    if arguments.json and not arguments.check:
        raise ConfigurationError("--json needs --check", "run: desktop-bake render -o DIR --check --json")
    settings = context.settings
    named = {settings.environment(env_id).env_id for env_id in arguments.env} or set(settings.environments)
    chosen = [environment for env_id, environment in settings.environments.items() if env_id in named]
    if not chosen:
        raise ConfigurationError(
            "no environment to render", "add one: desktop-bake env set --create NAME base_image=IMAGE"
        )
    folder = arguments.output or (Path() if arguments.check else None)
    if arguments.check and not (arguments.output or Path(BAKE_FILE).is_file()):
        raise ConfigurationError(f"no {BAKE_FILE} here to check", "name its folder: desktop-bake render -o DIR --check")
    context = _answered(context, chosen, folder)
    targets = targets_of(chosen, context)
    files = whole_folder(rendered_files(targets, bake_options(settings), seen_from(settings.root, folder)))
    if arguments.check:
        left = left_over(folder or Path(), files, chosen)
        found = staleness(folder or Path(), files, left, targets)
        aged = tuple(with_age(cause, targets, context) for cause in found.causes)
        return report(arguments, files, left, replace(found, causes=aged))
    if arguments.output is None:
        sys.stdout.write(files[BAKE_FILE][0].decode())
        return 0
    write_folder(arguments.output, files, chosen, context.reporter)
    if warning := namesakes(settings.root, arguments.output):
        context.reporter.warn(warning)
    for name in files:
        print(arguments.output / name)
    return 0


def _answered(context: Context, environments: Sequence[Environment], folder: Path | None) -> Context:
    """Ask the engine for digests that are not in a lock; if none answers, the registry, and then the folder."""
    known = (e.dockerfile is None and fixed_digest(e.base_image, BASE, context.settings) for e in environments)
    if all(known) or context.engine.answers():
        return context
    there = folder / BAKE_FILE if folder else None
    text = there.read_text(encoding="utf-8", errors="replace") if there and there.is_file() else ""
    pull = "always" if context.settings.pull == "missing" else context.settings.pull
    return replace(context, settings=replace(context.settings, pull=pull), engine=folder_engine.FolderEngine(text))


def report(arguments: argparse.Namespace, files: RenderedFiles, left: LeftOver, found: Staleness) -> int:
    """Print why and how the folder differs from these files, and which of its files were not rendered.

    Args:
        arguments: the arguments of `render --check`.
        files: what would be rendered.
        left: what else is in the folder.
        found: why the folder is stale, and how.

    Returns:
        0 if it does not differ.

    Raises:
        DesktopBakeError: it differs; the remedy is the command that renders it again.
        ConfigurationError: a file of the folder cannot be read.
    """
    folder = arguments.output or Path()
    others = _not_rendered(folder, files, left)
    if arguments.json:
        stale = bool(found.files or others)
        print_json({"schema": 1, "folder": str(folder), "stale": stale, **found.as_json(), "others": others})
    else:
        print_diff(found.lines() + others)
    sys.stdout.flush()  # in a log of both streams, the error and its remedy come last
    if found.files:
        raise DesktopBakeError(f"{folder} is stale", f"run: {again(arguments.typed, arguments.output)}")
    if others:
        raise DesktopBakeError(
            f"{folder} contains files that were not rendered",
            "edit or remove it yourself, or render into another folder: -o DIR",
        )
    return 0


def _not_rendered(folder: Path, files: RenderedFiles, left: LeftOver) -> list[str]:
    """One line for each file that should change but that a render would leave as it is."""
    lines = [f"extra: {without_controls(str(path))}: not known to be rendered" for path in left.unknown]
    lines += [f"extra: {without_controls(str(path))}: Bake reads it as well" for path in also_read(folder)]
    for name, lacking in kept_by_others(folder, files).items():
        lines += [f"stale: {without_controls(str(folder / name))}: lacks the line {line!r}" for line in lacking]
    return lines
