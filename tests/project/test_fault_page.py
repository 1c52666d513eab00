"""docs/faults.md and the tests of its rows."""

from __future__ import annotations

from pathlib import Path

from tests.harness.engine_limits import FAULTS
from tests.harness.fault_page import rows


def test_every_row_is_tested() -> None:
    """Each fault of the page has a test of its name."""
    tests = (Path(__file__).parents[1] / "faults" / "test_engine_faults.py").read_text()
    for fault in rows():
        name = fault.replace("killed", "{how}").replace("stopped", "{how}")
        assert fault in FAULTS or f'ROWS["{fault}"]' in tests or f'ROWS[f"{name}"]' in tests, fault
