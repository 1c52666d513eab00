"""The tables of docs/configuration.md, made from each field's description; `make docs` writes them at their marks."""

from __future__ import annotations

import sys
from dataclasses import MISSING
from pathlib import Path
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from .layer_table import LAYER
from .settings import SETTINGS
from .toml_file import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .setting import Setting


_MARKS = "<!-- {}: written by `make docs` -->\n", "<!-- end of {} -->\n"


def settings_table() -> str:
    """Every setting: key, variable, flag, meaning, default."""
    return _table(
        ("key", "variable", "flag", "meaning", "default"),
        ((f"`{s.name}`", f"`{s.variable}`", _flag(s), _meaning(s), _default(s)) for s in SETTINGS),
    )


def environment_table() -> str:
    """Every field of an environment: key, meaning, default."""
    return _fields(ENVIRONMENT)


def layer_table() -> str:
    """Every field of a layer: key, meaning, default."""
    return _fields(LAYER)


_TABLES: dict[str, Callable[[], str]] = {
    "settings": settings_table,
    "environment": environment_table,
    "layer": layer_table,
}


def with_tables(page: str) -> str:
    """A page with its tables written again.

    Args:
        page: Markdown with the marks of all tables, each on its own line.

    Raises:
        ConfigurationError: a mark is missing.
    """
    for name, table in _TABLES.items():
        begin, end = (mark.format(name) for mark in _MARKS)
        before, found, rest = page.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise ConfigurationError(
                f"the page has no place for the table of {name}", f"write {begin.strip()} and {end.strip()}"
            )
        page = before + begin + table() + end + after
    return page


def _fields(described: Iterable[Setting]) -> str:
    return _table(("key", "meaning", "default"), ((f"`{f.name}`", _meaning(f), _default(f)) for f in described))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [_row(head), "|---" * len(head) + "|\n", *map(_row, rows)]
    return "".join(lines)


def _row(cells: tuple[str, ...]) -> str:
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells) + "\n"


def _flag(setting: Setting) -> str:
    if setting.flag is None:
        return ""
    commands = setting.flag.commands or ("",)
    return ", ".join(f"`{f'{command} {setting.flag.name}'.strip()}`" for command in commands)


def _meaning(setting: Setting) -> str:
    form = f", such as `{setting.example}`" if setting.toml_type in (list, dict) and setting.example else ""
    return setting.about + form + (f"; {setting.more}" if setting.more else "")


def _default(setting: Setting) -> str:
    value = setting.default
    if value is MISSING:
        return "none: required"
    if isinstance(value, bool | int):
        return str(value).lower()
    return f"`{value}`" if value else setting.unset


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_tables(path.read_text()))
