"""docs/faults.md and the tests of its rows."""

from __future__ import annotations

from pathlib import Path

from tests.fault_page import rows
from tests.test_engine_limits import FAULTS


def test_every_row_is_tested() -> None:
    """Each fault of the page is a test's, by its name."""
    tests = (Path(__file__).parent / "test_engine_faults.py").read_text()
    for fault in rows():
        name = fault.replace("killed", "{how}").replace("stopped", "{how}")
        assert fault in FAULTS or f'ROWS["{fault}"]' in tests or f'ROWS[f"{name}"]' in tests, fault
