"""What a task installs itself, in order: by the parts that its image lacks."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Layer, Settings
from desktop_bake.bake.images.result import Disabled, Fallback, ImageResult, LocalHit
from desktop_bake.bake.task.at_start import AtStart, at_start, said_of
from desktop_bake.generator.script import Script
from tests.harness.recipes import OFFICE
from tests.harness.work import order

if TYPE_CHECKING:
    from desktop_bake import Environment

SETTINGS = Settings()
FALLBACK = Fallback(environment="office", image="a@sha256:b", cache_key=None, reason="x", exit_status=6)
CERTS = Layer(name="certs", script=Script.text("certs\n"), below_desktop=True)
TOOLS = Layer(name="tools", script=Script.text("tools\n"))
ALL = replace(OFFICE, layers=(CERTS, TOOLS), packages=("git",), preflight_script=Script.text("own\n"))
RUN = b"exec /bin/sh /etc/desktop-bake/layer-%d/install.sh\n"


def hit(environment: Environment) -> ImageResult:
    """The image of what is baked for an environment."""
    return LocalHit(
        order=replace(order(SETTINGS), environment=environment, stack=SETTINGS.stack(environment)), image_id="i"
    )


def test_all_of_it() -> None:
    """On the base the layers below come first, then the desktop, and what lies above it once it is ready."""
    found = at_start(ALL, FALLBACK, SETTINGS)
    assert found.names == ("layer 'certs'", "desktop", "layer 'tools'", "layer 'packages'", "preflight")
    assert found.before == ("layer-1/install.sh", "desktop_install.sh", "desktop_setup.sh")
    assert found.after == {
        "layer 'tools'": RUN % 2,
        "layer 'packages'": RUN % 3,
        "preflight_script": b"own\n",
    }
    assert found.files["layer-1/layer.sh"] == b"certs\n"
    assert found.files["layer-3/packages"] == b"git\n"
    assert {"layer-3/layer_packages.sh", "desktop_setup.sh"} <= found.files.keys()


def test_on_the_nearest_image() -> None:
    """After a failure, a task of the nearest image installs what that image lacks and nothing else."""
    built = order(SETTINGS)
    whole = SETTINGS.stack(replace(OFFICE, layers=(CERTS, TOOLS)))
    below = whole.under_top()
    assert below
    near = replace(FALLBACK, upon=replace(built, stack=below), image_id="i", install_at_start=False)
    found = at_start(ALL, near, SETTINGS)
    assert not near.lacks_desktop
    assert (found.names, found.before) == (("layer 'tools'", "layer 'packages'", "preflight"), ())


def test_nothing() -> None:
    """An image that has all of it leaves nothing to do, and no file is read; nor has a base that is enough."""
    assert at_start(ALL, hit(ALL), Settings(root=SETTINGS.root / "nowhere")) == AtStart()
    plain = replace(OFFICE, headless_desktop_enabled=False)
    disabled = Disabled(environment="office", image="a", reason="", install_at_start=False)
    assert at_start(plain, disabled, SETTINGS) == AtStart()


@pytest.mark.parametrize(
    ("certs", "tools", "names", "on"),
    [
        (None, None, (), None),
        (
            None,
            False,
            ("layer 'tools'", "layer 'packages'", "preflight"),
            "layer 'tools'",
        ),
        (
            False,
            None,
            ("layer 'certs'", "desktop", "layer 'tools'", "layer 'packages'", "preflight"),
            "layer 'certs'",
        ),
    ],
)
def test_what_is_not_baked(certs: bool | None, tools: bool | None, names: tuple[str, ...], on: str | None) -> None:
    """A layer whose switch is off runs at start, with all that lies on it, which one line shows."""
    environment = replace(ALL, layers=(replace(CERTS, cache=certs), replace(TOOLS, cache=tools)))
    image = (
        hit(environment)
        if environment.cache_enabled
        else Disabled(environment="office", image="a", reason="", install_at_start=True)
    )
    found = at_start(environment, image, SETTINGS)
    why = f"what lies on {on}, which is not baked, is not baked either"
    assert found.names == names
    assert said_of(environment, found) == (f"[desktop] installing at start: {', '.join(names)}; {why}" if on else None)


def test_a_layer_of_a_desktop_that_is_not_baked() -> None:
    """A layer that is baked without its desktop is in the image; the desktop is installed on it."""
    environment = replace(
        ALL, cache_desktop_build=False, layers=(replace(TOOLS, cache=True),), packages=(), preflight_script=None
    )
    found = at_start(environment, hit(environment), SETTINGS)
    assert found.before == ("desktop_install.sh", "desktop_setup.sh")
    assert (found.after, said_of(environment, found)) == ({}, "[desktop] installing at start: desktop")


def test_without_layers() -> None:
    """Nothing more is said of an environment without layers than before there were any."""
    found = at_start(OFFICE, FALLBACK, SETTINGS)
    assert found.before == ("desktop_install.sh", "desktop_setup.sh")
    assert said_of(OFFICE, found) is None


def test_how_a_layer_is_installed(tmp_path: Path) -> None:
    """Packages come first, by their names; the script runs in its own folder that has its files, and is gone."""
    (tmp_path / "desktop-bake.toml").touch()
    (tmp_path / "say").write_text("#!/bin/sh\necho said\n")
    (tmp_path / "say").chmod(0o755)
    text = "./say\npwd\nexit 3\n"
    layer = Layer(name="tools", script=Script.text(text), files=("say",), packages=("b", "a"))
    found = at_start(replace(OFFICE, layers=(layer,)), FALLBACK, Settings(root=tmp_path))
    assert found.executables == ("layer-1/files/say",)
    for name, content in found.files.items():
        file = tmp_path / "c" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(0o755 if name in found.executables else 0o644)
    (tmp_path / "c" / "layer-1" / "layer_packages.sh").write_text("echo packages $*\n")
    done = subprocess.run(
        ["sh", "-c", f"exec sh {tmp_path}/c/layer-1/install.sh"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.splitlines() == ["packages a b", "said", "/tmp/desktop-bake-layer"]
    assert not Path("/tmp/desktop-bake-layer").exists()
