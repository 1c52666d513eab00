"""What differs between a rendered folder and what would be rendered now."""

from __future__ import annotations

import shlex
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from ..system.diff import diff_of, without_controls
from .rendered_folder import LIST, kept_by_others

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .render import RenderedFiles
    from .rendered_folder import LeftOver


def again(typed: Sequence[str], output: Path | None) -> str:
    """The command that renders what a check compared: what was typed, but for `--check`.

    Args:
        typed: the words after the program's name, which the parser took.
        output: the folder, if they name one.
    """
    end = typed.index("--") if "--" in typed else len(typed)
    flags = [word for word in typed[:end] if not (word.startswith("--ch") and "--check".startswith(word))]
    return shlex.join(["desktop-bake", *flags, *([] if output else ["-o", "."]), *typed[end:]])


def differences(folder: Path, files: RenderedFiles, left: LeftOver) -> list[str]:
    """One line a file that is missing, stale or extra, a unified diff below it where there is one to show.

    A missing file of a build context is compared with the nearest extra one of its name: a changed input changes
    the key, the key is the context's folder, and what the reader wants to see is the input.

    Args:
        folder: the rendered folder.
        files: what would be rendered: content and executable bit by relative path.
        left: what else lies there.
    """
    lines, extra = [], [*left.ours, *left.unknown]
    shown, kept = set(), kept_by_others(folder, files)
    for name, (content, executable) in files.items():
        if name in kept:
            continue
        path = folder / name
        have = _read(folder, path)
        if have is None:
            lines.append(f"missing: {without_controls(str(path))}")
            before = _nearest(folder, name, extra)
            have = content if before is None else _read(folder, before)
        else:
            before = path
            reasons = ["content"] if have != content else []
            if bool(path.stat().st_mode & 0o100) != executable:
                reasons.append(f"must {'' if executable else 'not '}be executable")
            if reasons:
                lines.append(f"stale: {without_controls(str(path))}: {', '.join(reasons)}")
        told = name == LIST or (have, content) in shown
        if before is not None and have is not None and have != content and not told:
            shown.add((have, content))  # many environments share a script: its change is told once
            lines += diff_of(have, content, str(before), f"{path} (rendered now)")
    return lines + [f"extra: {without_controls(str(path))}: belongs to no target any more" for path in left.ours]


def _read(folder: Path, path: Path) -> bytes | None:
    """What a file of the folder holds; None if there is none, or it lies elsewhere: it is not for a log to show."""
    if path.is_symlink() or not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}", "make it readable, or render anew") from error


def _nearest(folder: Path, name: str, extra: list[Path]) -> Path | None:
    """The extra file at the same place in its build context whose key shares the most parts with this one's."""
    parts = PurePosixPath(name).parts
    if len(parts) < 3:  # the bake file
        return None
    _, key, *inner = parts

    def shared(other: Path) -> int:
        its_key = other.relative_to(folder).parts[1]
        return sum(mine == its for mine, its in zip(key.split("-"), its_key.split("-"), strict=False))

    same = [path for path in extra if list(path.relative_to(folder).parts[2:]) == inner]
    return max(same, key=shared, default=None)
