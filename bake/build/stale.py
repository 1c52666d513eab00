"""What differs between a rendered folder and what would be rendered now: `render --check`."""

from __future__ import annotations

import difflib
import shlex
import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bake.cli import coloured
from bake.rendered_folder import LIST, also_read, kept_by_others, left_over
from generator.errors import ConfigurationError, DesktopBakeError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from bake.render import RenderedFiles
    from bake.rendered_folder import LeftOver
    from generator.environment import Environment

_COLOURS = {"-": "\033[31m", "+": "\033[32m", "@": "\033[36m"}
_PLAIN = "\033[0m"


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
    lines = [f"extra: {_printable(str(path))}: not known to be rendered" for path in left.unknown]
    lines += [f"extra: {_printable(str(path))}: Bake reads it as well" for path in also_read(folder)]
    for name, lacking in kept_by_others(folder, files).items():
        lines += [f"stale: {_printable(str(folder / name))}: lacks the line {line!r}" for line in lacking]
    return lines


def again(typed: Sequence[str], output: Path | None) -> str:
    """The command that renders what a check compared: what was typed, but for `--check`.

    Args:
        typed: the words after the program's name, which the parser took.
        output: the folder, if they name one.
    """
    end = typed.index("--") if "--" in typed else len(typed)
    flags = [word for word in typed[:end] if not (word.startswith("--ch") and "--check".startswith(word))]
    return shlex.join(["desktop-bake", *flags, *([] if output else ["-o", "."]), *typed[end:]])


def print_diff(lines: Iterable[str], indent: str = "") -> None:
    """Print a diff, coloured where standard output may carry colours."""
    colours = _COLOURS if coloured(sys.stdout) else {}
    for line in lines:
        colour = colours.get(line[:1], "")
        print(f"{indent}{colour}{line}{_PLAIN}" if colour else f"{indent}{line}")


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
            lines.append(f"missing: {_printable(str(path))}")
            before = _nearest(folder, name, extra)
            have = content if before is None else _read(folder, before)
        else:
            before = path
            reasons = ["content"] if have != content else []
            if bool(path.stat().st_mode & 0o100) != executable:
                reasons.append(f"must {'' if executable else 'not '}be executable")
            if reasons:
                lines.append(f"stale: {_printable(str(path))}: {', '.join(reasons)}")
        told = name == LIST or (have, content) in shown
        if before is not None and have is not None and have != content and not told:
            shown.add((have, content))  # many environments share a script: its change is told once
            lines += diff_of(have, content, str(before), f"{path} (rendered now)")
    return lines + [f"extra: {_printable(str(path))}: belongs to no target any more" for path in left.ours]


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


def diff_of(before: bytes, after: bytes, before_name: str, after_name: str) -> list[str]:
    """The lines of a unified diff, nothing in them that a terminal would obey."""
    try:
        old, new = _lines(before), _lines(after)
    except UnicodeDecodeError:
        return ["binary: no lines to compare"]
    return list(difflib.unified_diff(old, new, _printable(before_name), _printable(after_name), lineterm=""))


def _lines(content: bytes) -> list[str]:
    """The lines of a text, nothing in them that a terminal would obey.

    Raises:
        UnicodeDecodeError: it is no text.
    """
    if b"\0" in content:
        raise UnicodeDecodeError("utf-8", content, 0, 1, "NUL")
    lines = content.decode().split("\n")
    end = lines.pop()
    return [_printable(line) for line in lines] + ([f"{_printable(end)}\n\\ No newline at end of file"] if end else [])


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\t" else repr(c)[1:-1] for c in text)
