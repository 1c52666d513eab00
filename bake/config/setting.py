"""One setting, described once: the check, the variable, the flag and the docs are derived from its field.

A field of `Settings` or `Environment` is described if it has the metadata of `generator.described.about`. Its name is
the key in desktop-bake.toml, its annotation gives the TOML type of its value, and its default is used if the key is not
there.
"""

from __future__ import annotations

import re
from dataclasses import MISSING, field, fields
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ...generator.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    T = TypeVar("T")


LONGEST_S = 31_536_000  # a year; the operating system's clocks have limits
_TOML_TYPES: dict[str, type] = {
    "str": str,
    "bool": bool,
    "int": int,
    "ImageReference": str,
    "tuple[str, ...]": list,
    "tuple[File, ...]": list,
    "tuple[Layer, ...]": list,
    "Mapping[str, str]": dict,
}
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


class Flag(NamedTuple):
    """A flag that overrides a setting.

    Attributes:
        name: as it is typed; one that begins with `--no-` switches the setting off.
        metavar: the placeholder for the value; None for a switch.
        commands: the commands that take it; empty for every command.
        about: the text in `--help` instead of the setting's own, for a flag that means the opposite.
        words: values that completion offers.
    """

    name: str
    metavar: str | None = None
    commands: tuple[str, ...] = ()
    about: str = ""
    words: tuple[str, ...] = ()


class Setting(NamedTuple):
    """A described field.

    Attributes:
        name: the field, and the key in the file.
        annotation: its type, as written in the class.
        default: its default; `MISSING` if it has none and so is required.
        about, more, unset, example: see `generator.described.about`.
        flag: the flag that overrides it, or None.
        check: raises `ConfigurationError` if a value of the right type has the wrong form; None for no check.
        in_init: whether it is in the file that `init` writes.
    """

    name: str
    annotation: str
    default: Any
    about: str
    more: str
    unset: str
    example: str
    flag: Flag | None = None
    check: Callable[[Any], None] | None = None
    in_init: bool = False

    @property
    def variable(self) -> str:
        """The environment variable that overrides it."""
        return f"DESKTOP_BAKE_{self.name.upper()}"

    @property
    def toml_type(self) -> type:
        """The type of its value as `tomllib` reads it."""
        return _TOML_TYPES[self.annotation.split(" | ")[0]]

    def verify(self, value: Any) -> None:
        """Check the form of a value of the right type; if it may be None, it may be empty, too. Defaults are valid.

        Raises:
            ConfigurationError: it is malformed or out of range; if its name ends in `_s`, it is in seconds.
        """
        is_unset = not value and self.annotation.endswith(" | None")
        if self.check and not is_unset and value != self.default:
            self.check(value)
        if self.name.endswith("_s") and not 0 < value <= LONGEST_S:
            raise ConfigurationError(
                f"{self.name} is {value}", f"use a positive number of seconds, at most {LONGEST_S}"
            )


def setting(
    default: T,
    said: Mapping[str, str],
    *,
    flag: Flag | None = None,
    check: Callable[[Any], None] | None = None,
    in_init: bool = False,
) -> T:
    """A field of `Settings`; for the type checker, it is the default.

    Args:
        default: an immutable value, or a dict.
        said: the result of `generator.described.about`.
        flag, check, in_init: see `Setting`.
    """
    metadata = {**said, "flag": flag, "check": check, "in_init": in_init}
    made: Any = (
        field(default_factory=default.copy, metadata=metadata)
        if isinstance(default, dict)
        else field(default=default, metadata=metadata)
    )
    return made  # type: ignore[no-any-return]


def described(owner: Any) -> tuple[Setting, ...]:
    """The described fields of a dataclass, in order."""
    return tuple(
        Setting(
            name=f.name,
            annotation=str(f.type),
            default=f.default if f.default_factory is MISSING else f.default_factory(),
            **f.metadata,
        )
        for f in fields(owner)
        if "about" in f.metadata
    )


def plain(markdown: str, quote: str = "") -> str:
    """A line of Markdown without links.

    Args:
        markdown: the line.
        quote: the replacement for backquotes.
    """
    return _LINK.sub(r"\1", markdown).replace("`", quote)
