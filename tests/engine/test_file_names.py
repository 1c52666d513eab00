"""The files of a configuration are in its folder: no name and no link brings another file into an image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.file_names import OUTSIDE, SECRET

if TYPE_CHECKING:
    from tests.harness.project import Run


@pytest.mark.parametrize("name", ["{away}/secret", "link", "a link in the rendered folder"])
def test_render_check_shows_nothing_from_outside(cli: Run, project: Path, root: Path, name: str) -> None:
    """`render --check` prints no line of a file outside, whether a name leads there or a rendered link."""
    for file in ("desktop-bake.toml", "install.sh", "setup.sh"):
        (project / file).rename(root / file)
    config = root / "desktop-bake.toml"
    words = ("render", "-o", "ci", "--config", "root/desktop-bake.toml")
    assert cli(*words).returncode == 0
    if name in OUTSIDE:
        config.write_text(config.read_text().replace("setup.sh", name.format(away=project / "away")))
    else:
        (project / "ci" / "context").rename(project / "away" / "context")
        (project / "ci" / "context").symlink_to("../away/context")
        (script,) = (project / "away").rglob("desktop_setup.sh")
        script.write_text(SECRET)
    checked = cli(*words, "--check")
    assert checked.returncode == (2 if name in OUTSIDE else 1), checked.stderr
    assert "c2VjcmV0" not in checked.stdout + checked.stderr


def test_env_set(cli: Run, project: Path) -> None:
    """`env set` writes no name that the next command would refuse."""
    before = (project / "desktop-bake.toml").read_bytes()
    done = cli("env", "set", "default", "preflight_script=/etc/hostname")
    assert done.returncode == 2
    assert done.stderr.startswith(
        "error: environment 'default': preflight_script '/etc/hostname' leads out of the conf"
    )
    assert (project / "desktop-bake.toml").read_bytes() == before
