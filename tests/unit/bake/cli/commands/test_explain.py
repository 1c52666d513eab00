"""`desktop-bake explain`: why it is a miss."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from desktop_bake import Digest
from desktop_bake.bake.system.whose import short_key
from tests.harness.recipes import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.fake_engine import FakeEngine


def test_one(typed: Callable[..., tuple[int, str, str]]) -> None:
    """One environment, in a line or as an object; a miss is an answer, no failure."""
    status, output, _ = typed("explain")
    assert status == 0
    assert output.startswith("default: miss: ")
    status, output, _ = typed("explain", "--json")
    told = json.loads(output)
    assert (status, told["environment"], told["status"]) == (0, "default", "miss")


def test_all(typed: Callable[..., tuple[int, str, str]]) -> None:
    """All are those that have their cache switched on."""
    status, output, _ = typed("explain", "--all", "--json")
    told = json.loads(output)
    assert (status, told["schema"], [e["environment"] for e in told["environments"]]) == (0, 1, ["default"])


def test_what_changed(typed: Callable[..., tuple[int, str, str]], engine: FakeEngine) -> None:
    """The nearest image is 12 digits, with its age, each change a line, within 80 columns; whole with --no-trunc."""
    near = replace(KEY, variant="bookworm", setup=Digest.of(b"other"))
    engine.add(f"registry.example.com/team/desktop:{near}", near.labels("debian:bookworm"), made_s=1)
    status, output, _ = typed("explain")
    lines = output.splitlines()
    assert status == 0
    assert f"  nearest: {short_key(str(near))} (here, made " in output
    assert max(map(len, lines)) <= 80
    assert lines[0].endswith("…")
    whole = typed("explain", "--no-trunc")[1].splitlines()
    assert f"  nearest: registry.example.com/team/desktop:{near} (here, made " in "\n".join(whole)
    assert whole[0].startswith(lines[0].rstrip("…"))
    assert whole[2:] == [f"  {change}" for change in whole[0].removeprefix("default: miss: ").split("; ")]
    assert "".join("".join(whole[2:]).split()) == "".join("".join(lines[2:]).split())
