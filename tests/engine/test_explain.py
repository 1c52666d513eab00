"""`explain` names the right input for every change, against images here and in a registry."""

from __future__ import annotations

import json
import subprocess
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import load_settings
from desktop_bake.bake.engine.engine import Engine
from desktop_bake.bake.upkeep.explain import explain
from tests.harness.work import work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.harness.machines import Registry
    from tests.harness.project import Run


# --- a real engine ---------------------------------------------------------------------------------------------


def write(project: Path, name: str) -> None:
    """Make one change in a project's folder."""
    config = project / "desktop-bake.toml"
    if name in ("install", "setup", "preflight"):
        file = project / f"{name}.sh"
        file.write_text(file.read_text() + "echo changed\n")
    elif name == "base":
        before = config.read_text()
        config.write_text(before.replace("small:bookworm", "small:moved"))
    else:
        config.write_text(config.read_text() + '[environments.default.build_args]\nNEW = "SECRET-value-77"\n')


SAID = {
    "base": ("base", "base image changed from "),
    "install": ("install", "install script changed"),
    "setup": ("setup", "setup script changed"),
    "argument": ("dockerfile", "Dockerfile: build argument NEW added"),
    "preflight": ("preflight", "preflight changed"),
}
UNNAMED = "Dockerfile, context, build arguments or platforms changed"


def explained(cli: Run, **variables: str) -> dict[str, Any]:
    """What `explain --json` prints."""
    done = cli("explain", "--json", **variables)
    assert done.returncode == 0, done.stderr
    value: dict[str, Any] = json.loads(done.stdout)
    assert value["schema"] == 1
    assert "SECRET" not in done.stdout + done.stderr
    assert f"[desktop-cache] miss: {value['reason']}\n" in done.stderr or value["status"] != "miss"
    return value


@pytest.fixture
def unique(project: Path) -> Path:
    """The project, with an install script that no other image has."""
    (project / "install.sh").write_text(f"echo installed > /etc/installed # {project}\n")
    return project


@pytest.fixture
def moved(team: Registry) -> Iterator[str]:
    """Another image beside the base, in the same repository."""
    name = f"{team.address}/small:moved"
    subprocess.run(
        ["docker", "buildx", "build", "-q", "--push", "-t", name, "-"],
        check=True,
        capture_output=True,
        input=f"FROM {team.base}\nLABEL moved=1\n".encode(),
    )
    yield name
    subprocess.run(["docker", "image", "rm", "-f", name], check=False, capture_output=True)


@pytest.mark.parametrize("where", [pytest.param("here", marks=pytest.mark.soak), "registry"])
def test_every_part_and_two_at_once(
    where: str,
    cli: Run,
    unique: Path,
    team: Registry,
    base: str,
    moved: str,
    figure: Callable[[str], None],
    rounds: Callable[[int, int], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every single change of a layer and its desktop, and two at once, against an image here, with its content known,
    and one in a registry."""
    config = unique / "desktop-bake.toml"
    (unique / "preflight.sh").write_text("echo preflight\n")
    text = config.read_text().replace(base, team.base) + 'preflight_script = "preflight.sh"\n'
    repository = text.split('"')[1]
    if where == "registry":
        text = text.replace(repository, f"{team.address}/team/{repository}")
    config.write_text(text)
    scripts = {name: (unique / name).read_text() for name in ("install.sh", "setup.sh", "preflight.sh")}
    built = cli("build", "--json", *(["--push"] if where == "registry" else []))
    assert built.returncode == 0, built.stderr
    image = json.loads(built.stdout)["images"][0]["image"]
    if where == "registry":
        desktop = image.rpartition("-p")[0]
        subprocess.run(["docker", "image", "rm", "-f", image, desktop], check=True, capture_output=True)
        monkeypatch.setenv("XDG_CACHE_HOME", str(unique / "elsewhere"))
    assert explained(cli)["status"] == ("local-hit" if where == "here" else "registry-hit")
    every = [*combinations(SAID, 1), *[*combinations(SAID, 2)][:: rounds(4, 1)]]
    for names in every:
        config.write_text(text)
        for name, content in scripts.items():
            (unique / name).write_text(content)
        for name in names:
            write(unique, name)
        settings = load_settings(config, {})
        value: Any = explain(settings.environment(None), work(Engine(), settings)).as_json()
        assert value["status"] == "miss"
        assert value["nearest"]["image"] == image
        assert value["nearest"]["where"] == ("here" if where == "here" else team.address)
        assert [c["part"] for c in value["changes"]] == sorted(
            (SAID[name][0] for name in names), key=["base", "install", "setup", "dockerfile", "preflight"].index
        )
        for name in names:
            says = UNNAMED if where == "registry" and name == "argument" else SAID[name][1]
            assert says in value["reason"]
        for change in value["changes"]:
            shown = where == "here" and change["part"] in ("install", "setup", "preflight")
            assert ("+echo changed" in (change["diff"] or "")) == shown
    figure(f"{where}: {len(every)} changes of one input or two, {len(every)} named right")


def test_a_moved_base_of_the_same_name(cli: Run, unique: Path, base: str) -> None:
    """For a base that changed under its name, old and new digest are shown, and its age."""
    local = f"desktop-bake-test-{unique.name[-20:].lower().strip('-_')}:moving"
    config = unique / "desktop-bake.toml"
    config.write_text(config.read_text().replace(base, local))
    try:
        subprocess.run(["docker", "tag", base, local], check=True)
        assert cli("build").returncode == 0
        subprocess.run(
            ["docker", "buildx", "build", "-q", "-t", local, "-"],
            check=True,
            capture_output=True,
            input=f"FROM {base}\nRUN echo moved > /etc/moved\n".encode(),
        )
        (change,) = explained(cli)["changes"]
        assert change["what"].startswith(f"base image changed: {local} moved from sha256:")
        assert change["from"] != change["to"]
    finally:
        subprocess.run(["docker", "image", "rm", "-f", local], capture_output=True, check=False)


def test_for_people(cli: Run, unique: Path) -> None:
    """Without --json: a line for each environment, the nearest image, each change, and the diff below it."""
    assert cli("build").returncode == 0
    assert cli("explain").stdout == "default: local-hit: labels match\n"
    (unique / "setup.sh").write_text("echo \033[2J\n")
    said = cli("explain", "--all").stdout
    assert said.startswith("default: miss: setup script changed\n  nearest: ")
    assert "    +echo \\x1b[2J\n" in said
    assert "\033" not in said


def test_an_environment_of_several_is_compared_with_its_own(cli: Run, unique: Path) -> None:
    """Of two equally near images, the environment's own earlier one is compared."""
    config = unique / "desktop-bake.toml"
    text = config.read_text()
    second = text[text.index("[environments") :].replace(".default", ".second").replace("setup.sh", "second.sh")
    config.write_text(text + second)
    (unique / "second.sh").write_text("echo second\n")
    own = json.loads(cli("build", "default", "--json").stdout)["images"][0]["image"]
    assert cli("build", "second").returncode == 0
    write(unique, "setup")
    assert explained(cli)["nearest"]["image"] == own


def test_a_registry_that_is_down(cli: Run, unique: Path) -> None:
    """If a registry cannot be asked, changes here are still explained."""
    where = {"DESKTOP_BAKE_REPOSITORY": "127.0.0.1:9/team/test"}
    assert cli("build").returncode == 0
    write(unique, "setup")
    value = explained(cli, **where)
    assert value["reason"] == "setup script changed"
    assert "cannot be reached" in value["registry_error"]


def test_off(cli: Run, unique: Path) -> None:
    """An environment that is off says so."""
    config = unique / "desktop-bake.toml"
    config.write_text(config.read_text().replace("cache_desktop_build = true", ""))
    assert explained(cli)["reason"] == "cache_desktop_build is off"


def test_records_are_private_and_bounded(cli: Run, unique: Path) -> None:
    """The records are for this user alone and contain no build argument's value; a broken record does no harm."""
    write(unique, "argument")
    assert cli("build").returncode == 0
    (record,) = (unique / "cache/desktop-bake/records").iterdir()
    assert record.stat().st_mode & 0o77 == 0
    assert "SECRET" not in record.read_text()
    record.write_text("{")
    write(unique, "setup")
    assert explained(cli)["reason"] == "setup script changed"
