"""`doctor`: what it looks at, what it says where something is wrong, and that its exit status is the build's."""

from __future__ import annotations

from desktop_bake.bake.system.text import age, size, table
from desktop_bake.bake.upkeep.check import State
from desktop_bake.bake.upkeep.doctor import LEAST_FREE_BYTES, LITTLE_FREE_BYTES, space


def test_free_space() -> None:
    """Too little space is a failure, little a warning, each with what makes room."""
    states = [space("disk", n).state for n in (LEAST_FREE_BYTES - 1, LITTLE_FREE_BYTES - 1, LITTLE_FREE_BYTES)]
    assert states == [State.FAILURE, State.WARNING, State.OK]
    assert "prune" in space("disk", 0).remedy


def test_human_forms() -> None:
    """Sizes as docker writes them, ages in one unit, columns under each other."""
    assert [size(n) for n in (0, 999, 1000, 188_400_000, 999_600, 1_240_000_000)] == [
        "0 B",
        "999 B",
        "1 kB",
        "188 MB",
        "1 MB",
        "1.24 GB",
    ]
    assert [age(n) for n in (0.2, 1, 119, 7200, 86_400 * 3.5, 86_400 * 400)] == [
        "a moment",
        "1 second",
        "1 minute",
        "2 hours",
        "3 days",
        "1 year",
    ]
    assert table([("A", "B"), ("long", "x")]) == "A     B\nlong  x"
