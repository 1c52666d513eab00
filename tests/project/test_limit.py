"""The time limit of every test, whatever it waits for."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOOKS = "from tests.conftest import pytest_runtest_teardown, pytest_timeout_set_timer\n"
SPINS = """
import io, pytest

def spin():
    while not io.StringIO("").readline():  # the end of a stream, again and again
        pass

@pytest.fixture
def begins():
    spin()

@pytest.fixture
def ends():
    yield
    spin()

def test_in_a_fixture(begins): pass
def test_itself(): spin()
def test_after_it(ends): pass
def test_after_a_failure(ends): assert 0
def test_well(): pass
"""


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_a_test_that_spins(tmp_path: Path, workers: tuple[str, ...]) -> None:
    """Anything that spins, the test or a fixture's beginning or end, is stopped at the limit; the next test runs."""
    (tmp_path / "conftest.py").write_text(HOOKS)
    (tmp_path / "test_spins.py").write_text(SPINS)
    words = ["-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path), "--timeout", "0.3"]
    done = subprocess.run(
        [sys.executable, *words, "-rA", "-p", "no:cacheprovider", *workers, str(tmp_path / "test_spins.py")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    ends = re.findall(r"^(PASSED|FAILED|ERROR) \S+::(test_\w+)", done.stdout, re.MULTILINE)
    assert sorted(ends) == [
        ("ERROR", "test_after_a_failure"),
        ("ERROR", "test_after_it"),
        ("ERROR", "test_in_a_fixture"),
        ("FAILED", "test_after_a_failure"),
        ("FAILED", "test_itself"),
        ("PASSED", "test_after_it"),
        ("PASSED", "test_well"),
    ], done.stdout + done.stderr


def test_every_test_has_a_limit(request: pytest.FixtureRequest) -> None:
    """The project's own configuration sets the limit, and every test has it."""
    assert 0 < float(request.config.getini("timeout")) <= 600
    assert [item.nodeid for item in request.session.items if item.get_closest_marker("timeout")] == []
