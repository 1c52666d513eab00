"""Environments of Agents Runner: read as it reads them, and not a byte changed that was not to be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_bake import ConfigurationError, ImageReference
from desktop_bake.bake.cli.commands.env import env
from tests.harness.agents_runner import STATE, parse
from tests.harness.agents_runner_files import PAYLOAD
from tests.harness.command_line import whole_parser
from tests.harness.every import every

BASE = ImageReference.parse("debian:bookworm")


def toggles(text: str) -> dict[str, tuple[bool, bool, bool]]:
    """Desktop, cache and what they come to, by ID."""
    return {
        i: (e.headless_desktop_enabled, e.cache_desktop_build, e.desktop_cache_enabled)
        for i, e in parse(text).environments(BASE).items()
    }


def test_toggles() -> None:
    """The two toggles answer, a missing one as off; the settings beside them can give all a desktop."""
    assert toggles(STATE) == {"one": (True, False, False), "two": (False, False, False)}
    edited = parse(STATE).edit("two", {"cache_desktop_build": True})
    assert toggles(edited)["two"] == (False, True, False)
    forced = edited.replace('"headless_desktop_enabled": false\n', '"headless_desktop_enabled": true\n')
    assert toggles(forced)["two"] == (True, True, True)


def test_a_set_toggle_is_the_only_change() -> None:
    """A value there is replaced; one that is missing comes where the order of names puts it."""
    edited = parse(STATE).edit("two", {"cache_desktop_build": True})
    assert edited == STATE.replace('"cache_desktop_build": false', '"cache_desktop_build": true')
    edited = parse(STATE).edit("one", {"cache_desktop_build": True})
    color = '      "color": "emerald",\n'
    assert edited == STATE.replace(color, '      "cache_desktop_build": true,\n' + color)
    assert parse(edited).edit("one", {"cache_desktop_build": None}) == STATE


@every(
    ("text", "edited"),
    [
        ('{"env_id":"a"}', '{"cache_desktop_build":true,"env_id":"a"}'),
        ('{ "id" : "a" }', '{ "cache_desktop_build" : true, "id" : "a" }'),
        ('{"zeta":1,"env_id":"a"}', '{"zeta":1,"env_id":"a","cache_desktop_build":true}'),
        (
            '[{"env_id":"b"},{\r\n\t"env_id":\t"a"\r\n}]\r\n',
            '[{"env_id":"b"},{\r\n\t"cache_desktop_build":\ttrue,\r\n\t"env_id":\t"a"\r\n}]\r\n',
        ),
        ('{"env_id":"a","cache_desktop_build":1e5 ,"x":1}', '{"env_id":"a","cache_desktop_build":true ,"x":1}'),
        ('{"env_id":"a","cache\\u005fdesktop_build":0}', '{"env_id":"a","cache\\u005fdesktop_build":true}'),
        (
            '{"env_id":"a","cache_desktop_build":0,"cache_desktop_build":[ ]}',
            '{"env_id":"a","cache_desktop_build":0,"cache_desktop_build":true}',
        ),
        (
            '{"environments":[1,null,{"env_id":"a"}],"environments":[{"env_id":"a","z":1}]}',
            '{"environments":[1,null,{"env_id":"a"}],"environments":[{"cache_desktop_build":true,"env_id":"a","z":1}]}',
        ),
        ('[{"env_id":"a"},{"env_id":" a "}]', '[{"env_id":"a"},{"cache_desktop_build":true,"env_id":" a "}]'),
    ],
)
def test_layouts(text: str, edited: str) -> None:
    """Whatever the layout, white space, order, escapes and duplicates are kept."""
    assert parse(text).edit("a", {"cache_desktop_build": True}) == edited
    assert toggles(edited)["a"][1] is True


@pytest.mark.parametrize("there", [True, False])
def test_as_agents_runner_would_have_written_it(there: bool) -> None:
    """On its own file an edit gives the bytes that Agents Runner would have written, the field there or not."""

    def written(payload: dict[str, Any]) -> str:
        environments = [{**PAYLOAD, "env_id": "other"}, payload]
        state = {"version": 3, "tasks": [], "settings": {"max_agents_running": -1}, "environments": environments}
        return json.dumps(state, ensure_ascii=False, indent=2, sort_keys=True)

    before = {k: v for k, v in PAYLOAD.items() if there or k != "cache_desktop_build"}
    edited = parse(written(before)).edit("midori", {"cache_desktop_build": True, "name": "ü"})
    assert edited == written({**PAYLOAD, "cache_desktop_build": True, "name": "ü"})


def test_names_are_escaped_as_the_file_is() -> None:
    """A name is written with or without escapes, as the file's other names are."""
    assert parse('{"env_id":"a","x":"\\u00fc"}').edit("a", {"name": "ä"}).count("\\u00e4") == 1
    assert '"name": "ä"' in parse(STATE).edit("one", {"name": "ä"})


@every(
    ("value", "on"),
    [
        ("true", True),
        ("1", True),
        ("0", False),
        ("0.0", False),
        ("-0", False),
        ("1e-9", True),
        ('"0"', True),
        ('""', False),
        ("null", False),
        ("[0]", True),
        ("{}", False),
        ("9" * 5000, True),
    ],
)
def test_truth(value: str, on: bool) -> None:
    """A toggle of any JSON value means what Python's truth makes of it."""
    assert toggles(f'{{"env_id":"a","cache_desktop_build":{value}}}')["a"][1] is on


@every(
    ("text", "says"),
    [
        ("", "is not JSON: "),
        (" ", "is not JSON: "),
        ("{", "is not JSON: "),
        ('{"env_id":"a"} x', "is not JSON: more follows: "),
        ("[" * 100_000, "is nested too deeply"),
        ("[]", "holds no environment"),
        ("{}", "holds no environment"),
        ("3", "holds no environment"),
        ('{"env_id":""}', "holds no environment"),
        ('{"env_id":"a","version":2}', "holds no environment"),
        ('{"env_id":"a","version":null}', "holds no environment"),
        ('{"environments":[]}', "holds no environment"),
    ],
)
def test_no_environment(text: str, says: str) -> None:
    """Anything that is no file of Agents Runner's is one error, which says why it is none."""
    with pytest.raises(ConfigurationError, match=rf"^state\.json {says}"):
        parse(text)


def test_a_byte_order_mark() -> None:
    """A file that an editor gave a byte order mark is reported as that: Agents Runner does not read it either."""
    with pytest.raises(ConfigurationError, match="byte order mark"):
        parse('\ufeff{"env_id":"a"}')


# Bytes that a reader and writer of text or JSON would change, around a toggle that is on or off.
ODD = [
    b'{\r\n\t"env_id": "a",\r\n\t"cache_desktop_build": %s\r\n}\r\n',  # CRLF and tabs
    b'{\r"env_id":"a",\r"cache_desktop_build":%s}',  # CR alone, no newline at the end
    b'{"env_id":"a","cache_desktop_build":%s}\n\n \t\n',  # more than one at the end
    b'{"x":1,"env_id":"b","x":2,"env_id":"a","cache_desktop_build":null,"cache_desktop_build":%s}',  # names twice
    b'{"n":123456789012345678901234567890,"f":1.10E+0,"g":-0.0,"h":1e-999,"env_id":"a","cache_desktop_build":%s}',
    b'{"n":"\\u00FC\\/\\uD83D\\uDE00\\ud800\\u0000\\b","env_id":"\\u0061","cache_desktop_build":%s}',  # escapes
    b'{"n":"\xc3\xbc\xe2\x80\xa8\xf0\x9f\x98\x80\x7f","env_id":"a","cache_desktop_build":%s}',  # none
    b'{"n":[NaN,-Infinity],"env_id":"a","cache_desktop_build":%s}',  # what Python writes, too
    b'{"state":{"env_id":"z","cache_desktop_build":false},"env_id":"a","cache_desktop_build":%s,"zz":{"env_id":1}}',
]


@pytest.mark.parametrize("before", ODD)
def test_bytes_of_a_file(before: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`env set` changes the bytes of the toggle alone, and back again; a value that is there already changes none."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "state.json"
    path.write_bytes(before % b"false")
    for value, wanted in (("off", b"false"), ("on", b"true"), ("off", b"false")):
        words = ["--environments", str(path), "env", "set", "a", f"cache_desktop_build={value}"]
        assert env(whole_parser().parse_args(words)) == 0
        assert path.read_bytes() == before % wanted


def test_what_it_passes_over() -> None:
    """Numbers as versions, IDs under the old name, and neighbours of another version are read as there."""
    text = '[{"env_id":"a","version":"1"},{"id":"b","version":1.0},{"env_id":"c","version":2},7]'
    assert list(toggles(text)) == ["a", "b"]


NUMBERS = st.one_of(
    st.integers().map(str), st.sampled_from(["1e5", "1.0", "-0", "1E+2", "0.10", "9" * 400, "-1.5e-300", "1e999"])
)
STRINGS = st.text(max_size=8).flatmap(
    lambda t: st.sampled_from([json.dumps(t), json.dumps(t.encode(errors="ignore").decode(), ensure_ascii=False)])
)
WHITE = st.sampled_from(["", " ", "\n", "\r\n\t", "  "])


@st.composite
def containers(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    """An array or object of JSON texts, white space anywhere, duplicates allowed."""
    parts = draw(st.lists(inner, max_size=3))
    gaps = [draw(WHITE) for _ in range(4)]
    if draw(st.booleans()):
        return "[" + gaps[0] + f"{gaps[1]},{gaps[2]}".join(parts) + gaps[3] + "]"
    pairs = [draw(STRINGS) + gaps[1] + ":" + gaps[2] + part for part in parts]
    return "{" + gaps[0] + f"{gaps[2]},{gaps[1]}".join(pairs) + gaps[3] + "}"


JSON = st.recursive(NUMBERS | STRINGS | st.sampled_from(["true", "false", "null"]), containers, max_leaves=6)


@st.composite
def payloads(draw: st.DrawFn) -> tuple[str, str, str]:
    """Before the toggle's value, the value, and after it: an environment with unknown fields of any form."""
    gaps = [draw(WHITE) for _ in range(6)]
    unknown = st.tuples(STRINGS.filter(lambda k: json.loads(k) not in KNOWN), JSON)
    before, after = draw(st.lists(unknown, max_size=4)), draw(st.lists(unknown, max_size=4))

    def said(pairs: list[tuple[str, str]]) -> str:
        return f"{gaps[2]},{gaps[3]}".join(f"{k}{gaps[0]}:{gaps[1]}{v}" for k, v in pairs)

    head = said([*before, ('"env_id"', '"a"')]) + gaps[4] + "," + gaps[5]
    tail = "," + said(after) if after else ""
    value = draw(st.sampled_from(["false", "true", "0", "null", "1.50", '"\\u0041"']))
    toggle = f'"cache_desktop_build"{gaps[0]}:{gaps[1]}'
    return "{" + gaps[0] + head + toggle, value, gaps[3] + tail + gaps[1] + "}" + gaps[2]


KNOWN = ("env_id", "id", "version", "environments", "cache_desktop_build", "base_image")


@given(payload=payloads(), on=st.booleans())
def test_law_of_bytes(payload: tuple[str, str, str], on: bool) -> None:
    """Whatever else is in an environment, a toggle's change is that value's bytes and no others."""
    before, value, after = payload
    edited = parse(before + value + after).edit("a", {"cache_desktop_build": on})
    assert edited == before + ("true" if on else "false") + after


@given(payload=payloads(), wrap=st.sampled_from(["{}", "[{}]", '{{"tasks":[],"environments":[ {} ] }}']))
def test_law_of_a_new_field(payload: tuple[str, str, str], wrap: str) -> None:
    """A field that was not there is added in one place, and taking it out gives the old bytes again."""
    text = wrap.format("".join(payload))
    edited = parse(text).edit("a", {"headless_desktop_enabled": True})
    assert toggles(edited)["a"][0] is True
    if '"headless_desktop_enabled"' not in text:
        assert parse(edited).edit("a", {"headless_desktop_enabled": None}) == text


@given(payload=payloads())
def test_law_of_no_change(payload: tuple[str, str, str]) -> None:
    """An edit that changes nothing is the same bytes."""
    text = "".join(payload)
    assert parse(text).edit("a", {}) == text
