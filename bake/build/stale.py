"""Why a rendered folder is not what would be rendered now: the cause, the changes in its files, and which files."""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...generator.bakefile import CONTEXTS
from ...generator.causes import Cause, causes
from ...generator.errors import ConfigurationError, DesktopBakeError
from ...generator.read_bakefile import read_bake_file
from ...generator.reference import Digest, ImageReference
from ..config.lock_names import BASE
from ..images.locked import locked
from ..registry.client import look_up, time_of
from ..system.diff import diff_of, without_controls
from ..system.text import age
from .rendered_folder import BAKE_FILE, LIST, kept_by_others, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ...generator.bakefile import BakeTarget
    from ..context import Context
    from .render import RenderedFiles
    from .rendered_folder import LeftOver


@dataclass(frozen=True, kw_only=True)
class StaleFile:
    """A file of the folder that differs from what would be rendered.

    Attributes:
        path: the file.
        state: `missing`, `stale` or `extra`.
        detail: what is stale about it; empty if it is missing.
    """

    path: Path
    state: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.state}: {without_controls(str(self.path))}" + (f": {self.detail}" if self.detail else "")


@dataclass(frozen=True, kw_only=True)
class Staleness:
    """What is wrong with a folder; nothing if it is fresh.

    Attributes:
        causes: what changed, in words.
        diffs: the lines of a unified diff, by the file's path.
        files: each file that differs from what would be rendered.
    """

    causes: tuple[Cause, ...]
    diffs: Mapping[Path, Sequence[str]]
    files: tuple[StaleFile, ...]

    def lines(self) -> list[str]:
        """All of it for people: first the causes, then the changes of inputs, then the files."""
        told = [without_controls(str(cause)) for cause in self.causes]
        shown = [line for lines in self.diffs.values() for line in lines]
        parts = [part for part in (told, shown, [str(file) for file in self.files]) if part]
        return [line for number, part in enumerate(parts) for line in ([""] if number else []) + part]

    def as_json(self) -> dict[str, object]:
        """The same as values."""
        return {
            "causes": [
                {
                    "what": cause.what,
                    "said": str(cause),
                    "environments": list(cause.environments),
                    "from": cause.before,
                    "to": cause.after,
                }
                for cause in self.causes
            ],
            "diffs": [{"path": str(path), "diff": "\n".join(lines)} for path, lines in self.diffs.items()],
            "files": [
                {"path": str(file.path), "state": file.state, "detail": file.detail or None} for file in self.files
            ],
        }


def again(typed: Sequence[str], output: Path | None) -> str:
    """The command that renders what a check compared: what was typed, without `--check` and `--json`.

    Args:
        typed: the words after the program's name, which the parser accepted.
        output: the folder, if they name one.
    """
    end = typed.index("--") if "--" in typed else len(typed)
    flags = [word for word in typed[:end] if not _means(word, "--check", "--ch") and not _means(word, "--json", "--js")]
    return shlex.join(["desktop-bake", *flags, *([] if output else ["-o", "."]), *typed[end:]])


def _means(word: str, flag: str, shortest: str) -> bool:
    """Whether a word is this flag, which may be abbreviated."""
    return word.startswith(shortest) and flag.startswith(word)


def staleness(folder: Path, files: RenderedFiles, left: LeftOver, targets: Sequence[BakeTarget]) -> Staleness:
    """How a rendered folder differs from what would be rendered now, and why.

    Args:
        folder: the rendered folder.
        files: what would be rendered: content and executable bit by relative path.
        left: what else is in the folder.
        targets: the targets that it would be rendered from.
    """
    kept = kept_by_others(folder, files)
    compared = {name: (file, _read(folder, folder / name)) for name, file in files.items() if name not in kept}
    found = [file for name, (wanted, have) in compared.items() for file in _state(folder / name, wanted, have)]
    found += [StaleFile(path=p, state="extra", detail="belongs to no target any more") for p in left.ours]
    changed = {name: (have, file[0]) for name, (file, have) in compared.items() if have not in (None, file[0])}
    why = tuple(_causes(folder, files, compared, targets)) if found else ()
    whole = not why or any(cause.what in ("edited", "version") for cause in why)  # nothing else explains the difference
    diffs: dict[Path, list[str]] = {}
    shown: set[tuple[bytes | None, bytes]] = set()  # environments share scripts: a change is shown once
    for name, (have, content) in changed.items():
        path = folder / name
        told = name == LIST or (have, content) in shown or not (whole or name.startswith(f"{CONTEXTS}/"))
        if have is not None and not told:
            shown.add((have, content))
            diffs[path] = diff_of(have, content, str(path), f"{path} (rendered now)")
    return Staleness(causes=why, diffs=diffs, files=tuple(found))


def _state(path: Path, wanted: tuple[bytes, bool], have: bytes | None) -> Iterator[StaleFile]:
    """What is wrong with one file, if anything is."""
    content, executable = wanted
    if have is None:
        yield StaleFile(path=path, state="missing")
        return
    reasons = ["content"] if have != content else []
    if _is_executable(path) != executable:
        reasons.append(f"must {'' if executable else 'not '}be executable")
    if reasons:
        yield StaleFile(path=path, state="stale", detail=", ".join(reasons))


def _is_executable(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o100)


def _causes(
    folder: Path,
    files: RenderedFiles,
    compared: Mapping[str, tuple[tuple[bytes, bool], bytes | None]],
    targets: Sequence[BakeTarget],
) -> Iterator[Cause]:
    """The causes: what people edited, what changed in the inputs, or else the version that rendered it."""
    there, written = compared[BAKE_FILE][1], listed(folder)
    if there is None:
        yield Cause(what="version", said=f"no {BAKE_FILE} was rendered there")
        return
    stale = {name: have for name, ((content, _), have) in compared.items() if have is not None and have != content}
    edited = [name for name, have in stale.items() if written.get(name, Digest.of(have).hex) != Digest.of(have).hex]
    for name in edited:
        yield Cause(what="edited", said=f"{name} was edited after it was rendered")
    for name, ((content, executable), have) in compared.items():
        if have is None and written.get(name) == Digest.of(content).hex:
            yield Cause(what="edited", said=f"{name} was removed after it was rendered")
        elif have is not None and _is_executable(folder / name) != executable:
            yield Cause(what="edited", said=f"{name} has another mode than it was rendered with")
    before, now = read_bake_file(there.decode(errors="replace")), read_bake_file(files[BAKE_FILE][0].decode())
    found = causes(before, now, targets) if before.is_ours or BAKE_FILE not in edited else ()
    yield from found
    theirs = [name for name in stale if name not in edited and not name.startswith(f"{CONTEXTS}/") and name != LIST]
    if not found and theirs:
        yield Cause(what="version", said="it was rendered by another version of desktop-bake")


def _read(folder: Path, path: Path) -> bytes | None:
    """The content of a file of the folder; None if there is none or it is elsewhere, where no log may show it."""
    if path.is_symlink() or not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {path}: {error.strerror}", "make it readable, or render again"
        ) from error


def with_age(cause: Cause, targets: Sequence[BakeTarget], context: Context) -> Cause:
    """A cause that a base moved, with the age of the present base, if the lock or its registry knows it.

    Args:
        cause: any.
        targets: what would be rendered.
        context: its pull policy says whether the registry may be asked.
    """
    moved = next((t for t in targets if str(t.key.base) == cause.after), None) if cause.what == "base" else None
    if moved is None or context.settings.pull == "never":
        return cause
    reference = ImageReference.parse(moved.base_name)
    entry = locked(reference, BASE, context.settings)
    if entry or context.settings.frozen:  # the lock is what moved, and nobody has to be asked
        return replace(cause, said=f"{cause.said}, locked {entry.locked}") if entry and entry.locked else cause
    reference = replace(reference, digest=moved.key.base)
    try:
        found = look_up(reference, context.engine.platform(), context.access())
    except DesktopBakeError:
        return cause
    made_s = time_of(found.created) if found else 0
    return replace(cause, said=f"{cause.said}, made {age(time.time() - made_s)} ago") if made_s else cause
