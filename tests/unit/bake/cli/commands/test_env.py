"""`desktop-bake env`: listed, shown and changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_list(typed: Callable[..., tuple[int, str, str]]) -> None:
    """Every environment has a row with its toggles; JSON has every field."""
    status, output, _ = typed("env", "list")
    assert status == 0
    assert [line.split()[:3] for line in output.splitlines()] == [
        ["ENVIRONMENT", "DESKTOP", "CACHE"],
        ["default", "on", "on"],
        ["plain", "off", "off"],
    ]
    told = json.loads(typed("env", "list", "--json")[1])
    assert [e["environment"] for e in told["environments"]] == ["default", "plain"]
    assert [e["desktop_cache_enabled"] for e in told["environments"]] == [True, False]


def test_a_long_list(typed: Callable[..., tuple[int, str, str]], project: Path) -> None:
    """The table has 80 columns at most, unless all is wanted; names alone are whole."""
    long, base = "long-" * 10, "registry.example.com/team/debian:bookworm"
    config = project / "desktop-bake.toml"
    table = f'[environments.{long}]\nbase_image = "{base}"\nname = "{long}"\ncache_desktop_build = true\n'
    config.write_text(config.read_text() + table)
    lines = typed("env", "list")[1].splitlines()
    assert max(map(len, lines)) == 80
    assert lines[-1].startswith(f"{long[:15]}…  off      on, no effect  {base[:25]}…  ")
    assert typed("env", "list", "--no-trunc")[1].splitlines()[-1].split("  ")[::6] == [long, long]
    assert typed("env", "list", "-q")[1].split() == ["default", "plain", long]


def test_show(typed: Callable[..., tuple[int, str, str]], project: Path) -> None:
    """Every field has its line; what is empty is a dash, and nothing is there for a terminal to obey."""
    more = 'name = "\\u001b[2J"\nplatforms = ["linux/amd64", "linux/arm64"]\n[environments.plain.build_args]\nA = "1"\n'
    config = project / "desktop-bake.toml"
    config.write_text(config.read_text() + more)
    status, output, errors = typed("env", "show", "plain")
    fields = dict(line.split(None, 1) for line in output.splitlines())
    assert (status, errors) == (0, "")
    assert fields["name"] == "\\x1b[2J"
    assert (fields["platforms"], fields["build_args"]) == ("linux/amd64, linux/arm64", "A=1")
    assert (fields["headless_desktop_enabled"], fields["setup_script"]) == ("false", "-")


def test_layers(typed: Callable[..., tuple[int, str, str]], project: Path) -> None:
    """Layers are shown by name, lowest first, and whole in JSON; packages are a layer, so a cache has an effect."""
    config = project / "desktop-bake.toml"
    config.write_text(config.read_text() + '[layers.certs]\ntext = "true"\nbelow_desktop = true\n')
    tables = 'layers=[{name="web", script="web.sh"}, "certs"]'
    status, _, errors = typed(
        "env", "set", "plain", tables, "packages=git,curl", "files=a,b/", "cache_desktop_build=on"
    )
    assert (status, errors) == (0, "note: a does not exist yet\nnote: b/ does not exist yet\n")
    fields = dict(line.split(None, 1) for line in typed("env", "show", "plain")[1].splitlines())
    assert (fields["layers"], fields["packages"]) == ("certs (below the desktop), web", "git, curl")
    told = json.loads(typed("env", "show", "plain", "--json")[1])
    assert [(one["name"], one["script"], one.get("text")) for one in told["layers"]] == [
        ("certs", None, "true"),
        ("web", "web.sh", None),
    ]
    assert (told["packages"], told["files"]) == (["git", "curl"], ["a", "b/"])


def test_a_cache_without_a_desktop(typed: Callable[..., tuple[int, str, str]]) -> None:
    """A cache without a desktop has no effect, which is reported wherever it shows."""
    status, output, errors = typed("env", "set", "plain", "cache_desktop_build=on")
    assert (status, output.rpartition("/")[2]) == (0, "desktop-bake.toml: changed\n")
    note = "note: cache_desktop_build has no effect while headless_desktop_enabled is off in 'plain'\n"
    assert errors == note
    assert typed("env", "show", "plain")[2] == note
    assert "on, no effect" in typed("env", "list")[1]


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_set_and_unset(typed: Callable[..., tuple[int, str, str]], project: Path, flags: tuple[str, ...]) -> None:
    """Set fields are in the file, unset ones are not; a second time nothing changes."""
    config = project / "desktop-bake.toml"
    before = config.read_text()
    for changed in (True, False):
        status, output, _ = typed("env", "set", "plain", "name=A b", "build_args.X=1", *flags)
        assert status == 0
        told = json.loads(output)["changed"] if flags else output.endswith(": changed\n")
        assert told is changed
    assert 'name = "A b"' in config.read_text()
    assert typed("env", "unset", "plain", "name", "build_args", *flags)[0] == 0
    assert config.read_text().rstrip() == before.rstrip()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("set", "plain", "no_such_field=1"), "no_such_field"),
        (("set", "plain", "platform"), "platform"),
        (("set", "plain", "platforms=nonsense"), "malformed platform 'nonsense'"),
        (("set", "new", "name=x"), "new"),
        (("unset", "plain", "base_image"), "base_image cannot be unset"),
        (("set", "plain", "ports=80:x"), "environment 'plain': ports: malformed port '80:x'"),
        (("set", "plain", "extra_mounts=/a"), "environment 'plain': extra_mounts: malformed mount '/a'"),
        (("set", "plain", "shm_size=big"), "environment 'plain': shm_size: bad value"),
        (("set", "plain", "setup_script=../x"), "leads out of the configuration's folder"),
    ],
)
def test_refused(typed: Callable[..., tuple[int, str, str]], project: Path, words: tuple[str, ...], says: str) -> None:
    """An edit that would not load is not written."""
    before = (project / "desktop-bake.toml").read_text()
    status, output, errors = typed("env", *words)
    assert (status, output) == (2, "")
    assert says in errors
    assert (project / "desktop-bake.toml").read_text() == before


def test_a_new_one(typed: Callable[..., tuple[int, str, str]]) -> None:
    """A new environment is made if that is said; a script that is not there yet is told."""
    status, _, errors = typed("env", "set", "new", "--create", "base_image=debian:12", "setup_script=later.sh")
    assert (status, errors) == (0, "note: later.sh does not exist yet\n")
    assert "debian:12" in typed("env", "show", "new")[1]


def test_no_configuration(
    typed: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a configuration there is nothing to change."""
    monkeypatch.chdir(tmp_path)
    status, _, errors = typed("env", "set", "a", "name=x")
    assert (status, errors.splitlines()[1]) == (2, "  run: desktop-bake init")


def test_agents_runner(typed: Callable[..., tuple[int, str, str]], project: Path) -> None:
    """Environments of Agents Runner are changed where they are; new ones are made there."""
    file = project / "environments.json"
    file.write_text('[{"env_id": "a", "headless_desktop_enabled": false}]')
    status, output, _ = typed("env", "set", "a", "headless_desktop_enabled=on", "--environments", str(file), "--json")
    assert (status, json.loads(output)["headless_desktop_enabled"]) == (0, True)
    assert json.loads(file.read_text())[0]["headless_desktop_enabled"] is True
    status, _, errors = typed("env", "set", "b", "--create", "name=x", "--environments", str(file))
    assert (status, errors.splitlines()[0]) == (2, "error: Agents Runner makes its environments itself")


def test_a_folder_whose_name_moves_the_cursor(
    typed: Callable[..., tuple[int, str, str]], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name of the changed file is printed without its control characters."""
    folder = project / "\x1b[2J"
    folder.mkdir()
    (project / "desktop-bake.toml").rename(folder / "desktop-bake.toml")
    monkeypatch.chdir(folder)
    status, output, _ = typed("env", "set", "plain", "name=a")
    assert (status, output) == (0, f"{project}/\\x1b[2J/desktop-bake.toml: changed\n")
