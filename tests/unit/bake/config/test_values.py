"""What is read for a setting, of each type, from each place that it may stand in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from desktop_bake import ImageReference
from desktop_bake.bake.config.setting import described, setting
from desktop_bake.bake.config.values import as_fields, check_table, of_pairs, of_switch, of_variable
from desktop_bake.generator.described import about
from desktop_bake.generator.errors import ConfigurationError
from tests.harness.every import every


@dataclass(frozen=True, kw_only=True)
class Made:
    """A class of the fields that TOML contains in another form."""

    image: ImageReference = field(metadata=about("an image"))
    tags: tuple[str, ...] = setting((), about("tags"))
    labels: Mapping[str, str] = setting({}, about("labels"))
    limit_s: int = setting(1, about("a limit"))


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"image": "b:1"}, {"image": ImageReference.parse("b:1")}),
        ({"image": ImageReference.parse("b")}, {"image": ImageReference.parse("b")}),
        ({"tags": ["a", ""]}, {"tags": ("a", "")}),
        ({"labels": {"a": "1"}}, {"labels": {"a": "1"}}),
        ({"labels": ["a=1", "b="]}, {"labels": {"a": "1", "b": ""}}),
        ({"limit_s": 3, "other": 4}, {"limit_s": 3, "other": 4}),
        ({"tags": "a", "labels": "b"}, {"tags": "a", "labels": "b"}),
    ],
)
def test_as_fields(values: dict[str, Any], wanted: dict[str, Any]) -> None:
    """References are parsed, lists become tuples, pairs a table; anything else is left to the field's own check."""
    before = dict(values)
    assert as_fields(values, described(Made), "here") == wanted
    assert values == before


@pytest.mark.parametrize(
    ("values", "says", "remedy"),
    [
        ({"image": "A B"}, "malformed image reference 'A B'", "lower-case"),
        ({"tags": ["a", 1]}, "here: tags holds 1, which is not text", 'write "1"'),
        ({"labels": {"a": 1}}, "here: a holds 1, which is not text", 'write "1"'),
        ({"labels": ["a"]}, "labels: 'a' is not of the form NAME=VALUE", "write a=…"),
    ],
)
def test_as_fields_refused(values: dict[str, Any], says: str, remedy: str) -> None:
    """A value that cannot be converted is refused with its place."""
    with pytest.raises(ConfigurationError) as refused:
        as_fields(values, described(Made), "here")
    assert says in str(refused.value)
    assert remedy in refused.value.remedy


@every(
    ("text", "wanted", "value"),
    [
        ("a b", str, "a b"),
        ("", str, ""),
        ("ON", bool, True),
        ("no", bool, False),
        ("007", int, 7),
        ("a 'b c'", list, ["a", "b c"]),
        ("", list, []),
        ("a=1 'b=x y'", dict, {"a": "1", "b": "x y"}),
        ("", dict, {}),
    ],
)
def test_of_variable(text: str, wanted: type, value: object) -> None:
    """A variable's text means a value of each type."""
    assert of_variable("V", text, wanted) == value


@pytest.mark.parametrize(
    ("text", "wanted", "says"),
    [
        ("perhaps", bool, "V is 'perhaps', not of type bool"),
        ("1.5", int, "V is '1.5', not of type int"),
        ("'", list, 'V is "\'": No closing quotation'),
        ("a", dict, "V: 'a' is not of the form NAME=VALUE"),
        ("=a", dict, "V: '=a' is not of the form NAME=VALUE"),
    ],
)
def test_of_variable_refused(text: str, wanted: type, says: str) -> None:
    """A text that means no value of its type is refused by the variable's name."""
    with pytest.raises(ConfigurationError) as refused:
        of_variable("V", text, wanted)
    assert str(refused.value) == says
    assert refused.value.remedy


def test_of_switch() -> None:
    """Words of both kinds switch, whatever their case; others do not."""
    assert [of_switch(w) for w in ("true", "Yes", "on", "1")] == [True] * 4
    assert [of_switch(w) for w in ("false", "NO", "off", "0")] == [False] * 4
    assert of_switch("") is None


def test_of_pairs() -> None:
    """The last of two pairs of one name counts, and a value may contain anything."""
    assert of_pairs("--label", ["a=1", "", "a=2=3"]) == {"a": "2=3"}


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"tag": []}, "here: unknown key 'tag'"),
        ({"tags": "a"}, "here: tags is 'a', not of type list"),
        ({"limit_s": True}, "here: limit_s is True, not of type int"),
    ],
)
def test_check_table(table: dict[str, Any], says: str) -> None:
    """A key that is unknown, or whose value is of another type, is refused by its place."""
    check_table({"tags": [], "limit_s": 1}, {"tags": list, "limit_s": int}, "here")
    with pytest.raises(ConfigurationError) as refused:
        check_table(table, {"tags": list, "limit_s": int}, "here")
    assert str(refused.value) == says
