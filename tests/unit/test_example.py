"""The lines that examples/agents_runner.py hands to the window of Agents Runner."""

from __future__ import annotations

import pytest

from examples.agents_runner import as_their_line


@pytest.mark.parametrize(
    ("line", "container_id", "theirs"),
    [
        ("[desktop-cache] hit (local): a:b", None, "[desktop/cache][INFO] hit (local): a:b"),
        ("[desktop-cache] WARNING: the disk is full", None, "[desktop/cache][WARN] the disk is full"),
        ("[desktop] ready", "1a2b3c", "[desktop/setup][INFO] ready"),
        ("#5 [2/4] RUN bash install.sh", None, "[desktop/build][INFO] #5 [2/4] RUN bash install.sh"),
        ("hello", "1a2b3c", "[1a2b/stdout][INFO] hello"),
        ("[gh/repo][WARN] theirs already", "1a2b3c", "[gh/repo][WARN] theirs already"),
        ("[desktop-cached] another program's", "1a2b3c", "[1a2b/stdout][INFO] [desktop-cached] another program's"),
        ("", "1a2b3c", "[1a2b/stdout][INFO] "),
    ],
)
def test_lines(line: str, container_id: str | None, theirs: str) -> None:
    """Each has scope, part and level; one that has them already stays."""
    assert as_their_line(line, container_id) == theirs
