"""docs/faults.md as data: what it says that a user sees is compared with the real output."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
READY, FALLBACK = "[desktop] ready", "[desktop-cache] falling back to runtime install"
TASKS = ("starts from its image", "installs at start", "is refused", "ends")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One fault of the page.

    Attributes:
        sees: the printed lines, in this order; `…` stands for any text within a line.
        status: the exit status.
        task: one of TASKS.
    """

    sees: tuple[str, ...]
    status: int
    task: str

    def compare(self, status: int, printed: str) -> None:
        """Assert that this happened, and that every error is one line and its remedy."""
        lines = printed.splitlines()
        at = 0
        for wanted in self.sees:
            pattern = ".*".join(re.escape(part) for part in wanted.split("…"))
            found = next((n for n in range(at, len(lines)) if re.search(pattern, lines[n])), None)
            assert found is not None, f"{wanted!r} is not in: {printed}"
            at = found
        assert status == self.status, printed
        assert (READY in lines) is (self.task != "is refused"), printed
        assert (FALLBACK in lines) is (self.task == "installs at start"), printed
        assert "Traceback" not in printed
        for number, line in enumerate(lines):
            if line.startswith("error: "):
                assert lines[number + 1].startswith("  "), printed


def rows() -> dict[str, Row]:
    """The page's faults, by name."""
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] != "fault":
            fault, sees, status, task = cells
            assert task in TASKS, line
            assert fault not in found, line
            found[fault] = Row(sees=tuple(re.findall(r"`([^`]+)`", sees)), status=int(status), task=task)
    return found
