"""`desktop-bake ps`."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from tests.harness.listed import listed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.fake_engine import FakeEngine


def test_ps(typed: Callable[..., tuple[int, str, str]], engine: FakeEngine) -> None:
    """Within 80 columns a task is its name or short ID, and a key 12 digits; whole with --no-trunc,
    by name with -q, or as JSON.
    """
    now = int(time.time()) - 90
    engine.containers = [
        listed("a1", created=now, environment="e" * 50, name="n" * 60),
        listed("b2", created=now - 1, state="exited", said="Exited (3) 2 s ago"),
    ]
    status, output, _ = typed("ps")
    heads, one, two = output.splitlines()
    assert (status, heads.split()) == (0, ["TASK", "ENVIRONMENT", "KEY", "STATUS", "AGE"])
    assert one.startswith("n" * 18 + "…  " + "e" * 15 + "…  ")
    assert two.startswith("b20000000000  ")
    assert two.endswith("  exited with 3  1 minute")
    assert max(map(len, (heads, one, two))) <= 80
    whole = typed("ps", "--no-trunc")[1]
    assert "n" * 60 in whole
    assert " key " in whole
    assert typed("ps", "-q")[1] == "n" * 60 + "\nb20000000000\n"
    told = json.loads(typed("ps", "--json")[1])
    assert (told["schema"], [task["status"] for task in told["tasks"]]) == (1, [None, 3])
