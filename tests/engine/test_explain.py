"""`explain`: the right input by its name, for every change, against images here and in a registry."""

from __future__ import annotations

import json
import subprocess
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from bake import load_settings
from bake.engine import Engine
from bake.explain import explain
from bake.resolve import silent
from generator import ContextFile, Environment, ImageReference, Preflight, Recipe, Stack, stack_key
from generator.explanation import NEVER, Candidate, changes, nearest, reason
from generator.inputs import Inputs, StackInputs
from generator.reference import Digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Run
    from tests.machines import Registry

# --- decisions -------------------------------------------------------------------------------------------------

Wanted = tuple[Environment, Stack, Digest]
CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "base": ({"digest": "moved"}, "base image changed: debian:bookworm moved from sha256:"),
    "install": ({"install": b"other"}, "install script changed"),
    "setup": ({"setup": b"other"}, "setup script changed"),
    "Dockerfile": ({"dockerfile": b"FROM base\nRUN true\n"}, "Dockerfile changed"),
    "argument added": ({"build_args": {"A": "1", "B": "2"}}, "Dockerfile: build argument B added"),
    "argument removed": ({"build_args": {}}, "Dockerfile: build argument A removed"),
    "argument changed": ({"build_args": {"A": "2"}}, "Dockerfile: build argument A changed"),
    "platforms": ({"platforms": ("linux/arm64",)}, "platforms changed from the builder's own to linux/arm64"),
    "file changed": ({"files": {"f": ContextFile(content=b"2")}}, "build context: f changed"),
    "file removed": ({"files": {}}, "build context: f removed"),
    "executable": ({"files": {"f": ContextFile(content=b"1", executable=True)}}, "build context: f is executable now"),
    "secret added": ({"build_secrets": ("S", "T")}, "Dockerfile: build secret T added"),
    "secret removed": ({"build_secrets": ()}, "Dockerfile: build secret S removed"),
    "preflight": ({"preflight": b"other"}, "preflight changed"),
    "its Dockerfile": ({"layer": b"FROM base\nRUN true\n"}, "the preflight's Dockerfile changed"),
}
OF_A_LAYER = ("base", "platforms", "preflight", "its Dockerfile")


def wanted(kind: str = "desktop", **changed: Any) -> Wanted:
    """An environment, what is baked for it and its base's digest, changed: a `desktop`, a `layer` on it, or `alone`."""
    recipe = {"dockerfile": b"FROM base\n", "install": b"i", "setup": b"s", "files": {"f": ContextFile(content=b"1")}}
    layer = {"layer": b"FROM base\n", "preflight": b"p"}
    environment = {"build_args": {"A": "1"}, "platforms": (), "build_secrets": ("S",), "base": "debian:bookworm"}
    for values in (recipe, layer, environment):
        values |= {n: v for n, v in changed.items() if n in values}
    base = ImageReference.parse(str(environment.pop("base")))
    digest = Digest.of(str(changed.get("digest", "base")).encode())
    stack = Stack(
        desktop=None if kind == "alone" else Recipe(**recipe),  # type: ignore[arg-type]
        preflight=None if kind == "desktop" else Preflight(dockerfile=layer["layer"], script=layer["preflight"]),
    )
    return Environment(env_id="e", base_image=base, **environment), stack, digest  # type: ignore[arg-type]


def candidate(of: Wanted, **more: Any) -> Candidate:
    """An image of these."""
    return Candidate(key=stack_key(*of), base_name=of[0].base_image.named, **more)


def told(now: Wanted, then: Wanted, *, at_hand: bool = True) -> str:
    """The reason that is told."""
    key, near = stack_key(*now), candidate(then)
    inputs = StackInputs.of(*then[:2]) if at_hand else None
    return reason(changes(key, now[0].base_image.named, StackInputs.of(*now[:2]), near, inputs))


KINDS = [
    *(("desktop", name) for name in CHANGES if name not in ("preflight", "its Dockerfile")),
    *(("layer", name) for name in CHANGES),
    *(("alone", name) for name in OF_A_LAYER),
]


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_every_input_by_its_name(kind: str, name: str) -> None:
    """Each change of one input, of the desktop, of a layer or of the desktop below it, is told by its name alone."""
    changed, says = CHANGES[name]
    said = told(wanted(kind, **changed), wanted(kind))
    assert said.startswith(says)
    assert ";" not in said


@pytest.mark.parametrize("kind", ["desktop", "layer", "alone"])
def test_two_at_once(kind: str) -> None:
    """Any two changes at once are told both, and nothing else."""
    for one, other in combinations([name for of, name in KINDS if of == kind], 2):
        if CHANGES[one][0].keys() == CHANGES[other][0].keys():  # of the same input
            continue
        said = told(wanted(kind, **{**CHANGES[one][0], **CHANGES[other][0]}), wanted(kind))
        assert CHANGES[one][1] in said
        assert CHANGES[other][1] in said
        assert said.count(";") == 1


def test_without_the_former_content() -> None:
    """Where nothing was written down the part is named, and nothing is guessed."""
    changed = wanted("layer", build_args={"B": "1"}, preflight=b"other")
    said = told(changed, wanted("layer"), at_hand=False)
    assert said == "Dockerfile, context, build arguments or platforms changed; preflight changed"


def test_a_first_preflight() -> None:
    """A layer that never was is compared with its desktop, be it this one or a former one."""
    assert told(wanted("layer"), wanted()) == "preflight added"
    assert told(wanted("layer", setup=b"x"), wanted()) == "setup script changed; preflight added"


def test_another_base() -> None:
    """Another base's name is told with both names."""
    said = told(wanted(base="debian:trixie", digest="trixie"), wanted())
    assert said.startswith("base image changed from debian:bookworm (sha256:")


def test_what_goes_into_a_record_comes_out() -> None:
    """Inputs survive being written down; anything else that is found there is no inputs."""
    inputs = StackInputs.of(*wanted(files={"b": ContextFile(content=b"\xff")})[:2]).desktop
    assert inputs
    assert Inputs.from_json(json.loads(json.dumps(inputs.as_json()))) == inputs
    broken: Any
    for broken in (None, [], {}, {"files": 1}, {**inputs.as_json(), "platforms": 3}):
        assert Inputs.from_json(broken) is None
    assert "1" not in inputs.build_args.values()


def test_the_nearest() -> None:
    """The fewest changes win, then the same base's name, the environment's own, what is here, the newest."""
    key, name = stack_key(*wanted()), "debian:bookworm"
    two = candidate(wanted(install=b"x", setup=b"x"), name="two", created_s=9)
    one = candidate(wanted(setup=b"x"), name="one", created_s=1)
    newer = candidate(wanted(setup=b"y"), name="newer", created_s=2)
    there = candidate(wanted(setup=b"z"), name="there", created_s=3, where="registry")
    mine = candidate(wanted(setup=b"w"), name="mine", is_own=True)
    for near, among in (
        (mine, [newer, there, mine]),
        (newer, [two, one, there, newer]),
        (there, [two, there]),
        (two, [two]),
    ):
        assert nearest(key, name, among) == near
    other = candidate(wanted(base="ubuntu:24.04", digest="ubuntu", setup=b"x", install=b"x"))
    assert nearest(key, name, [other]) is None
    renamed = candidate(wanted(base="ubuntu:24.04", digest="ubuntu"))
    assert nearest(key, name, [other, renamed]) == renamed
    assert reason(()) == NEVER


def test_the_nearest_of_a_layer() -> None:
    """A layer's nearest is a layer, also one with more changes than a desktop; a desktop where no layer is near; and a
    layer on the base is compared with such alone."""
    key, name = stack_key(*wanted("layer")), "debian:bookworm"
    far = candidate(wanted("layer", setup=b"x", install=b"x", preflight=b"x"))
    near = candidate(wanted("layer", setup=b"x"))
    desktop, alone = candidate(wanted()), candidate(wanted("alone"))
    for nearest_one, among in ((near, [far, near, desktop]), (far, [far, desktop]), (desktop, [desktop, alone])):
        assert nearest(key, name, among) == nearest_one
    assert nearest(key, name, [alone]) is None
    key = stack_key(*wanted("alone"))
    changed = candidate(wanted("alone", preflight=b"x"))
    assert nearest(key, name, [far, desktop, changed]) == changed
    assert nearest(key, name, [candidate(wanted("alone", base="ubuntu:24.04", digest="u", preflight=b"x"))]) is None
    assert nearest(stack_key(*wanted()), name, [near, alone]) is None


# --- a real engine ---------------------------------------------------------------------------------------------


def write(project: Path, name: str) -> None:
    """Make one change in a project's folder."""
    config = project / "desktop-bake.toml"
    if name in ("install", "setup", "preflight"):
        file = project / f"{name}.sh"
        file.write_text(file.read_text() + "echo changed\n")
    elif name == "base":
        before = config.read_text()
        config.write_text(before.replace("debian:bookworm", "debian:moved"))
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
def moved(team: Registry) -> str:
    """Another image beside the base, in the same repository."""
    name = f"{team.address}/debian:moved"
    subprocess.run(["docker", "buildx", "build", "-q", "--push", "-t", name, "-"], check=True, capture_output=True,
                   input=f"FROM {team.base}\nLABEL moved=1\n".encode())  # fmt: skip
    return name


@pytest.mark.parametrize("where", ["here", "registry"])
def test_every_part_and_two_at_once(
    where: str, cli: Run, unique: Path, team: Registry, base: str, moved: str, figure: Callable[[str], None],
    rounds: Callable[[int, int], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Every single change of a layer and its desktop, and two at once, against an image here, whose content is at hand,
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
        value: Any = explain(settings.environment(None), settings, Engine(), silent).as_json()
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
    subprocess.run(["docker", "image", "rm", moved], check=False, capture_output=True)
    figure(f"{where}: {len(every)} changes of one input or two, {len(every)} named right")


def test_a_moved_base_of_the_same_name(cli: Run, unique: Path, base: str) -> None:
    """A base that moved under its name is told from which digest to which, and how old it is."""
    local = f"desktop-bake-test-{unique.name[-20:].lower().strip('-_')}:moving"
    config = unique / "desktop-bake.toml"
    config.write_text(config.read_text().replace(base, local))
    try:
        subprocess.run(["docker", "tag", base, local], check=True)
        assert cli("build").returncode == 0
        subprocess.run(["docker", "buildx", "build", "-q", "-t", local, "-"], check=True, capture_output=True,
                       input=f"FROM {base}\nRUN echo moved > /etc/moved\n".encode())  # fmt: skip
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
    """Of two images that are as near, the environment's own former one is compared with."""
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
    """A registry that cannot be asked keeps nobody from being told what changed here."""
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
    """What is written down is for this user alone, holds no build argument's value, and a broken one does no harm."""
    write(unique, "argument")
    assert cli("build").returncode == 0
    (record,) = (unique / "cache/desktop-bake/records").iterdir()
    assert record.stat().st_mode & 0o77 == 0
    assert "SECRET" not in record.read_text()
    record.write_text("{")
    write(unique, "setup")
    assert explained(cli)["reason"] == "setup script changed"
