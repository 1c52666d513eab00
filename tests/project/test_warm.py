"""`warm`: what a round does and prints, and how it ends."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from desktop_bake import Environment, ImageReference, Settings
from desktop_bake.bake.cli.parser import parser
from desktop_bake.bake.engine.engine import Engine
from desktop_bake.bake.upkeep.warm import Tidied, warm_round
from tests.harness.documents import cron_faults
from tests.harness.work import work

DOCS = Path(__file__).parents[2] / "docs"
UNIT = DOCS / "warm" / "desktop-bake-warm.service"


def test_the_place_for_prune() -> None:
    """The tidying function is called after a round in which nothing failed, and its result is in the round."""
    done = warm_round(1, work(Engine()), tidy=lambda: Tidied(removed=3, error="one stayed", exit_status=1))
    assert "no environment has its cache switched on, 3 removed in " in done.line()
    assert done.line().endswith("; prune: one stayed")
    assert (done.status, done.as_json()["removed"]) == (1, 3)
    environment = Environment(
        env_id="a",
        base_image=ImageReference.parse("127.0.0.1:9/nowhere:1"),
        headless_desktop_enabled=True,
        cache_desktop_build=True,
    )
    done = warm_round(1, work(Engine(), Settings(environments={"a": environment})), tidy=lambda: pytest.fail("called"))
    assert (done.warmed[0].action, done.tidied) == ("failed", None)


def test_unit(tmp_path: Path) -> None:
    """The systemd unit is valid: by systemd's own check if it is installed, and by its form on any machine."""
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(UNIT)
    assert unit.sections() == ["Unit", "Service", "Install"]
    command = unit["Service"]["ExecStart"].split()
    assert parser().parse_args(command[1:]).watch == "15m"
    if shutil.which("systemd-analyze"):
        there = tmp_path / UNIT.name
        there.write_text(UNIT.read_text().replace(command[0], sys.executable))
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", there], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        there.write_text(there.read_text().replace("Restart=on-failure", "Restart=on-failur"))
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", there], capture_output=True, text=True, check=False
        )
        assert "on-failur" in done.stderr


def test_cron_line() -> None:
    """The cron line is valid for cron, and its command is one of ours."""
    text = (DOCS / "warm" / "desktop-bake-warm.cron").read_text()
    assert not cron_faults(text)
    assert "desktop-bake warm --config" in text
