"""Environments of Agents Runner: read as it reads them, and edited without changing any other byte."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.harness.agents_runner import STATE, parse

if TYPE_CHECKING:
    from tests.harness.project import Run


def test_commands_work_on_them(cli: Run, project: Path, base: str) -> None:
    """Key, render, resolve and env work on a file of Agents Runner without desktop-bake.toml; only env writes it."""
    (project / "desktop-bake.toml").unlink()
    path = project / "state.json"
    path.write_text(STATE)
    path.chmod(0o600)
    words = ("--environments", "state.json")
    listed = json.loads(cli(*words, "env", "list", "--json", DESKTOP_BAKE_BASE_IMAGE=base).stdout)["environments"]
    assert [(e["environment"], e["base_image"]) for e in listed] == [("one", base), ("two", base)]
    disabled: dict[str, Any] = json.loads(cli("resolve", "one", *words, "--json", DESKTOP_BAKE_BASE_IMAGE=base).stdout)
    assert disabled["status"] == "disabled"
    done = cli(*words, "env", "set", "one", "cache_desktop_build=on")
    assert done.returncode == 0, done.stderr
    assert path.read_text() == parse(STATE).edit("one", {"cache_desktop_build": True})
    assert path.stat().st_mode & 0o777 == 0o600
    key = cli(*words, "key", "one", DESKTOP_BAKE_BASE_IMAGE=base).stdout.split()[0]
    assert key in cli(*words, "render", "one", DESKTOP_BAKE_BASE_IMAGE=base).stdout
    after = path.read_bytes()
    resolved = json.loads(cli(*words, "resolve", "one", "--json", DESKTOP_BAKE_BASE_IMAGE=base).stdout)
    assert resolved["cache_key"] == key
    assert path.read_bytes() == after
    refused = cli(*words, "env", "set", "one", "setup_script=x")
    assert refused.returncode == 2
    assert "unknown field 'setup_script'" in refused.stderr
    assert cli("key", "--environments", "nowhere.json").returncode == 2
    assert cli("key", "ones", *words).stderr.splitlines()[-1] == "  did you mean 'one'?"


# The run's own cache folder has the locks by which only one worker bakes the shipped desktop at a time.
CACHE = {name: os.environ[name] for name in ("XDG_CACHE_HOME",) if name in os.environ}


def test_build_and_run_with_a_base_of_their_own(cli: Run, project: Path, base: str) -> None:
    """`build` bakes an environment of Agents Runner once, and `run` uses that image."""
    payload = {"base_image": base, "cache_desktop_build": True, "env_id": "a", "headless_desktop_enabled": True}
    (project / "a.json").write_text(json.dumps(payload))
    words = ("--environments", "a.json", "--repository", "desktop-bake")  # like the other tests of the shipped desktop
    built = cli(*words[:2], "build", *words[2:], "--json", DESKTOP_BAKE_CACHE="none", **CACHE)
    assert built.returncode == 0, built.stderr
    assert json.loads(built.stdout)["images"][0]["status"] in ("built", "local-hit")
    ran = cli("run", *words, "--", "sh", "-c", "echo $DISPLAY")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith(":")
    assert "hit (local)" in ran.stderr
