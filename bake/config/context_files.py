"""The files and folders that a configuration names for a build context, read completely, with limits."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from ...generator.file_name import check_inside, leads_out
from ...generator.recipe import ContextFile, check_script
from ..system.files import LIMIT_BYTES, read_regular_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ...generator.file_name import File


LEFT_OUT = (".git", ".hg", ".svn", ".venv", "__pycache__", ".*_cache", ".DS_Store", "*.pyc", "*~", ".*.swp")
MOST_FILES = 4096


@dataclass(frozen=True, kw_only=True)
class ContextFiles:
    """Reads the `files` of an environment or of a layer.

    A folder means everything below it except `LEFT_OUT`, which tools keep there for themselves. A file's path in the
    context is its path below the folder of the script it is for, else below the configuration's folder. If a program
    gives a path that is in neither, it is the last part of that path.

    Args:
        root: the configuration's folder. A name that is a text must stay in it, after links are followed.
        where: the beginning of messages: the environment or the layer.
        beside: the script's folder, if the script is a file.
    """

    root: Path
    where: str
    beside: Path | None = None

    def read(self, names: Iterable[File]) -> dict[str, ContextFile]:
        """The files for these names, by their path in the context.

        Args:
            names: files and folders.

        Raises:
            ConfigurationError: a file is missing, unreadable, not a file, outside the root or for Windows; a folder has
                no file; two files have the same path; or there are too many files, or they are too large.
        """
        found: dict[str, ContextFile] = {}
        origins: dict[str, Path] = {}
        size = 0
        for name in names:
            at: File = name
            try:
                for file in self._files(name):
                    at = file
                    path = self._path_in_context(name, file)
                    if origins.setdefault(path, file) != file:
                        raise self._error(f"holds two files for {path!r}", "rename one of them")
                    found[path] = self._file(name, file)
                    size += len(found[path].content)
                    if len(found) > MOST_FILES or size > LIMIT_BYTES:
                        limit = f"{LIMIT_BYTES >> 20} MiB" if size > LIMIT_BYTES else f"{MOST_FILES} files"
                        raise self._error(
                            f"holds more than {limit}, with {str(name)!r}",
                            "list what is needed by itself, or let a script download what is large",
                        )
            except (OSError, ValueError) as error:
                why = error.strerror if isinstance(error, OSError) else error
                of = getattr(error, "filename", None) or at
                remedy = "create the file, or change its name in desktop-bake.toml"
                raise self._error(
                    f"holds {self._shown(name, Path(of))}, which cannot be read: {why}", remedy
                ) from error
        return found

    def _files(self, name: File) -> Iterator[Path]:
        """The file of a name, or all files below its folder in a fixed order."""
        check_inside(self.where, "files", name)
        start = self._path(name)
        self._check_inside(name, start)
        if not start.is_dir():
            yield start
            return
        is_empty = True
        for folder, folders, files in os.walk(start, onerror=_raise):
            folders[:] = sorted(inner for inner in folders if not _is_left_out(inner))
            for inner in folders:
                if Path(folder, inner).is_symlink():
                    shown = self._shown(name, Path(folder, inner))
                    raise self._error(f"holds {shown}, a link to a folder", "list that folder by itself")
            for inner in sorted(inner for inner in files if not _is_left_out(inner)):
                is_empty = False
                yield Path(folder, inner)
        if is_empty:
            raise self._error(f"holds the folder {str(name)!r}, which has no file", "fill it, or leave it out")

    def _file(self, name: File, file: Path) -> ContextFile:
        shown = self._shown(name, file)
        self._check_inside(name, file)
        if "\\" in str(file) or not str(file).isprintable():
            raise self._error(
                f"holds {shown}: a backslash or a character that cannot be printed", "give the file another name"
            )
        content = read_regular_file(file)
        if content.strip() and (content.startswith(b"#!") or file.suffix == ".sh"):
            check_script(f"{self.where}{shown}", content, "write it", str(file))
        return ContextFile(content=content, executable=bool(file.stat().st_mode & 0o100))

    def _path(self, name: File) -> Path:
        return Path(os.path.normpath(self.root / name))

    def _check_inside(self, name: File, file: Path) -> None:
        if isinstance(name, str) and not Path(os.path.realpath(file)).is_relative_to(os.path.realpath(self.root)):
            raise leads_out(self.where, "files", str(file.relative_to(self._path(""))))

    def _path_in_context(self, name: File, file: Path) -> str:
        folders = (*([self.beside] if self.beside else []), self._path(""), self._path(name).parent)
        return next(file.relative_to(folder) for folder in folders if file.is_relative_to(folder)).as_posix()

    def _shown(self, name: File, file: Path) -> str:
        """The name of a file as the configuration would write it."""
        root = self._path("")
        return repr(str(file.relative_to(root) if isinstance(name, str) and file.is_relative_to(root) else file))

    def _error(self, what: str, remedy: str) -> ConfigurationError:
        return ConfigurationError(f"{self.where}files {what}", remedy)


def _raise(error: OSError) -> None:
    raise error


def _is_left_out(name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in LEFT_OUT)
