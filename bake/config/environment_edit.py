"""Editing an environment in the file that keeps it; the edit is checked completely before anything is written."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...generator.errors import ConfigurationError
from ...generator.text_file import text_of
from ..system.edit import editing, replace_file
from .agents_runner import ORIGIN_FIELDS, origin_of
from .toml_edit import edit_toml
from .toml_file import ENVIRONMENT_KEYS, settings_from

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ...generator.environment import Environment
    from ...generator.reference import ImageReference


@dataclass(frozen=True, kw_only=True)
class EnvironmentFile:
    """The file that keeps the environments.

    Attributes:
        path: `desktop-bake.toml`, or a file of Agents Runner.
        origin_base: in a file of Agents Runner, the base of environments that name none; else None.
    """

    path: Path
    origin_base: ImageReference | None = None

    @property
    def is_origin(self) -> bool:
        """Whether it is a file of Agents Runner."""
        return self.origin_base is not None

    @property
    def fields(self) -> Mapping[str, type]:
        """The fields that may be set in it, and their types."""
        return ORIGIN_FIELDS if self.is_origin else ENVIRONMENT_KEYS


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change of an environment.

    Attributes:
        env_id: the environment.
        values: value by path, see `bake.config.toml_edit.field_and_value`; None removes a field.
        create: whether the environment is new.
        seen: the fingerprint of the file when the author of the change read it; None if it may have any content.
    """

    env_id: str
    values: Mapping[tuple[str, ...], Any]
    create: bool = False
    seen: str | None = None


@dataclass(frozen=True, kw_only=True)
class Edited:
    """The result of an edit.

    Attributes:
        environment: the environment as it is now.
        before, after: the file's content before and after.
        forced: whether the settings beside it give every environment a desktop, whatever its toggle says.
    """

    environment: Environment
    before: bytes = field(repr=False)
    after: bytes = field(repr=False)
    forced: bool = False

    @property
    def is_changed(self) -> bool:
        """Whether the file has changed."""
        return self.after != self.before


def edit_environment(
    file: EnvironmentFile, change: Change, check: Callable[[Environment], object] | None = None
) -> Edited:
    """Change fields of an environment; never write a file that would not load, or over what the caller has not seen.

    Args:
        file: the file that keeps it.
        change: the change.
        check: called with the changed environment before anything is written.

    Raises:
        ConfigurationError: no such environment, or an invalid value, or the file was changed meanwhile. What `check`
            raises is raised, too.
    """
    with editing(file.path) as before:
        if change.seen is not None and change.seen != fingerprint(before):
            raise ChangedMeanwhileError(f"{file.path} was changed meanwhile", "nothing was written: try again")
        try:
            edited = (_in_origin if file.is_origin else _in_configuration)(before, file, change)
        except UnicodeEncodeError as error:
            raise ConfigurationError(f"a value is not UTF-8: {error}", "write it in UTF-8") from error
        if check:
            check(edited.environment)
        if edited.is_changed:
            replace_file(file.path, before, edited.after)
    return edited


def restore(file: EnvironmentFile, edited: Edited) -> None:
    """Restore the file as it was before an edit, byte for byte.

    Raises:
        ChangedMeanwhileError: its content is no longer what the edit wrote.
        ConfigurationError: it cannot be written.
    """
    with editing(file.path) as now:
        if now != edited.after:
            raise ChangedMeanwhileError(f"{file.path} was changed meanwhile", "nothing was written: try again")
        if edited.is_changed:
            replace_file(file.path, now, edited.before)


def fingerprint(content: bytes) -> str:
    """A hash that identifies a file's content."""
    return hashlib.sha256(content).hexdigest()


class ChangedMeanwhileError(ConfigurationError):
    """Somebody else has changed the file since it was read; their change stays."""


def _in_configuration(before: bytes, file: EnvironmentFile, change: Change) -> Edited:
    after = edit_toml(text_of(before, file.path), file.path, change.env_id, change.values, create=change.create)
    environment = settings_from(after, file.path, {}).environment(change.env_id)
    return Edited(environment=environment, before=before, after=after.encode())


def _in_origin(before: bytes, file: EnvironmentFile, change: Change) -> Edited:
    if change.create:
        raise ConfigurationError("Agents Runner makes its environments itself", "make it there, and leave out --create")
    assert file.origin_base
    after = origin_of(before, file.path).edit(change.env_id, change.values).encode()
    origin = origin_of(after, file.path)
    environment = origin.environment(change.env_id, file.origin_base)
    return Edited(environment=environment, before=before, after=after, forced=origin.forced)
