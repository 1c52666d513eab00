"""Every field of Agents Runner that means something here: read as there, and what we write is read there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from desktop_bake import ConfigurationError, Environment, ImageReference, Script
from desktop_bake.bake.cli.commands.env import env
from desktop_bake.bake.config.agents_runner import OriginFile, read_origin
from tests.harness.agents_runner_files import PAYLOAD, environments_json, state_toml
from tests.harness.command_line import whole_parser
from tests.harness.their_reader import read_back

BASE = ImageReference.parse("debian:bookworm")
SWITCHED: dict[str, Any] = {
    "cache_desktop_build": True,
    "container_caching_enabled": True,
    "cached_preflight_script": "echo c\r\n",
}


def read(text: str, state: str = "") -> dict[str, Environment]:
    """The environments of such a file, with these settings beside it."""
    return OriginFile.parse(text.encode(), "environments.json", state.encode()).environments(BASE)


def one(state: str = "", **fields: Any) -> Environment:
    """The environment with every field, and these instead."""
    return read(environments_json({**PAYLOAD, **fields}), state)["midori"]


def test_every_field() -> None:
    """Toggles, scripts, variables, mounts and ports are what they are there."""
    made = one(**SWITCHED, ports=["8080:80", " ", 7], env_vars={" A ": 1.50, "B": None, "": "x"})
    assert (made.desktop_cache_enabled, made.preflight_cache_enabled) == (True, True)
    assert made.preflight_script == Script.text("echo c\n")
    assert made.preflight_run_script == Script.text(PAYLOAD["preflight_script"])
    assert made.env_vars == {"A": "1.5", "B": "None"}
    assert (made.extra_mounts, made.ports) == (("/a:/b:ro",), ("8080:80", "7"))


@pytest.mark.parametrize(("desktop", "preflight"), [(True, True), (True, False), (False, True), (False, False)])
def test_two_switches(desktop: bool, preflight: bool) -> None:
    """`cache_desktop_build` and `container_caching_enabled` are independent."""
    made = one(**{**SWITCHED, "cache_desktop_build": desktop, "container_caching_enabled": preflight})
    assert (made.desktop_cache_enabled, made.preflight_cache_enabled) == (desktop, preflight)


@pytest.mark.parametrize(
    ("fields", "cached", "run"),
    [
        ({"cached_preflight_script": " \n"}, None, True),
        ({"cached_preflight_script": None, "preflight_enabled": False}, None, False),
        ({"preflight_script": ""}, None, False),
        ({"cached_preflight_script": 7, "preflight_enabled": 0}, Script.text("7"), False),
    ],
)
def test_scripts_that_are_none(fields: dict[str, Any], cached: Script | None, run: bool) -> None:
    """A blank script is none, and the one for every start has its own toggle."""
    made = one(**fields)
    assert (made.preflight_script, made.preflight_run_script is not None) == (cached, run)


@pytest.mark.parametrize(
    ("state", "forced"),
    [
        (state_toml(headless_desktop_enabled=True), True),
        (state_toml(headless_desktop_enabled=False), False),
        (state_toml(version=3, headless_desktop_enabled=True), False),
        ("version = 4\nsettings = 7\n", False),
        ("", False),
    ],
)
def test_the_state_beside(state: str, forced: bool) -> None:
    """The settings of state.toml give every environment a desktop, if its version is the one that is read there."""
    assert one(state, headless_desktop_enabled=False).headless_desktop_enabled is forced


def test_which_form_has_which_settings() -> None:
    """An older file has its own settings, a file of one environment none; the newer forms have those beside."""
    state = state_toml(headless_desktop_enabled=True)
    off = {**PAYLOAD, "headless_desktop_enabled": False}
    older = json.dumps({"environments": [off], "settings": {"headless_desktop_enabled": False}})
    assert [
        read(text, state)["midori"].headless_desktop_enabled
        for text in (environments_json(off), json.dumps([off]), json.dumps(off), older)
    ] == [True, True, False, False]


def test_the_settings_script() -> None:
    """The settings' own script runs before the environment's, or alone, if it is switched on."""
    settings: dict[str, Any] = {"preflight_enabled": True, "preflight_script": "echo settings"}
    both = Script.in_turn(["echo settings", PAYLOAD["preflight_script"]])
    assert one(state_toml(**settings)).preflight_run_script == both
    assert one(state_toml(**settings), preflight_enabled=False).preflight_run_script == Script.text("echo settings")
    switched_off = {**settings, "preflight_enabled": False}
    assert one(state_toml(**switched_off)).preflight_run_script == Script.text(PAYLOAD["preflight_script"])


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"ports": "8080:80"}, "environment 'midori': ports is not a list"),
        ({"ports": {"8080": 80}}, "environment 'midori': ports is not a list"),
        ({"extra_mounts": "/a:/b"}, "environment 'midori': extra_mounts is not a list"),
        ({"env_vars": ["TOKEN=hunter2"]}, "environment 'midori': env_vars is not an object"),
        (
            {"cached_preflight_script": "#" * 1_000_000},
            "environment 'midori': cached_preflight_script: a text of 1,000,000 bytes is longer than 256 KiB",
        ),
        (
            {"preflight_script": "#" * 1_000_000},
            "environment 'midori': preflight_script: a text of 1,000,000 bytes is longer than 256 KiB",
        ),
    ],
)
def test_malformed(fields: dict[str, Any], says: str) -> None:
    """A value that cannot be is one line that names environment and field."""
    with pytest.raises(ConfigurationError) as refused:
        one(**fields)
    assert str(refused.value) == says


def test_files(tmp_path: Path) -> None:
    """The settings are read beside the file; a damaged one, and one in the place of the environments, are reported."""
    file = tmp_path / "environments.json"
    file.write_text(environments_json({**PAYLOAD, "headless_desktop_enabled": False}))
    assert read_origin(file).forced is False
    state = tmp_path / "state.toml"
    state.write_text(state_toml(headless_desktop_enabled=True))
    assert read_origin(file).environment("midori", BASE).headless_desktop_enabled is True
    with pytest.raises(ConfigurationError, match=r"state\.toml holds no environments$"):
        read_origin(state)
    state.write_text("version = ")
    with pytest.raises(ConfigurationError, match=r"^state\.toml beside the environments is not TOML: "):
        read_origin(file)


EDITS: list[tuple[list[str], dict[str, Any]]] = [
    (["name=ü"], {"name": "ü"}),
    (
        ["cache_desktop_build=on", "container_caching_enabled=on"],
        {"cache_desktop_build": True, "container_caching_enabled": True},
    ),
    (["cached_preflight_script=echo a\necho b"], {"cached_preflight_script": "echo a\necho b"}),
    (["preflight_enabled=off", "preflight_script="], {"preflight_enabled": False, "preflight_script": ""}),
    (["env_vars.NEW=a=b"], {"env_vars": {**PAYLOAD["env_vars"], "NEW": "a=b"}}),
    (['env_vars={B = "2", A = "1"}'], {"env_vars": {"B": "2", "A": "1"}}),
    (["ports=8080:80,9000:90"], {"ports": ["8080:80", "9000:90"]}),
    (['extra_mounts=["/c:/d:ro"]'], {"extra_mounts": ["/c:/d:ro"]}),
    (["ports=[]"], {"ports": []}),
]


@pytest.mark.parametrize(("words", "wanted"), EDITS)
def test_an_edit(words: list[str], wanted: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `env set` writes is what Agents Runner would have written, and what it reads back."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = tmp_path / "environments.json"
    other = {**PAYLOAD, "env_id": "other"}
    file.write_text(environments_json(other, PAYLOAD))
    assert env(whole_parser().parse_args(["--environments", str(file), "env", "set", "midori", *words])) == 0
    edited = file.read_text()
    assert edited == environments_json(other, {**PAYLOAD, **wanted})
    there = read_back(edited)
    assert there["other"] == read_back(environments_json(other))["other"]
    assert {name: there["midori"][name] for name in wanted} == wanted


def test_a_name_in_an_object() -> None:
    """A variable is taken out, or put into an object that is empty or not there, and every other byte stays."""
    text = '{"env_id":"a","env_vars": { "A":"1" , "B":"2"} }'
    file = OriginFile.parse(text.encode(), "a.json")
    assert file.edit("a", {("env_vars", "B"): None}) == '{"env_id":"a","env_vars": { "A":"1"} }'
    assert file.edit("a", {("env_vars", "A"): "3"}) == text.replace('"1"', '"3"')
    empty = OriginFile.parse(b'{"env_id":"a","env_vars": { } ,"z":1}', "a.json")
    assert empty.edit("a", {("env_vars", "A"): "3"}) == '{"env_id":"a","env_vars": {"A": "3"} ,"z":1}'
    none = OriginFile.parse(b'[{"env_id":"a"}]', "a.json")
    assert read_back(none.edit("a", {("env_vars", "A"): "3"}))["a"]["env_vars"] == {"A": "3"}
    assert none.edit("a", {("env_vars", "A"): None}) == none.text


def test_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`env show` names each field that means nothing here, of variables the names alone, and of texts their size."""
    file = tmp_path / "environments.json"
    file.write_text(environments_json({**PAYLOAD, **SWITCHED, "env_vars": {"TOKEN": "hunter2"}}))
    words = ["--environments", str(file), "env", "show", "midori"]
    assert env(whole_parser().parse_args(words)) == 0
    printed = capsys.readouterr().out
    assert "env_vars                  TOKEN\n" in printed
    assert "preflight                 a text of 1 line\n" in printed
    assert "hunter2" not in printed
    meant = {"env_id", "version", "name", "preflight_enabled", "preflight_script", "env_vars", "extra_mounts", "ports"}
    named = printed.partition("without meaning here      ")[2].split("\n")[0].split(", ")
    assert set(named) == PAYLOAD.keys() - meant - SWITCHED.keys() - {"headless_desktop_enabled"}
    assert env(whole_parser().parse_args([*words, "--json"])) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["without_meaning"], shown["env_vars"], shown["preflight"]) == (named, ["TOKEN"], "echo c\n")
    assert "hunter2" not in json.dumps(shown)


def test_an_edit_mends_what_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that no command reads for a field's sake is fixed by `env set` of that field."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = tmp_path / "environments.json"
    file.write_text(environments_json({**PAYLOAD, "ports": "8080:80"}))
    assert env(whole_parser().parse_args(["--environments", str(file), "env", "set", "midori", "ports=8080:80"])) == 0
    assert read_origin(file).environment("midori", BASE).ports == ("8080:80",)
