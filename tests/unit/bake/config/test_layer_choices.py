"""Which layers an environment could have, and what is written when one is chosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop_bake import ConfigurationError
from desktop_bake.bake.config.layer_choices import LayerChoices
from desktop_bake.bake.config.toml_edit import edit_toml
from desktop_bake.bake.config.toml_file import settings_from

HERE = Path("/project/desktop-bake.toml")
TEXT = """\
[layers.certs]
text = "true"
[layers.tools]
text = "true"
needs = ["certs"]
[layers.web]
text = "true"
[environments.office]
base_image = "debian"
layers = [
  "tools", # for all
  { name = "own", text = "true" },
] # the end
[environments.plain]
base_image = "debian"  # nothing else
"""
CHOICES = LayerChoices.of(TEXT)


def chosen(text: str, env_id: str) -> list[tuple[str, bool, str]]:
    """The choices of an environment of this file."""
    environment = settings_from(text, HERE, {}).environment(env_id)
    return [(c.name, c.is_on, c.why_not) for c in LayerChoices.of(text).choices(environment)]


def test_choices() -> None:
    """Those of the file, and its own; what another needs, and what is written out, is no matter of a name."""
    assert chosen(TEXT, "office") == [
        ("certs", True, "tools needs it"),
        ("tools", True, ""),
        ("web", False, ""),
        ("own", True, "it is written out in the environment"),
    ]
    assert chosen(TEXT, "plain") == [("certs", False, ""), ("tools", False, ""), ("web", False, "")]


@pytest.mark.parametrize(
    ("env_id", "name", "on", "before", "after"),
    [
        ("office", "web", True, '"true" },\n]', '"true" },\n  "web",\n]'),
        ("office", "tools", False, '  "tools", # for all\n', ""),
        ("plain", "web", True, "# nothing else\n", '# nothing else\nlayers = ["web"]\n'),
    ],
)
def test_turned(env_id: str, name: str, on: bool, before: str, after: str) -> None:
    """A name comes last, or goes; comments and the way a list is written stay."""
    edited = edit_toml(TEXT, HERE, env_id, {("layers",): CHOICES.turned(env_id, name, on=on)})
    assert edited == TEXT.replace(before, after)


def test_another_order() -> None:
    """A list that is to have another order, or an item once that it has twice, is written again."""
    text = TEXT + 'layers = ["web", "tools", "web"]\n'
    edited = edit_toml(text, HERE, "plain", {("layers",): ["tools", "web"]})
    assert edited == TEXT + 'layers = ["tools", "web"]\n'


def test_no_such_layer() -> None:
    """A layer that is gone cannot be chosen; a file that does not load offers none."""
    with pytest.raises(ConfigurationError, match="no layer 'x' any more"):
        CHOICES.turned("office", "x", on=True)
    for text in ("nonsense", "environments = 1", "[environments]\na = 1", "layers = 1\n[environments.a]"):
        assert LayerChoices.of(text) == LayerChoices()
