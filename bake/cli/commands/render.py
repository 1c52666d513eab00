"""`desktop-bake render`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ....generator.errors import ConfigurationError, DesktopBakeError
from ...build.render import rendered_files, targets_of
from ...build.rendered_folder import BAKE_FILE, also_read, kept_by_others, left_over, whole_folder, write_folder
from ...build.stale import again, differences
from ...system.diff import print_diff, without_controls
from ..context import work_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from ....generator.environment import Environment
    from ...build.render import RenderedFiles
    from ...build.rendered_folder import LeftOver


def render(arguments: argparse.Namespace) -> int:
    """Write, print or check the rendered folder."""
    context = work_of(arguments)
    settings = context.settings
    chosen = [settings.environment(e) for e in arguments.env] or list(settings.environments.values())
    if not chosen:
        raise ConfigurationError("no environment to render", "run: desktop-bake init")
    files = whole_folder(rendered_files(targets_of(chosen, context)))
    if arguments.check:
        return report(arguments, files, chosen)
    if arguments.output is None:
        sys.stdout.write(files[BAKE_FILE][0].decode())
        return 0
    write_folder(arguments.output, files, chosen, context.reporter)
    for name in files:
        print(arguments.output / name)
    return 0


def report(arguments: argparse.Namespace, files: RenderedFiles, environments: Sequence[Environment]) -> int:
    """Print how the folder differs from these files, and what in it nobody rendered.

    Args:
        arguments: of `render --check`.
        files: what would be rendered.
        environments: for whom.

    Returns:
        0 where it does not.

    Raises:
        DesktopBakeError: it does; the remedy is the command that renders it anew.
        ConfigurationError: a file of the folder cannot be read.
    """
    folder = arguments.output or Path()
    left = left_over(folder, files, environments)
    lines, others = differences(folder, files, left), _not_rendered(folder, files, left)
    print_diff(lines + others)
    sys.stdout.flush()  # a log that takes both streams ends with the error and its remedy
    if lines:
        raise DesktopBakeError(f"{folder} is stale", f"run: {again(arguments.typed, arguments.output)}")
    if others:
        raise DesktopBakeError(
            f"{folder} holds what was not rendered", "mend or remove it by hand, or render into another folder: -o DIR"
        )
    return 0


def _not_rendered(folder: Path, files: RenderedFiles, left: LeftOver) -> list[str]:
    """One line a file that a render would leave as it is, although it should not be so."""
    lines = [f"extra: {without_controls(str(path))}: not known to be rendered" for path in left.unknown]
    lines += [f"extra: {without_controls(str(path))}: Bake reads it as well" for path in also_read(folder)]
    for name, lacking in kept_by_others(folder, files).items():
        lines += [f"stale: {without_controls(str(folder / name))}: lacks the line {line!r}" for line in lacking]
    return lines
