"""Layers below and above a desktop on a real engine: what is baked, shared and rebuilt, and what runs at start."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.project import Run

LAYERS = """
[layers.certs]
text = "date +%s%N >/etc/certs"
below_desktop = true
[layers.hello]
packages = ["hello"]
needs = ["certs"]
below_desktop = true
[layers.tools]
script = "tools/tools.sh"
files = ["tools/lib.sh", "tools/say"]
[environments.plain]
base_image = "{base}"
cache_desktop_build = true
layers = ["certs", "tools"]
"""


def inspected(image: str) -> dict[str, str]:
    """The labels of an image."""
    words = ["docker", "image", "inspect", "-f", "{{json .Config.Labels}}", image]
    labels: dict[str, str] = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
    return labels


def seen(image: str) -> dict[str, str]:
    """What the parts of an image wrote into it."""
    program = "cd /etc; for f in certs installed tools; do echo $f=$(cat $f 2>&1); done; echo hello=$(hello)"
    words = ["docker", "run", "--rm", image, "sh", "-c", program]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return dict(line.partition("=")[::2] for line in said.splitlines())


def test_layers(project: Path, cli: Run, base: str) -> None:
    """One bake makes every part a separate image on the one below; environments share equal parts; changing a part
    rebuilds it and the parts above, on the existing images; a part that cannot be built is installed at start, on the
    image of the parts below."""
    tools = project / "tools"
    tools.mkdir()
    (tools / "lib.sh").write_text("say() { ./say >/etc/tools; }\n")
    (tools / "say").write_text('#!/bin/sh\nbasename "$(pwd)"\n')
    (tools / "say").chmod(0o755)
    (tools / "tools.sh").write_text(". ./lib.sh\nsay\nrm -r /tmp/*\n")  # as many images are cleaned
    (project / "install.sh").write_text("date +%s%N >/etc/installed\n")
    config = project / "desktop-bake.toml"
    config.write_text(config.read_text() + 'layers = ["hello", "tools"]\n' + LAYERS.format(base=base))

    done = cli("build", "--all", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("[desktop-cache] building ") == 5
    first, plain = json.loads(done.stdout)["images"]
    parts = ["variant", "base", "layer-1", "layer-2", "install", "setup", "dockerfile", "layer-3"]
    assert list(first["components"]) == parts
    labels, theirs = inspected(first["image"]), inspected(plain["image"])
    levels = labels["desktop-bake.layers"].split()
    certs, hello, tools_digest = (first["components"][f"layer-{n}"] for n in (1, 2, 3))
    assert levels == [certs, hello, "desktop", tools_digest]
    assert theirs["desktop-bake.layers"].split() == [levels[0], levels[3]]
    before, other = seen(first["image"]), seen(plain["image"])
    assert (before["tools"], before["hello"]) == ("desktop-bake-layer", "Hello, world!")
    assert other == {**before, "installed": other["installed"], "hello": ""}
    assert "No such file" in other["installed"]

    (tools / "lib.sh").write_text("say() { ./say >/etc/tools; echo 2 >>/etc/tools; }\n")
    done = cli("build", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("[desktop-cache] building ") == 1
    second = json.loads(done.stdout)["images"][0]
    assert seen(second["image"]) == {**before, "tools": "desktop-bake-layer 2"}
    assert inspected(second["image"])["desktop-bake.below-key"] == labels["desktop-bake.below-key"]

    (project / "setup.sh").write_text("true\n")
    done = cli("build", "--json")
    assert done.stderr.count("[desktop-cache] building ") == 2
    third = json.loads(done.stdout)["images"][0]
    assert inspected(third["image"])["desktop-bake.layers"] == inspected(second["image"])["desktop-bake.layers"]
    assert seen(third["image"])["certs"] == before["certs"]
    assert cli("resolve").returncode == 0

    (tools / "tools.sh").write_text("test -e /.dockerenv || exit 9\n. ./lib.sh\nsay\n")
    done = cli("run", "--install-at-start", "plain", "--", "sh", "-c", "cat /etc/certs /etc/tools")
    assert (done.returncode, done.stdout.split()) == (0, [before["certs"], "desktop-bake-layer", "2"]), done.stderr
    assert "[desktop] installing at start: layer 'tools'\n" in done.stderr
    (tools / "tools.sh").write_text(". ./lib.sh\nsay\n")

    config.write_text(config.read_text().replace("below_desktop = true", "below_desktop = true\ncache = false"))
    done = cli("run", "plain", "--", "sh", "-c", "cat /etc/tools; wc -w </etc/certs")
    assert (done.returncode, done.stdout.split()) == (0, ["desktop-bake-layer", "2", "1"]), done.stderr
    assert "[desktop] installing at start: layer 'certs', layer 'tools'; what lies on layer 'certs'" in done.stderr


def test_what_cannot_be_built(project: Path, cli: Run) -> None:
    """A package that does not exist is reported in one line, with its layer and environment; a desktop that does not
    install on a layer is reported with that layer."""
    config = project / "desktop-bake.toml"
    before = config.read_text()
    config.write_text(before + 'layers = [{ name = "web", packages = ["hello", "chromiun", "gitt"] }]\n')
    done = cli("build")
    told = "error: build failed: layer 'web' of environment 'default': the package sources have no chromiun, gitt"
    assert (done.returncode, done.stderr.splitlines()[-2]) == (6, told), done.stderr
    (project / "install.sh").write_text("cat /etc/certs && exit 3\n")
    config.write_text(before + 'layers = [{ name = "certs", text = "echo bad >/etc/certs", below_desktop = true }]\n')
    done = cli("build")
    assert done.returncode == 6
    told = "the install script ended with status 3; the desktop of environment 'default' stands on layer 'certs'"
    assert f"error: build failed: {told}\n  it said: bad; " in done.stderr
