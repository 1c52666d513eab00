"""The shipped desktop on a machine that did not bake it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from tests.harness.engine_task import equipped as equipped_base
from tests.harness.team import answer

if TYPE_CHECKING:
    from tests.harness.machines import Machine, Registry
    from tests.harness.team import Project


def test_a_task_on_a_machine_that_never_built(shared: Project, equipped: Machine) -> None:
    """Baked and pushed by one machine, the shipped desktop is live on another after a pull."""
    (shared.folder / "desktop-bake.toml").write_text(
        f'repository = "{shared.repository}"\n[environments.default]\nbase_image = "{shared.base}"\n'
        "headless_desktop_enabled = true\ncache_desktop_build = true\n"
    )
    assert shared.bake("build", "--push").returncode == 0
    done = equipped.desktop_bake("run", "--", "xprop", "-root", "_NET_SUPPORTING_WM_CHECK", cwd=shared.folder)
    assert done.returncode == 0, done.stderr
    assert "window id" in done.stdout
    assert "[desktop-cache] hit (registry)" in done.stderr
    assert "building" not in done.stderr


def test_a_remote_engine(shared: Project, equipped: Machine, team: Registry) -> None:
    """Every command works on an engine that shares neither files nor network with the client, by DOCKER_HOST."""
    (shared.folder / "desktop-bake.toml").write_text(
        f'repository = "remote-{uuid.uuid4().hex[:6]}"\n[environments.default]\nbase_image = "{equipped_base(team)}"\n'
        "headless_desktop_enabled = true\ncache_desktop_build = true\ninstall_script = 'install.sh'\n"
    )
    variables = {"DOCKER_HOST": equipped.remote}
    built = answer(shared.bake("build", "--json", **variables))
    assert built["status"] in ("built", "local-hit")
    assert answer(shared.bake("resolve", "--json", **variables))["status"] == "local-hit"
    done = shared.bake("run", "--screenshot", "remote.png", "--", "xdotool", "getdisplaygeometry", **variables)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1280 800\n"
    assert "[desktop] ready" in done.stderr
    assert (shared.folder / "remote.png").read_bytes().startswith(b"\x89PNG")
