"""`desktop-bake.lock`: the digests that image names stand for and the packages date, the same for everyone.

Reading it needs no network, and its whole text is checked: it is valid, or it is refused in one line.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from ...generator.environment_values import check_platform
from ...generator.errors import ConfigurationError
from ...generator.layer_key import parts_of_text
from ...generator.reference import Digest, ImageReference
from ...generator.text_file import text_of
from ..system.files import read_regular_file
from ..system.text import did_you_mean
from .lock_names import BASE, IMAGE, KINDS, LOCK_NAME, TOOL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


NOT_UTF8 = "restore it from Git"  # the remedy for a lock that is not UTF-8
SCHEMA = 1
_TOP: dict[str, type] = {"schema": int, "packages": str, BASE: dict, TOOL: dict, IMAGE: dict}
_LOCKED: dict[str, type] = {"digest": str, "platforms": list, "locked": str}
_PUBLISHED: dict[str, type] = {"digest": str}
_FORMS = {
    int: "a number",
    str: "a text in quotes",
    list: 'a list such as ["linux/amd64"]',
    dict: "a table",
}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CONFLICT = re.compile(r"(?:<{7}|={7}|>{7}|\|{7})(?: .*)?")


@dataclass(frozen=True, kw_only=True)
class LockedImage:
    """What the name of an image stands for.

    Attributes:
        digest: the digest of the index, or of the manifest if there is no index.
        platforms: the image's platforms; empty for a tool.
        locked: the day on which the digest was locked; None if the lock does not say.
    """

    digest: Digest
    platforms: tuple[str, ...] = ()
    locked: date | None = None


@dataclass(frozen=True, kw_only=True)
class Lock:
    """A lock.

    Attributes:
        packages: the day up to which packages are used; None leaves it out of every key.
        bases: base images by `ImageReference.named`.
        tools: the images that Dockerfiles name besides their base, likewise.
        images: digests of published images by the text of their key.
    """

    packages: date | None = None
    bases: Mapping[str, LockedImage] = field(default_factory=dict)
    tools: Mapping[str, LockedImage] = field(default_factory=dict)
    images: Mapping[str, Digest] = field(default_factory=dict)

    def entries(self) -> dict[tuple[str, str], LockedImage | Digest]:
        """Every block by its kind and name, in the file's order."""
        tables: tuple[Mapping[str, LockedImage | Digest], ...] = (self.bases, self.tools, self.images)
        return {(kind, name): table[name] for kind, table in zip(KINDS, tables, strict=True) for name in sorted(table)}

    @classmethod
    def of(cls, packages: date | None, entries: Mapping[tuple[str, str], LockedImage | Digest]) -> Lock:
        """The lock with these blocks, as `entries` returns them."""
        locked = {key: entry for key, entry in entries.items() if isinstance(entry, LockedImage)}
        return cls(
            packages=packages,
            bases={name: entry for (kind, name), entry in locked.items() if kind == BASE},
            tools={name: entry for (kind, name), entry in locked.items() if kind == TOOL},
            images={name: entry for (_, name), entry in entries.items() if isinstance(entry, Digest)},
        )


def load_lock(path: Path) -> Lock | None:
    """Read a lock; None if there is no such file.

    Raises:
        ConfigurationError: it cannot be read, or see `parse_lock`.
    """
    try:
        return parse_lock(text_of(read_regular_file(path), path, NOT_UTF8), path.name)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError(f"cannot read {path}: {why}", "make it readable, or restore it from Git") from error


def parse_lock(text: str, name: str = LOCK_NAME) -> Lock:
    """Parse the text of a lock.

    Args:
        text: TOML.
        name: the file's name, for messages.

    Raises:
        ConfigurationError: conflict markers, not TOML, another schema, an unknown key, a value of a wrong type or form.
    """
    for number, line in enumerate(text.splitlines(), 1):
        if _CONFLICT.fullmatch(line):
            raise ConfigurationError(
                f"{name} has conflict markers in line {number}",
                "keep one side of each block and the later packages date, then run: desktop-bake lock --check",
            )
    try:
        table = tomllib.loads(text)
    except RecursionError as error:
        raise ConfigurationError(f"{name} is nested too deeply", "restore it from Git") from error
    except ValueError as error:
        raise ConfigurationError(f"invalid TOML in {name}: {error}", "fix that line, or restore it") from error
    schema = table.get("schema")
    if type(schema) is not int or schema != SCHEMA:
        said = "no schema" if schema is None else f"schema {repr(schema)[:40]}"
        raise ConfigurationError(
            f"{name} has {said}; this version reads schema {SCHEMA}",
            "install the version of desktop-bake that wrote it, or remove it and run: desktop-bake lock",
        )
    _check(table, _TOP, name)
    return Lock(
        packages=_day(table, "packages", name),
        bases={n: _locked(n, entry, f"{name}, {BASE} {n!r}") for n, entry in table.get(BASE, {}).items()},
        tools={n: _locked(n, entry, f"{name}, {TOOL} {n!r}") for n, entry in table.get(TOOL, {}).items()},
        images={n: _published(n, entry, f"{name}, {IMAGE} {n!r}") for n, entry in table.get(IMAGE, {}).items()},
    )


def _locked(name: str, entry: object, where: str) -> LockedImage:
    fields = _block(entry, _LOCKED, where)
    try:
        reference = ImageReference.parse(name)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}", error.remedy) from error
    if reference.digest or reference.named != name:
        raise ConfigurationError(
            f"{where}: it is no name that desktop-bake writes",
            f"write {reference.named!r}" if not reference.digest else "remove it: what has a digest needs no lock",
        )
    platforms = fields.get("platforms", ())
    for platform in platforms:
        if not isinstance(platform, str):
            raise ConfigurationError(f"{where}: platforms holds {platform!r}, which is not text", "put it in quotes")
        check_platform(platform, f"{where}: ")
    return LockedImage(digest=_digest(fields, where), platforms=tuple(platforms), locked=_day(fields, "locked", where))


def _published(key: str, entry: object, where: str) -> Digest:
    fields = _block(entry, _PUBLISHED, where)
    try:
        parts_of_text(key)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}", error.remedy) from error
    return _digest(fields, where)


def _block(entry: object, known: Mapping[str, type], where: str) -> Mapping[str, Any]:
    if not isinstance(entry, dict):
        raise ConfigurationError(f"{where} is not a table", "remove it, and run: desktop-bake lock")
    _check(entry, known, where)
    return entry


def _check(table: Mapping[str, Any], known: Mapping[str, type], where: str) -> None:
    for key, value in table.items():
        if key not in known:
            raise ConfigurationError(f"{where}: unknown key {key!r}", did_you_mean(key, known))
        if type(value) is not known[key]:
            raise ConfigurationError(f"{where}: {key} is {str(value)[:100]}", f"write {_FORMS[known[key]]}")


def _digest(fields: Mapping[str, Any], where: str) -> Digest:
    if "digest" not in fields:
        raise ConfigurationError(f"{where} has no digest", "remove the block, and run: desktop-bake lock")
    try:
        return Digest(fields["digest"])
    except ConfigurationError as error:
        raise ConfigurationError(
            f"{where}: {error}", "restore it from Git, or remove the block and run: desktop-bake lock"
        ) from error


def _day(fields: Mapping[str, Any], key: str, where: str) -> date | None:
    text = fields.get(key)
    if text is None:
        return None
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ConfigurationError(f"{where}: {key} is {text[:100]!r}", f'write a day, such as {key} = "2026-11-27"')
