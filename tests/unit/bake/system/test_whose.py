"""The name for this user on this machine: always the same, without the names of user and machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from desktop_bake.bake.system import whose

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_this_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is another for another user, another machine, and a machine that has no ID but a name."""
    file = tmp_path / "machine-id"
    monkeypatch.setattr(whose, "_MACHINE_ID", file)
    found = {whose.this_user(), whose.this_user()}
    assert len(found) == 1
    for text in ("0123", "4567"):
        file.write_text(text + "\n")
        found.add(whose.this_user())
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    found.add(whose.this_user())
    assert len(found) == 4
    assert {len(name) for name in found} == {16}
    assert "4711" not in whose.this_user() or "4567" not in whose.this_user()


def test_short_key() -> None:
    """12 digits stand for a key, the same each time; none for none."""
    assert whose.short_key("") == ""
    assert len(whose.short_key("a")) == 12
    assert whose.short_key("a") == whose.short_key("a") != whose.short_key("b")
