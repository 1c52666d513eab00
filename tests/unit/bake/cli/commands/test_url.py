"""`desktop-bake url`."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING

from desktop_bake import Tasks
from tests.harness.listed import listed

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.harness.fake_engine import FakeEngine


def test_url(typed: Callable[..., tuple[int, str, str]], engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address is printed, or the one to look on; if the port has to be carried here, it is until the task ends."""
    done: list[str] = []
    forward = SimpleNamespace(close=lambda: done.append("close"))
    monkeypatch.setattr(Tasks, "ending", lambda *_: SimpleNamespace(wait=lambda _limit_s: done.append("wait")))
    monkeypatch.setattr(Tasks, "url", lambda *_, view_only: (f"http://{view_only}", None))
    engine.containers = [listed("a1")]
    assert typed("url", "a1") == (0, "http://False\n", "")
    assert json.loads(typed("url", "a1", "--json", "--view-only")[1])["novnc_url"] == "http://True"
    assert done == []
    monkeypatch.setattr(Tasks, "url", lambda *_, **__: ("http://a", forward))
    status, output, errors = typed("url", "a1")
    assert (status, output, done) == (0, "http://a\n", ["wait", "close"])
    assert errors == "[desktop] the port is carried here until the task ends, or Ctrl-C\n"
