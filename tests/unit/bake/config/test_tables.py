"""The tables of docs/configuration.md: what they hold, and that the page is what `make docs` writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop_bake.bake.config.layer_table import LAYER
from desktop_bake.bake.config.settings import SETTINGS
from desktop_bake.bake.config.tables import environment_table, layer_table, settings_table, with_tables
from desktop_bake.bake.config.toml_file import ENVIRONMENT
from desktop_bake.generator.errors import ConfigurationError

PAGE = Path(__file__).parents[4] / "docs" / "configuration.md"


def test_the_page_is_current() -> None:
    """`docs/configuration.md` says what the fields say."""
    assert PAGE.read_text() == with_tables(PAGE.read_text()), "run: make docs"


def test_rows() -> None:
    """A row has everything that is said of a field; a flag of one command goes with it; None is told in words."""
    settings, environment = settings_table().splitlines(), environment_table().splitlines()
    assert [row.split("`")[1] for row in settings[2:]] == [s.name for s in SETTINGS]
    assert [row.split("`")[1] for row in environment[2:]] == [f.name for f in ENVIRONMENT]
    assert [row.split("`")[1] for row in layer_table().splitlines()[2:]] == [f.name for f in LAYER]
    assert settings[0].count("|") == settings[1].count("|") == 6
    for row in (
        "| `registry_timeout_s` | `DESKTOP_BAKE_REGISTRY_TIMEOUT_S` | | seconds for one look-up in a registry | 10 |",
        "| `push` | `DESKTOP_BAKE_PUSH` | `build --push` | publish what is built to the team's registry | false |",
    ):
        assert row in settings
    assert any("| `build --build-timeout`, `run --build-timeout` |" in row for row in settings)
    assert any(row.endswith("| the engine's own |") and "`--platform`" in row for row in settings)
    assert "| `base_image` | image reference of the base | none: required |" in environment
    assert any('`["linux/amd64", "linux/arm64"]`' in row for row in environment)


def test_what_is_around_stays() -> None:
    """An old table goes, and not a character around it."""
    marks = "<!-- {0}: written by `make docs` -->\n| old |\n<!-- end of {0} -->\n"
    page = f"above\n{marks.format('settings')}\nbetween \\1\n{marks.format('environment')}{marks.format('layer')}below"
    written = with_tables(page)
    assert "| old |" not in written
    assert written.startswith("above\n<!-- settings: written by `make docs` -->\n| key | variable |")
    assert "<!-- end of settings -->\n\nbetween \\1\n<!-- environment: " in written
    assert written.endswith("<!-- end of layer -->\nbelow")
    assert with_tables(written) == written


@pytest.mark.parametrize("lost", ["<!-- settings: written by `make docs` -->\n", "<!-- end of layer -->\n"])
def test_a_lost_mark(lost: str) -> None:
    """A page without a mark is refused: a table would get lost."""
    with pytest.raises(ConfigurationError, match=r"^the page has no place for the table of (settings|layer)$"):
        with_tables(PAGE.read_text().replace(lost, ""))
