"""`desktop-bake key`: the key, and its parts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from desktop_bake.generator.key import parse_key
from tests.harness.recipes import BASE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.harness.fake_engine import FakeEngine


def test_key(typed: Callable[..., tuple[int, str, str]]) -> None:
    """The key stands on the first line, and each part with its whole digest below it; JSON has the same."""
    status, output, errors = typed("key")
    assert (status, errors) == (0, "")
    key, *parts = output.splitlines()
    assert parse_key(key)[:2] == ("bookworm", BASE.hex[:16])
    status, output, _ = typed("key", "default", "--json")
    told = json.loads(output)
    assert (told["schema"], told["environment"], told["cache_key"]) == (1, "default", key)
    assert dict(line.split() for line in parts) == told["components"]


def test_its_own_files(typed: Callable[..., tuple[int, str, str]], project: Path) -> None:
    """A changed script is another key, of the same base."""
    before = typed("key")[1].splitlines()[0]
    (project / "setup.sh").write_text("echo mine\n")
    config = project / "desktop-bake.toml"
    config.write_text(config.read_text().replace("cache_desktop", 'setup_script = "setup.sh"\ncache_desktop'))
    after = typed("key")[1].splitlines()[0]
    assert after != before
    assert parse_key(after)[:3] == parse_key(before)[:3]


def test_refused(typed: Callable[..., tuple[int, str, str]], engine: FakeEngine) -> None:
    """An environment that is not there is reported with the ones that are; without an engine there is no key."""
    status, output, errors = typed("key", "defalt")
    assert (status, output) == (2, "")
    assert "did you mean 'default'?" in errors
    engine.is_up = False
    assert typed("key") == (4, "", "error: no Docker Engine answers\n  start it\n")
