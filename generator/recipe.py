"""The recipe: Dockerfile, the two scripts, and all other files of the build context."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from shlex import quote
from typing import TYPE_CHECKING

from .described import check_types
from .errors import ConfigurationError
from .reference import Digest
from .text_file import check_no_mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


DOCKERFILE = "Dockerfile"
INSTALL = "desktop_install.sh"
SETUP = "desktop_setup.sh"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
SWITCHES = ("DESKTOP_FONTS",)  # build arguments that the shipped install script reads, also if it runs at start
OWN_ARGUMENTS = "DESKTOP_BAKE_"  # prefix of the build arguments by which steps check what they run
# The base's digest and, with a lock, the packages date after it. Steps keep downloads apart by it, and run again if
# one of the two changes: BuildKit includes the value of an ARG in the cache key of each RUN below it.
BASE_ARGUMENT = f"{OWN_ARGUMENTS}BASE"
_FROM_BASE = re.compile(
    rb"^[^\S\n]*FROM[^\S\n]+(?:--platform=\S+[^\S\n]+)?base(?:[^\S\n]+AS[^\S\n]+\S+)?[^\S\n]*$",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, kw_only=True)
class ContextFile:
    """A further file of the build context: its bytes and whether it is executable."""

    content: bytes
    executable: bool = False

    def __post_init__(self) -> None:
        check_types(self)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that BuildKit gets besides the base image.

    Args:
        dockerfile, install, setup: the bytes of the three files.
        files: further files of the build context by relative POSIX path.
        images: the digest of each image that the Dockerfile names without one, by `generator.dockerfile.context_name`.
        packages: the day up to which packages are taken, `YYYY-MM-DD`; empty to leave it out of the key.

    Raises:
        ConfigurationError: a script is empty, begins with a byte order mark or has CRLF line ends, the Dockerfile has
            no `FROM base`, a path leaves the context, or the day has another form.
    """

    dockerfile: bytes
    install: bytes
    setup: bytes
    files: Mapping[str, ContextFile] = field(default_factory=dict)
    images: Mapping[str, Digest] = field(default_factory=dict)
    packages: str = ""

    def __post_init__(self) -> None:
        check_types(self)
        if self.packages and not _DAY.fullmatch(self.packages):
            raise ConfigurationError(
                f"malformed packages date {self.packages[:40]!r}", "write a day, such as 2026-11-27"
            )
        named = {DOCKERFILE: self.dockerfile, INSTALL: self.install, SETUP: self.setup}
        for name, content in named.items():
            check_script(name, content, "write it, or drop the override to use the shipped one")
        if not _FROM_BASE.search(self.dockerfile):
            raise ConfigurationError(
                "the Dockerfile has no 'FROM base'",
                "start its last stage with 'FROM base'; the bake file supplies 'base', pinned by digest",
            )
        check_files(self.files, named)

    def context(self) -> Iterator[tuple[str, ContextFile]]:
        """All files of the build context with their paths, sorted by path."""
        own = {
            DOCKERFILE: ContextFile(content=self.dockerfile),
            INSTALL: ContextFile(content=self.install),
            SETUP: ContextFile(content=self.setup),
        }
        yield from sorted({**self.files, **own}.items())

    def digests(self) -> dict[str, str]:
        """The build arguments that give a step the SHA-256 of what it runs; they derive from the content of the key."""
        return digest_arguments(DOCKERFILE=self.dockerfile, INSTALL=self.install, SETUP=self.setup)


def digest_arguments(**contents: bytes) -> dict[str, str]:
    """The digests of these contents as build arguments, `DESKTOP_BAKE_SHA256_<name>`."""
    return {f"{OWN_ARGUMENTS}SHA256_{name}": Digest.of(content).hex for name, content in contents.items()}


def check_files(files: Mapping[str, ContextFile], others: Iterable[str]) -> None:
    """Check further files of a build context.

    Args:
        files: the files by relative POSIX path.
        others: the paths that are already taken.

    Raises:
        ConfigurationError: a path leaves the context or is already taken, or a script begins with a byte order mark or
            has CRLF line ends.
    """
    taken = set(others)
    for path, file in files.items():
        pure = PurePosixPath(path)
        if (
            pure.is_absolute()
            or ".." in pure.parts
            or path in taken
            or str(pure) != path
            or path == "."
            or not path.isprintable()
        ):
            raise ConfigurationError(
                f"build context file {path!r} is outside the context or already part of the recipe",
                "use a relative path below the context",
            )
        if file.content.removeprefix(BOM_UTF8).startswith(b"#!"):
            check_script(path, file.content, "write it")


def check_script(name: str, content: bytes, remedy: str, path: str | None = None) -> None:
    """Check a file that a shell in the image, or BuildKit, must read.

    Args:
        name: the name for messages.
        content: its bytes.
        remedy: what to do if it is empty.
        path: its path, for the command that fixes it, if that differs from the name.

    Raises:
        ConfigurationError: it is empty, begins with a byte order mark or has CRLF line ends.
    """
    path = path or name
    if not content.strip():
        raise ConfigurationError(f"{name} is empty", remedy)
    check_no_mark(name, content, path)
    if b"\r\n" in content:
        raise ConfigurationError(
            f"{name} has CRLF line ends, which no shell in the image can run",
            f"convert it: sed -i 's/\\r$//' {quote(path)}",
        )
