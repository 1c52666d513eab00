"""A rendered folder over time: which files are ours, according to the list of the last render, and which are not."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ...generator.bakefile import CHECK_CONTEXT, CONTEXTS, PICTURES, RUN
from ...generator.errors import ConfigurationError
from ...generator.layer_key import parts_of_text, stack_key
from ...generator.recipe import DOCKERFILE, INSTALL, SETUP, ContextFile, Recipe
from ...generator.reference import Digest
from ...generator.stack import PREFLIGHT, Preflight, Stack
from ...generator.variables import CACHE_FOLDER
from ..system.files import read_regular_file
from .render import MISSING, write_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ...generator.environment import Environment
    from ..system.reporter import Log
    from .render import RenderedFiles


BAKE_FILE = "docker-bake.hcl"
LIST = "desktop-bake.sha256"  # in the form of sha256sum, which checks it too
# What Bake reads in its folder if nobody names a file (docker/buildx, bake.go, `defaultFilenames`).
ALSO_READ = (
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
    "docker-bake.json",
    "docker-bake.override.json",
    "docker-bake.override.hcl",
)
# The lines that Git needs; in a folder where others have files, they may be among further lines.
_FOR_GIT = {
    ".gitattributes": ("* -text",),
    ".gitignore": (f"/{PICTURES}/", f"/{CACHE_FOLDER}/", f"/{RUN}/.env"),  # the last may contain a secret
}
_HEADER = b"// Rendered by desktop-bake "
_ENTRY = re.compile(r"([0-9a-f]{64})  (.+)")
_NO_DIGEST = Digest("sha256:" + "0" * 64)


@dataclass(frozen=True, kw_only=True)
class LeftOver:
    """Files in a rendered folder besides those that are rendered now.

    Attributes:
        ours: files that an earlier render wrote, known for certain.
        unknown: other files in our build contexts.
    """

    ours: tuple[Path, ...]
    unknown: tuple[Path, ...]


def whole_folder(files: RenderedFiles) -> RenderedFiles:
    """The rendered files with their list, and with those for Git, which others may have written."""
    for_git = {name: ("".join(f"{line}\n" for line in lines).encode(), False) for name, lines in _FOR_GIT.items()}
    lines = (f"{Digest.of(content).hex}  {name}\n" for name, (content, _) in sorted(files.items()))
    return {**files, **for_git, LIST: ("".join(lines).encode(), False)}


def kept_by_others(folder: Path, files: RenderedFiles) -> dict[str, tuple[str, ...]]:
    """The files for Git that somebody else wrote here, which stay, and the lines that each of them lacks."""
    kept = {}
    for name, lines in _FOR_GIT.items():
        have = _read(folder / name)
        if have is not None and have != files[name][0]:
            text = have.decode(errors="replace").splitlines()
            kept[name] = tuple(line for line in lines if line not in text)
    return kept


def left_over(folder: Path, files: RenderedFiles, environments: Sequence[Environment]) -> LeftOver:
    """The files that earlier renders left, and unknown files, each in a fixed order.

    Args:
        folder: the rendered folder.
        files: what is rendered now.
        environments: their arguments may prove that a context is ours, if an older version left no list.
    """
    known = listed(folder)
    ours: list[Path] = []
    unknown: list[Path] = []
    for path, digest in ((folder / name, digest) for name, digest in known.items() if name not in files):
        content = _read(path)
        if content is not None and Digest.of(content).hex == digest:
            ours.append(path)
        elif path.exists() or path.is_symlink():
            unknown.append(path)
    rendered = {*files, *known}
    contexts = {name.split("/")[1] for name in rendered if name.startswith(f"{CONTEXTS}/")}
    for top in sorted((folder / CONTEXTS).glob("*")):
        found = [p for p in _below(top) if p.relative_to(folder).as_posix() not in rendered]
        if found and (top.name in contexts or _is_key(top.name)):
            proven = not known and not top.is_symlink() and _is_key(top.name) and _proves(top, environments)
            (ours if proven else unknown).extend(found)
    return LeftOver(ours=tuple(sorted(ours)), unknown=tuple(sorted(unknown)))


def also_read(folder: Path) -> list[Path]:
    """The files beside ours that Bake reads as well, unless `-f` names one."""
    return [folder / name for name in ALSO_READ if (folder / name).is_file()]


def write_folder(folder: Path, files: RenderedFiles, environments: Sequence[Environment], log: Log) -> None:
    """Write a rendered folder, and remove from it what an earlier render wrote and nothing else.

    Args:
        folder: where.
        files: from `whole_folder`.
        environments: as `left_over`.
        log: gets a line for each file that stays although it is not rendered.

    Raises:
        ConfigurationError: somebody else's file has the path of one of ours, or the folder cannot be written; or as
            `write_files`.
    """
    _check_places(folder, files)
    kept, left = kept_by_others(folder, files), left_over(folder, files, environments)
    try:
        write_files(folder, {name: file for name, file in files.items() if name not in {*kept, LIST}})
        _remove(left.ours, folder)
        write_files(folder, {LIST: files[LIST]})  # last: a render that is killed before this leaves the former list
    except OSError as error:
        raise ConfigurationError(
            f"cannot write {error.filename or folder}: {error.strerror}",
            "make it writable and room there, or name another folder: -o DIR",
        ) from error
    for path in left.unknown:
        log(f"[desktop-cache] WARNING: {path} stays: it is not known to be rendered; remove it by hand")
    for name, lines in kept.items():
        if lines:
            log(f"[desktop-cache] WARNING: {folder / name} stays as it is: add to it {' and '.join(map(repr, lines))}")
    for path in also_read(folder):
        log(f"[desktop-cache] WARNING: Bake reads {path} as well: always name our file, -f {BAKE_FILE}")


def _remove(files: Iterable[Path], folder: Path) -> None:
    """Remove files, and the folders that are empty then."""
    for path in files:
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # others may have files there
            for parent in (path.parent, *path.parent.parents):
                if parent == folder:
                    break
                parent.rmdir()


def _check_places(folder: Path, files: RenderedFiles) -> None:
    """Check that nobody else's file is replaced."""
    known = listed(folder)
    before = (_read(folder / BAKE_FILE) or b"").startswith(_HEADER)
    for name, (content, _) in files.items():
        have = _read(folder / name)
        ours = name in {*known, *_FOR_GIT, LIST} or before
        if have is not None and have != content and not ours:
            raise ConfigurationError(
                f"{folder / name} is not ours, and would be replaced", "render into a folder of its own: -o DIR"
            )


def listed(folder: Path) -> dict[str, str]:
    """The digest of each file that the last render wrote, by path; paths that cannot be ours are ignored."""
    text = (_read(folder / LIST) or b"").decode(errors="replace")
    entries = {m[2]: m[1] for line in text.splitlines() if (m := _ENTRY.fullmatch(line))}
    return {name: digest for name, digest in entries.items() if _is_below(folder, name)}


def _is_below(folder: Path, name: str) -> bool:
    """Whether a path is below a rendered folder, and leads through no symbolic link."""
    pure = PurePosixPath(name)
    if name not in (BAKE_FILE, MISSING) and pure.parts[0] not in (CONTEXTS, CHECK_CONTEXT, RUN):
        return False
    links = (folder / parent for parent in pure.parents)
    return ".." not in pure.parts and not any(link.is_symlink() for link in links if link != folder)


def _read(path: Path) -> bytes | None:
    """The bytes of a regular file; None for anything else."""
    if path.is_symlink():
        return None
    try:
        return read_regular_file(path)
    except (OSError, ValueError):
        return None


def _below(top: Path) -> Iterator[Path]:
    for path in [top] if top.is_symlink() or not top.is_dir() else top.rglob("*"):
        if path.is_symlink() or not path.is_dir():
            yield path


def _is_key(name: str) -> bool:
    try:
        parts_of_text(name)
    except ConfigurationError:
        return False
    return True


def _proves(top: Path, environments: Sequence[Environment]) -> bool:
    """Whether a build context contains exactly what the key in its name was computed from."""
    content = {path.name: _read(path) or b"" for path in top.iterdir()}
    plain = [replace(e, build_args={}, platforms=(), build_secrets=()) for e in environments]
    try:
        stack, named = _stack_of(content), parts_of_text(top.name)
        found = [parts_of_text(str(stack_key(e, stack, _NO_DIGEST))) for e in (*environments, *plain)]
    except (ConfigurationError, KeyError):
        return False
    known = {"install", "setup", "dockerfile", "preflight"}  # not what it lies on
    return any({part: named.get(part) for part in known & parts.keys()}.items() <= parts.items() for parts in found)


def _stack_of(content: dict[str, bytes]) -> Stack:
    if content.keys() == {DOCKERFILE, PREFLIGHT}:
        return Stack(preflight=Preflight(dockerfile=content[DOCKERFILE], script=content[PREFLIGHT]))
    dockerfile, install, setup = (content.pop(name) for name in (DOCKERFILE, INSTALL, SETUP))
    files = {name: ContextFile(content=text) for name, text in content.items()}
    return Stack(desktop=Recipe(dockerfile=dockerfile, install=install, setup=setup, files=files))
