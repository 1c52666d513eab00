"""`desktop-bake init`: a configuration that loads, and never over another file."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_init(typed: Callable[..., tuple[int, str, str]], project: Path) -> None:
    """What it writes loads, has the base that was requested, and can be read by everyone."""
    (project / "desktop-bake.toml").unlink()
    assert typed("init", "--base-image", "ubuntu:24.04")[:2] == (0, "desktop-bake.toml\n")
    file = project / "desktop-bake.toml"
    assert tomllib.loads(file.read_text())["environments"]["default"]["base_image"] == "ubuntu:24.04"
    assert file.stat().st_mode & 0o777 == 0o644
    status, output, errors = typed("env", "list")
    assert (status, errors) == (0, "")
    assert "ubuntu:24.04" in output


def test_elsewhere(typed: Callable[..., tuple[int, str, str]], project: Path) -> None:
    """--config says where."""
    assert typed("init", "--config", "other.toml")[:2] == (0, "other.toml\n")
    assert (project / "other.toml").is_file()


def test_refused(typed: Callable[..., tuple[int, str, str]], project: Path) -> None:
    """A file that is there stays; a place that cannot be written, or a base that is none, is reported."""
    before = (project / "desktop-bake.toml").read_text()
    assert typed("init")[::2] == (2, "error: desktop-bake.toml exists already\n  edit it, or remove it first\n")
    assert (project / "desktop-bake.toml").read_text() == before
    status, _, errors = typed("init", "--config", "gone/a.toml")
    assert (status, errors.splitlines()[0]) == (2, "error: cannot write gone/a.toml: No such file or directory")
    assert typed("init", "--config", "b.toml", "--base-image", "UPPER")[0] == 2
    assert not (project / "b.toml").exists()
