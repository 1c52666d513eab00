"""Fields hold what their annotations say, and a program that gives another type is told so in one line."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path
from typing import Any

import pytest

from desktop_bake import Environment, ImageReference, Layer, Settings
from desktop_bake.generator.described import about
from desktop_bake.generator.environment import FILE_FIELDS
from desktop_bake.generator.errors import ConfigurationError
from tests.harness.every import every

BASE = ImageReference.parse("debian:bookworm")


def environment(**fields: Any) -> Environment:
    """An environment of these fields."""
    return Environment(**{"env_id": "a", "base_image": BASE, **fields})


@every(
    ("field", "value", "says", "remedy"),
    [
        ("base_image", "debian", "'debian', not of type ImageReference", "write ImageReference.parse('debian')"),
        ("base_image", None, "None, not of type ImageReference", "write ImageReference.parse('…')"),
        ("name", 3, "3, not of type str", "write a text in quotes"),
        ("headless_desktop_enabled", 1, "1, not of type bool", "write True or False"),
        ("cache_desktop_build", "on", "'on', not of type bool", "write True or False"),
        ("dockerfile", b"a", "b'a', not of type str | PurePath | Script | None", "write a text in quotes"),
        ("platforms", "linux/amd64", "'linux/amd64', not of type tuple[str, ...]", "write ('linux/amd64',)"),
        ("build_secrets", ("A", 1), "('A', 1), not of type tuple[str, ...]", "write ('…',)"),
        ("layers", ("tools",), "('tools',), not of type tuple[Layer, ...]", "write (Layer(…),)"),
        ("build_args", ["A=1"], "['A=1'], not of type Mapping[str, str]", "write {'NAME': 'value'}"),
        ("build_args", {"A": 1}, "{'A': 1}, not of type Mapping[str, str]", "write {'NAME': 'value'}"),
        ("platforms", "a" * 300, "'" + "a" * 198 + "…, not of type tuple[str, ...]", f"write ({'a' * 80!r},)"),
        ("platform", ("linux/amd64",), "('linux/amd64',), not of type str | None", "write a text in quotes"),
    ],
)
def test_another_type(field: str, value: object, says: str, remedy: str) -> None:
    """A value of another type is refused by its environment and field, with what to write."""
    with pytest.raises(ConfigurationError) as refused:
        environment(**{field: value})
    assert str(refused.value) == f"environment 'a': {field} is {says}"
    assert refused.value.remedy == remedy


@pytest.mark.parametrize("env_id", ["", 3, None, "a\n"])
def test_an_id_that_is_none(env_id: object) -> None:
    """Anything that is no text, or an unprintable one, is no ID."""
    with pytest.raises(ConfigurationError, match=r"^malformed environment id "):
        environment(env_id=env_id)


def test_every_type_that_is_allowed() -> None:
    """A list goes for a tuple, None for what may be None, and a path for a file."""
    made = environment(platforms=["linux/amd64"], platform=None, dockerfile=Path("/a"), build_args={"A": "1"})
    assert list(made.platforms) == ["linux/amd64"]
    assert made.dockerfile == Path("/a")


def test_about() -> None:
    """What is said of a field also says that an unset one is none, unless it says something else."""
    assert about("a", "b", example="1") == {"about": "a", "more": "b", "unset": "none", "example": "1"}
    assert about("a", unset="the shipped one")["unset"] == "the shipped one"


def test_files() -> None:
    """The fields that name files are those that take a path."""
    assert FILE_FIELDS == ("install_script", "setup_script", "dockerfile", "preflight_script", "preflight_run_script")


def test_fields_in_help() -> None:
    """`help` of a class whose fields are described says of each what it means, and its default."""
    for made in (Environment, Layer, Settings):
        said = inspect.getdoc(made) or ""
        head, _, raises = said.partition("\n\nRaises:\n")
        assert raises
        for field in dataclasses.fields(made):
            assert f"\n    {field.name}: " in head, f"{made.__name__}.{field.name}"
        assert "](" not in said
    said = inspect.getdoc(Environment) or ""
    assert "\n    base_image: image reference of the base; required.\n" in said
    assert "\n    headless_desktop_enabled: give tasks a desktop; default: False.\n" in said
    assert "\n    install_script: script that installs the desktop's packages; default: the shipped one.\n" in said
