"""A JSON text edited in place: one member changes, and how it is laid out is its neighbours' way."""

from __future__ import annotations

import json

import pytest

from desktop_bake.bake.config.json_edit import members, with_member, without_member

SPREAD = '{\n  "a": 1,\n  "c": [\n    2\n  ]\n}'


def test_members() -> None:
    """Each member lies where its offsets say, twice as often as it is there twice; elements have no key."""
    text = '{"a" : 1, "b": [ 2 ,"x"],"a":null}'
    found = list(members(text, 0))
    assert [(m.key, text[m.value_start : m.end]) for m in found] == [("a", "1"), ("b", '[ 2 ,"x"]'), ("a", "null")]
    assert [m.value for m in members(text, found[1].value_start)] == ["2", "x"]


@pytest.mark.parametrize(
    ("text", "value", "edited"),
    [
        ("{}", 1, '{"b": 1}'),
        ("{ \n }", {"x": 1}, '{"b": {"x": 1}}'),
        ('{"a":1}', [1, 2], '{"a":1,"b":[1, 2]}'),
        (SPREAD, [], SPREAD.replace('"c"', '"b": [],\n  "c"')),
        (SPREAD, ["x"], SPREAD.replace('"c"', '"b": [\n    "x"\n  ],\n  "c"')),
        (SPREAD, {"z": 1, "y": "ü"}, SPREAD.replace('"c"', '"b": {\n    "y": "ü",\n    "z": 1\n  },\n  "c"')),
    ],
)
def test_a_new_member(text: str, value: object, edited: str) -> None:
    """It goes where the order of names puts it, on lines of its own where the others are; taken out, it leaves none."""
    assert with_member(text, 0, "b", value) == edited
    assert json.loads(edited)["b"] == value
    if len(text) > 5:
        assert without_member(edited, 0, "b") == text


def test_a_member_that_is_there() -> None:
    """Its value alone is replaced, and of two of its name that of the last, which counts."""
    assert with_member(SPREAD, 0, "c", ["x", "y"]) == SPREAD.replace("    2", '    "x",\n    "y"')
    assert with_member('{"a":1,"a":2}', 0, "a", [3]) == '{"a":1,"a":[3]}'
    assert without_member('{"a":1,"b":2,"a":3}', 0, "a") == '{"b":2}'
    assert without_member('{"b":2}', 0, "a") == '{"b":2}'
