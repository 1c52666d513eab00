"""`env`: arguments, output, edits and exit statuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.harness.project import Run


def test_list_and_show(cli: Run, project: Path, base: str) -> None:
    """Every environment is a line, every field is shown, and `--json` has the same content."""
    assert cli("env", "set", "--create", "gpu", "base_image=debian:trixie", "name=GPU").returncode == 0
    lines = cli("env", "list").stdout.splitlines()
    assert lines[0].split() == ["ENVIRONMENT", "DESKTOP", "CACHE", "BASE", "IMAGE", "NAME"]
    assert lines[1].split() == ["default", "on", "on", base]
    assert lines[2].split() == ["gpu", "off", "off", "debian:trixie", "GPU"]
    listed = json.loads(cli("env", "list", "--json").stdout)
    assert listed["schema"] == 1
    assert [e["environment"] for e in listed["environments"]] == ["default", "gpu"]
    shown = json.loads(cli("env", "show", "default", "--json").stdout)
    assert shown == {"schema": 1, **listed["environments"][0]}
    assert shown["desktop_cache_enabled"] is True
    assert "install_script            install.sh\n" in cli("env", "show", "default").stdout


def test_set_says_what_has_no_effect(cli: Run, project: Path) -> None:
    """The cache can be switched on while the desktop is off; `set`, `show` and `list` then say so."""
    off = cli("env", "set", "default", "headless_desktop_enabled=off", "cache_desktop_build=on")
    assert off.returncode == 0
    assert off.stderr.startswith("note: cache_desktop_build has no effect while headless_desktop_enabled is off")
    assert "has no effect" in cli("env", "show").stderr
    assert "on, no effect" in cli("env", "list").stdout
    assert json.loads(cli("resolve", "--json").stdout)["reason"] == "headless desktop is off"


def test_set_changes_what_commands_do(cli: Run, project: Path) -> None:
    """A new field is in the key; without it, the key is the old one; setting the same value again writes nothing."""
    before = cli("key").stdout
    assert cli("env", "set", "default", "build_args.A=1").returncode == 0
    assert cli("key").stdout != before
    stamp = (project / "desktop-bake.toml").stat().st_mtime_ns
    again = json.loads(cli("env", "set", "default", "build_args.A=1", "--json").stdout)
    assert again["changed"] is False
    assert (project / "desktop-bake.toml").stat().st_mtime_ns == stamp
    assert cli("env", "unset", "default", "build_args").returncode == 0
    assert cli("key").stdout == before


def test_nothing_wrong_is_written(cli: Run, project: Path) -> None:
    """A wrong field, value, environment or file: exit status 2, a remedy, and the file as it was."""
    path = project / "desktop-bake.toml"
    text = path.read_text()
    for words, says in {
        ("env", "set", "default", "setup_scrip=x"): "did you mean 'setup_script'?",
        ("env", "set", "default", "platforms=x"): "malformed platform",
        ("env", "set", "defualt", "name=x"): "did you mean 'default'?",
        ("env", "set", "--create", "new", "name=x"): "base_image is missing",
        ("env", "unset", "default", "base_image"): "cannot be unset",
        ("env", "set", "default", "name=x", "--config", "nowhere.toml"): "cannot edit nowhere.toml",
        ("env", "frobnicate"): "unknown action 'frobnicate'",
    }.items():
        done = cli(*words)
        assert done.returncode == 2, words
        assert says in done.stderr, words
        assert path.read_text() == text
    path.write_text(text + "wrong = 1\n")
    assert cli("env", "set", "default", "name=x").returncode == 2
    assert path.read_text() == text + "wrong = 1\n"


def test_a_script_that_is_not_there_yet(cli: Run, project: Path) -> None:
    """A script can be named before it is written, with a note."""
    done = cli("env", "set", "default", "setup_script=mine.sh")
    assert done.returncode == 0
    assert done.stderr == "note: mine.sh does not exist yet\n"
