"""A setting is described once: what is derived from its field."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path

import pytest

from desktop_bake import Environment, ImageReference, Settings
from desktop_bake.bake.config.layer_table import LAYER
from desktop_bake.bake.config.setting import Flag, Setting, described, plain, setting
from desktop_bake.bake.config.settings import SETTINGS
from desktop_bake.bake.config.toml_file import ENVIRONMENT, settings_from
from desktop_bake.generator.described import about
from desktop_bake.generator.errors import ConfigurationError
from desktop_bake.generator.layer import Layer


def refuse_x(value: object) -> None:
    """Refuse `x`."""
    if value == "x":
        raise ConfigurationError("it is x")


@dataclass(frozen=True, kw_only=True)
class Made:
    """A class of every kind of field."""

    tags: tuple[str, ...] = setting((), about("further tags", example='["a"]'), flag=Flag("--tag", "TAG"))
    labels: Mapping[str, str] = setting({"a": "1"}, about("labels"))
    word: str | None = setting(None, about("a word"), check=refuse_x)
    limit_s: int = setting(5, about("a limit"), in_init=True)
    image: ImageReference = field(metadata=about("an image"))
    hidden: int = 0


def of(name: str) -> Setting:
    """The description of a field."""
    return next(s for s in described(Made) if s.name == name)


def test_what_a_field_says() -> None:
    """Key, variable and TOML type come from a field's name and annotation; one without a description is no setting."""
    assert [(s.name, s.variable, s.toml_type) for s in described(Made)] == [
        ("tags", "DESKTOP_BAKE_TAGS", list),
        ("labels", "DESKTOP_BAKE_LABELS", dict),
        ("word", "DESKTOP_BAKE_WORD", str),
        ("limit_s", "DESKTOP_BAKE_LIMIT_S", int),
        ("image", "DESKTOP_BAKE_IMAGE", str),
    ]
    assert of("tags").flag == Flag("--tag", "TAG")
    assert (of("tags").example, of("limit_s").in_init, of("tags").in_init) == ('["a"]', True, False)


def test_defaults() -> None:
    """A default is the field's, a table one of its own for each instance; without one the field is required."""
    image = ImageReference.parse("a")
    assert Made(image=image).labels == of("labels").default == {"a": "1"}
    assert Made(image=image).labels is not Made(image=image).labels
    assert of("image").default is MISSING


def test_verify() -> None:
    """A check is asked, but not about an empty value that may be None; and seconds have a range."""
    of("word").verify("y")
    of("word").verify(None)
    of("word").verify("")
    with pytest.raises(ConfigurationError, match="it is x"):
        of("word").verify("x")
    of("limit_s").verify(31_536_000)
    for wrong in (0, -1, 31_536_001):
        with pytest.raises(ConfigurationError, match=f"^limit_s is {wrong}$"):
            of("limit_s").verify(wrong)


def test_plain() -> None:
    """Links leave their words, backquotes go or become quotes."""
    said = "[what tasks run on](team.md#platforms), as `docker run` [x]"
    assert plain(said) == "what tasks run on, as docker run [x]"
    assert plain("as `a`", quote='"') == 'as "a"'


def test_every_field_is_described() -> None:
    """No field of the settings or of an environment lacks a description, but those that are no key of the file."""
    others = {"root", "environments", "lock", "lock_file"}
    assert {f.name for f in fields(Settings)} - {s.name for s in SETTINGS} == others
    assert {f.name for f in fields(Environment)} - {s.name for s in ENVIRONMENT} == {"env_id"}
    assert {f.name for f in fields(Layer)} - {s.name for s in LAYER} == {"name"}


@pytest.mark.parametrize("one", [s for s in SETTINGS if s.example], ids=lambda s: s.name)
def test_examples_of_settings(one: Setting) -> None:
    """The values that documents show are valid."""
    read = getattr(settings_from(f"{one.name} = {one.example}", Path("/x/desktop-bake.toml"), {}), one.name)
    written = tomllib.loads(f"a = {one.example}")["a"]
    assert read == (tuple(written) if isinstance(written, list) else written)
