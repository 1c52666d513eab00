"""A machine's shortage, read from a program's output."""

from __future__ import annotations

import pytest

from desktop_bake.bake.engine.shortage import DISK, MEMORY, Shortage, shortage


@pytest.mark.parametrize(
    ("lines", "short"),
    [
        ((), None),
        (("ERROR: failed to copy: write /var/lib/x/data: no space left on device",), DISK),
        (("tar: x: Cannot write: No space left on device", "exit code: 137"), DISK),
        (('process "/bin/sh -c x" did not complete successfully: exit code: 137',), MEMORY),
        (('process "/bin/sh -c x" did not complete successfully: exit code: 137: cannot allocate memory',), MEMORY),
        (('process "/bin/sh -c x" did not complete successfully: exit code: 1',), None),
        (("an exit code: 137 of something else",), None),
    ],
)
def test_shortage(lines: tuple[str, ...], short: Shortage | None) -> None:
    """A full disk and a step killed for its memory are distinguished from a recipe's own failure."""
    assert shortage(lines) is short
