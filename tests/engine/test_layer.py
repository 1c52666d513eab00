"""An environment's own layer on a real engine: what is rebuilt and what is not, proven by stamps."""

from __future__ import annotations

import json
import subprocess
import threading
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import ensure_desktop_image, load_settings, start_task
from desktop_bake.generator.errors import CancelledError
from tests.harness.bake_files import called_in
from tests.harness.tasks import tasks

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.project import Run


STAMPED = "date +%s%N > /etc/{0}\n"


@dataclass
class Layered:
    """A project whose environment has a preflight in both parts."""

    folder: Path
    cli: Run

    def write(self, name: str, text: str) -> None:
        """Write a file of the project."""
        (self.folder / name).write_text(text)

    def change(self, before: str, after: str) -> None:
        """Change the configuration."""
        config = self.folder / "desktop-bake.toml"
        assert before in config.read_text()
        config.write_text(config.read_text().replace(before, after))

    def build(self, *words: str, **variables: str) -> dict[str, Any]:
        """Build; return the image."""
        done = self.cli("build", "--json", *words, **variables)
        assert done.returncode == 0, done.stderr
        image: dict[str, Any] = json.loads(done.stdout)["images"][0]
        return image

    def resolve(self, status: int) -> str:
        """Resolve with this exit status; return the log."""
        done = self.cli("resolve")
        assert done.returncode == status, done.stderr
        return done.stderr

    def stamps(self, image: object) -> tuple[str, ...]:
        """The times of the image's package installation and of its preflight."""
        shown = docker("run", "--rm", str(image), "sh", "-c", "cat /etc/installed /etc/preflight")
        return tuple(shown.split())


def docker(*words: str) -> str:
    """The output of docker."""
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def layered(project: Path, cli: Run) -> Layered:
    """The tiny project with a preflight of two parts."""
    made = Layered(project, cli)
    made.write("install.sh", STAMPED.format("installed") + f"# {uuid.uuid4()}\n")  # in no cache yet
    made.write("preflight.sh", STAMPED.format("preflight"))
    made.write("run.sh", "echo started >> /etc/started\n")
    config = project / "desktop-bake.toml"
    config.write_text(config.read_text() + 'preflight_script = "preflight.sh"\npreflight_run_script = "run.sh"\n')
    return made


def test_miss_build_hit(layered: Layered) -> None:
    """A miss, a build of both images, each under its own key, and a hit whose labels prove both. A changed preflight
    does not rebuild the desktop, a changed desktop rebuilds both, a changed run part nothing."""
    assert "[desktop-cache] miss: " in layered.resolve(3)
    built = layered.build()
    assert built["status"] == "built"
    desktop, preflight = built["cache_key"].rsplit("-p", 1)
    assert list(built["components"]) == ["variant", "base", "install", "setup", "dockerfile", "preflight"]
    assert built["components"]["preflight"].startswith(f"sha256:{preflight}")
    labels = json.loads(docker("image", "inspect", built["image_id"]))[0]["Config"]["Labels"]
    assert labels["desktop-bake.cache-key"] == built["cache_key"]
    assert labels["desktop-bake.desktop-key"] == desktop
    assert labels["desktop-bake.install-digest"] == built["components"]["install"]
    assert "hit (local)" in layered.resolve(0)
    layered.change('preflight_script = "preflight.sh"\n', "")
    assert json.loads(layered.cli("resolve", "--json").stdout)["cache_key"] == desktop
    assert "hit (local)" in layered.resolve(0)
    layered.change("setup_script", 'preflight_script = "preflight.sh"\nsetup_script')
    first = layered.stamps(built["image_id"])
    layered.write("preflight.sh", STAMPED.format("preflight") + "# changed\n")
    assert "miss: preflight changed" in layered.resolve(3)
    second = layered.stamps(layered.build()["image_id"])
    assert second[0] == first[0]
    assert second[1] > first[1]
    layered.write("run.sh", "echo other\n")
    assert "hit (local)" in layered.resolve(0)
    layered.write("install.sh", STAMPED.format("installed") + f"# {uuid.uuid4()}\n")
    assert "miss: install script changed" in layered.resolve(3)
    third = layered.stamps(layered.build()["image_id"])
    assert third[0] > second[0]
    assert third[1] > second[1]


def test_a_new_layer_needs_the_image_of_the_desktop_alone(layered: Layered) -> None:
    """The layer is built on the desktop's image: its recipe is not even read, whatever BuildKit's cache has; a missing
    desktop image is built again."""
    first = layered.build()
    layered.write("preflight.sh", STAMPED.format("preflight") + "# 2\n")
    done = layered.cli("build", "--json")
    assert done.stderr.count("[desktop-cache] building") == 1
    assert "desktop_install.sh" not in done.stderr
    second = json.loads(done.stdout)["images"][0]
    assert layered.stamps(second["image_id"])[0] == layered.stamps(first["image_id"])[0]
    docker("image", "rm", "-f", first["image"].rpartition("-p")[0], first["image"], second["image"])
    layered.write("preflight.sh", STAMPED.format("preflight") + "# 3\n")
    done = layered.cli("build")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("[desktop-cache] building") == 2


def test_a_stale_layer_is_no_hit(layered: Layered) -> None:
    """A layer whose tag has this key but whose desktop is another is reported and built over."""
    old = layered.build()
    layered.write("setup.sh", "echo other\n")
    tag = json.loads(layered.cli("resolve", "--json").stdout)["image"]
    docker("tag", old["image_id"], tag)
    assert "is not what its tag says: label desktop-bake.cache-key" in layered.resolve(3)
    dockerfile = f'FROM {old["image"]}\nLABEL desktop-bake.cache-key="{tag.rpartition(":")[2]}"\n'
    subprocess.run(
        ["docker", "buildx", "build", "-q", "--load", "-t", tag, "-"],
        input=dockerfile,
        text=True,
        check=True,
        capture_output=True,
    )
    assert "is not what its tag says: label desktop-bake.setup-digest" in layered.resolve(3)
    assert layered.build()["status"] == "built"
    assert "hit (local)" in layered.resolve(0)


def test_docker_builds_what_resolve_finds(layered: Layered) -> None:
    """Plain docker in the rendered folder builds the desktop and the layer on its target, and both are hits.

    Without --load, which adds a second export of each image: the two exports can interfere with each other.
    """
    assert layered.cli("render", "-o", "ci").returncode == 0
    assert layered.cli("render", "-o", "ci", "--check").returncode == 0
    done = subprocess.run(
        ["docker", "buildx", "bake", "desktop"],
        cwd=layered.folder / "ci",
        env=called_in(layered.folder / "ci"),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "hit (local)" in layered.resolve(0)
    layered.write("preflight.sh", "echo other\n")
    stale = layered.cli("render", "-o", "ci", "--check")
    assert stale.returncode == 1
    assert "+echo other" in stale.stdout
    layered.change('preflight_script = "preflight.sh"\n', "")
    assert "hit (local)" in layered.resolve(0)


def test_for_platforms_the_layer_lies_on_the_target(layered: Layered) -> None:
    """With `platforms`, an image here may lack one: the desktop's target is linked, from BuildKit's cache."""
    platform = docker("version", "--format", "{{.Server.Os}}/{{.Server.Arch}}").strip()
    layered.change("cache_desktop_build", f'platforms = ["{platform}"]\ncache_desktop_build')
    first = layered.stamps(layered.build()["image_id"])
    layered.write("preflight.sh", STAMPED.format("preflight") + "# 2\n")
    second = layered.stamps(layered.build()["image_id"])
    assert second[0] == first[0]
    assert second[1] > first[1]


def test_without_a_desktop(layered: Layered) -> None:
    """A preflight alone is baked on the base, under its own form of key, and the run part runs at every start."""
    layered.change("headless_desktop_enabled = true", "headless_desktop_enabled = false")
    built = layered.build()
    assert built["status"] == "built"
    assert list(built["components"]) == ["variant", "base", "preflight"]
    assert "hit (local)" in layered.resolve(0)
    done = layered.cli("run", "--", "sh", "-c", "cat /etc/started; cat /etc/preflight; ls /etc/installed")
    assert done.stdout.startswith("started\n")
    assert len(done.stdout.split()) == 2
    assert layered.cli("render", "-o", "ci").returncode == 0
    assert not (layered.folder / "ci" / "check").exists()
    layered.write("preflight.sh", "echo 2\n")
    assert "miss: preflight changed" in layered.resolve(3)
    assert layered.cli("render", "-o", "ci", "--check").stdout.startswith("preflight of default changed\n")


def test_switched_off(layered: Layered) -> None:
    """Without the toggle nothing is baked: both parts run at start."""
    layered.change("headless_desktop_enabled = true\ncache_desktop_build = true", "")
    answer = json.loads(layered.cli("resolve", "--json").stdout)
    assert (answer["status"], answer["reason"]) == ("disabled", "cache_desktop_build is off")
    done = layered.cli("run", "--", "sh", "-c", "cat /etc/started; test -s /etc/preflight && echo both")
    assert done.stdout == "started\nboth\n", done.stderr


def test_fallback(layered: Layered) -> None:
    """A script that has just failed its build ends the task with status 6 before it starts. With the option to try it
    anyway it runs at start, and a failure there fails the task with the script's own words."""
    layered.change("headless_desktop_enabled = true", "headless_desktop_enabled = false")
    layered.write("preflight.sh", "test -e /.dockerenv || { echo not here; exit 9; }; echo late > /etc/preflight\n")
    refused = layered.cli("run", "--", "true")
    told = "error: build failed: the preflight script ended with status 9; no task of environment 'default' starts: "
    assert (refused.returncode, refused.stdout) == (6, "")
    assert f"{told}the same script would fail again\n  it said: not here; fix the script, or " in refused.stderr
    assert "falling back" not in refused.stderr
    done = layered.cli("run", "--install-at-start", "--", "cat", "/etc/preflight", "/etc/started")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "late\nstarted\n"
    assert "[desktop-cache] build failed: " in done.stderr
    assert "[desktop-cache] falling back to runtime install" in done.stderr
    layered.write("run.sh", "echo no luck; exit 4\n")
    failed = layered.cli("run", "--install-at-start", "--", "true")
    assert failed.returncode == 1
    assert "error: preflight_run_script ended with status 4: no luck" in failed.stderr


def test_a_preflight_is_cancelled(layered: Layered) -> None:
    """Cancelled during an environment's own script, a start ends at once and leaves no container."""
    layered.change("headless_desktop_enabled = true", "headless_desktop_enabled = false")
    layered.write("run.sh", "echo running; sleep 1000\n")
    settings = load_settings(layered.folder / "desktop-bake.toml", {})
    environment = replace(settings.environment(None), env_id="cancelled-preflight")
    image = ensure_desktop_image(environment, settings)
    cancel = threading.Event()
    with pytest.raises(CancelledError):
        start_task(
            environment, image, settings, log=lambda line: cancel.set() if line == "running" else None, cancel=cancel
        )
    assert tasks("cancelled-preflight") == []


def test_two_environments_share_a_desktop(layered: Layered, base: str) -> None:
    """Two preflights on one desktop: one desktop target, two layers, and the desktop is built once."""
    layered.write("other.sh", STAMPED.format("preflight") + "# other\n")
    config = layered.folder / "desktop-bake.toml"
    environment = config.read_text().partition("[environments.default]")[2].replace("preflight.sh", "other.sh")
    config.write_text(config.read_text() + "[environments.other]" + environment)
    done = layered.cli("build", "--all", "--json")
    one, two = json.loads(done.stdout)["images"]
    assert one["cache_key"].rsplit("-p")[0] == two["cache_key"].rsplit("-p")[0]
    assert one["image_id"] != two["image_id"]
    assert layered.stamps(one["image_id"])[0] == layered.stamps(two["image_id"])[0]
    assert layered.cli("render", "-o", "ci").returncode == 0
    assert len(list((layered.folder / "ci" / "context").iterdir())) == 3


@pytest.mark.parametrize("field", ["preflight_script", "preflight_run_script"])
@pytest.mark.parametrize(
    ("content", "says"), [(None, "cannot read x.sh"), (b" \n", "is empty"), (b"echo\r\necho\r\n", "CRLF")]
)
def test_refusals(layered: Layered, field: str, content: bytes | None, says: str) -> None:
    """A preflight that is missing, empty or of another system never falls back: exit status 2 and a remedy."""
    name = "preflight.sh" if field == "preflight_script" else "run.sh"
    layered.change(f'{field} = "{name}"', f'{field} = "x.sh"')
    if content is not None:
        (layered.folder / "x.sh").write_bytes(content)
    verbs = [["build"], ["run", "--", "true"]] if field == "preflight_script" else [["run", "--", "true"]]
    layered.change("headless_desktop_enabled = true", "headless_desktop_enabled = false")
    for words in verbs:
        done = layered.cli(*words)
        assert done.returncode == 2, done.stderr
        assert says in done.stderr
        assert done.stderr.splitlines()[-1].startswith("  ")
