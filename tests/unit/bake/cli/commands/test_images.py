"""`desktop-bake images`: what is cached."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from desktop_bake.bake.system.whose import short_hash
from tests.harness.recipes import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.fake_engine import FakeEngine

REPOSITORY = "registry.example.com/team/desktop"


def test_images(typed: Callable[..., tuple[int, str, str]], engine: FakeEngine) -> None:
    """Those of the repository; with --all, those of any."""
    engine.add(f"{REPOSITORY}:{KEY}", KEY.labels("b"))
    engine.add(f"elsewhere:{KEY}", {**KEY.labels("b"), "x": "y"})
    status, output, _ = typed("images")
    assert status == 0
    assert short_hash(str(KEY))[:12] in output
    assert max(map(len, output.splitlines())) <= 80
    status, output, _ = typed("images", "--no-trunc")
    assert status == 0
    assert f"{REPOSITORY}:{KEY}" in output
    assert "elsewhere" not in output
    status, output, _ = typed("images", "--all", "--no-trunc")
    assert status == 0
    assert "elsewhere" in output
    here, everywhere = (json.loads(typed("images", *flags, "--json")[1])["images"] for flags in ((), ("--all",)))
    assert (len(here), len(everywhere)) == (1, 2)


def test_in_the_registry(typed: Callable[..., tuple[int, str, str]], engine: FakeEngine) -> None:
    """With --registry it is told whether the team has each; a repository in no registry cannot be asked."""
    engine.add(f"{REPOSITORY}:{KEY}", KEY.labels("b"))
    (told,) = json.loads(typed("images", "--registry", "--json")[1])["images"]
    assert told["published"] is False
    status, output, errors = typed("images", "--registry", "--repository", "desktop-bake")
    assert (status, output) == (2, "")
    assert "is in no registry" in errors
