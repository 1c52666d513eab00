"""Users without a home, without an entry among the machine's users, and without a folder for temporary files."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_bake.bake.engine.docker_config import client_config, config_folder
from tests.harness.users import USER

if TYPE_CHECKING:
    import pytest


def test_the_docker_clients_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its configuration is looked for in the home of the variable, else of the user's entry, never in the working
    directory, whose `.docker` may be a stranger's."""
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    monkeypatch.setenv("HOME", "/a/home")
    assert config_folder() == Path("/a/home/.docker")
    entry = Path(pwd.getpwuid(os.getuid()).pw_dir, ".docker")
    monkeypatch.setenv("HOME", "")
    assert config_folder() == entry
    monkeypatch.delenv("HOME")
    assert config_folder() == entry
    monkeypatch.setattr(os, "getuid", lambda: int(USER))
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text('{"currentContext": "evil"}')
    monkeypatch.chdir(tmp_path)
    assert config_folder() == Path("/.docker")
    assert client_config() == {}
