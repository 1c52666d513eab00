"""The Compose file of a rendered folder, read as YAML."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from desktop_bake import Digest, Environment, ImageReference, Stack
from desktop_bake.bake.config.shipped import gate_text, shipped
from tests.harness.every import every
from tests.harness.rendered import DEBIAN, OPTIONS, PREFLIGHT, SHIPPED, Rendering, environments

if TYPE_CHECKING:
    from desktop_bake import BakeOptions

COMPOSE = "run/compose.yaml"
PROGRAMS = ("desktop_run.sh", "desktop_gate.py")


def text_of(*stacks: tuple[Environment, Stack], options: BakeOptions = OPTIONS) -> str:
    """The file of these environments."""
    return Rendering(stacks=stacks, options=options).files[COMPOSE][0].decode()


def read(*stacks: tuple[Environment, Stack], options: BakeOptions = OPTIONS) -> dict[str, Any]:
    """What it says."""
    return dict(YAML(typ="safe").load(text_of(*stacks, options=options)))


def desktop(env_id: str, **fields: Any) -> tuple[Environment, Stack]:
    """An environment with the shipped desktop."""
    return replace(DEBIAN, env_id=env_id, **fields), Stack(desktop=SHIPPED)


def test_services() -> None:
    """Each environment with a desktop has a service of its name and its own image, by repository and key."""
    rendering = Rendering(stacks=environments(2))
    services = read(*rendering.stacks)["services"]
    assert {name: service["image"] for name, service in services.items()} == {
        name: f"${{DESKTOP_BAKE_REPOSITORY:-registry.example.com/team/desktop}}:{target.key}"
        for target in rendering.targets
        for name in target.environments.values()
    }


def test_environments_that_share_an_image() -> None:
    """Both have a service, and the key stands in the file once."""
    (key,) = {str(target.key) for target in Rendering(stacks=(desktop("a"), desktop("b"))).targets}
    assert text_of(desktop("a"), desktop("b")).count(key) == 1
    services = read(desktop("a"), desktop("b"))["services"]
    assert services["a"]["image"] == services["b"]["image"]
    assert services["b"]["image"].endswith(f":{key}")


def test_preflights() -> None:
    """A desktop with a preflight is started with it; a preflight alone has no service, and the file says so."""
    both = (replace(DEBIAN, env_id="both"), Stack(desktop=SHIPPED, preflight=PREFLIGHT))
    alone = (replace(DEBIAN, env_id="tools", headless_desktop_enabled=False), Stack(preflight=PREFLIGHT))
    targets = Rendering(stacks=(both, alone)).targets
    services = read(both, alone)["services"]
    (key,) = (target.key for target in targets if "both" in target.environments)
    assert list(services) == ["both"]
    assert services["both"]["image"].endswith(f":{key}")
    assert "# No service, since they have no desktop: tools\n" in text_of(both, alone)
    assert "No service" not in text_of(both)


def test_no_desktop_at_all() -> None:
    """Nothing is there to start, and so there is no such folder."""
    alone = (replace(DEBIAN, headless_desktop_enabled=False), Stack(preflight=PREFLIGHT))
    assert not [name for name in Rendering(stacks=(alone,)).files if name.startswith("run/")]


@every("env_id", ["on", "NO", "null", "1e3", "7", "default", "a b", "é", "a: b # c", "desktop", "'"])
def test_odd_names(env_id: str) -> None:
    """A name is a string whatever YAML makes of such a word, and is that of the bake file; an id that is another is
    told beside it."""
    rendering = Rendering(stacks=(desktop(env_id),))
    (name,) = rendering.targets[0].environments.values()
    assert list(read(*rendering.stacks)["services"]) == [name]
    assert (f"  # environment {env_id} · base " in text_of(*rendering.stacks)) == (name != env_id)


def test_platform() -> None:
    """A service runs on the platform that its environment's tasks run on, if that is not left to the engine."""
    options = replace(OPTIONS, task_platforms={"b": "linux/arm64"})
    services = read(desktop("a"), desktop("b"), options=options)["services"]
    assert [services[name].get("platform") for name in ("a", "b")] == [None, "linux/arm64"]


@pytest.mark.parametrize(
    ("repository", "project"),
    [("registry.example.com:5000/team/desktop", "registry-example-com-5000-team-desktop"), ("a__b/c", "a-b-c")],
)
def test_project(repository: str, project: str) -> None:
    """The Compose project is named after the repository, so that two do not take each other's containers."""
    options = replace(OPTIONS, repository=ImageReference.parse(repository))
    assert read(desktop("a"), options=options)["name"] == project


def test_the_programs() -> None:
    """The texts in it are the files beside it, which our own runner starts too, and a new one is told to Compose."""
    found = read(desktop("a"))
    files = Rendering(stacks=(desktop("a"),)).files
    texts = (shipped("recipe/desktop_run.sh").read_bytes(), gate_text().encode())
    for name, wanted in zip(PROGRAMS, texts, strict=True):
        assert files[f"run/{name}"] == (wanted, False)
        content = found["configs"][name.partition(".")[0]]["content"]
        assert "$" not in content.replace("$$", "")
        assert content.replace("$$", "$").encode() == wanted
    digest = Digest.of(b"".join(texts))
    assert found["services"]["a"]["labels"]["desktop-bake-run"] == digest.hex[:16]


def test_who_gets_there() -> None:
    """The port is on the loopback, the secret is a file of root's, and X's sockets have their own file system."""
    service = read(desktop("a"))["services"]["a"]
    assert service["ports"] == ["127.0.0.1:${DESKTOP_BAKE_PORT:-}:6080"]
    assert service["secrets"] == [{"source": "secret", "target": "desktop_bake_secret", "mode": 0o400}]
    assert [(volume["type"], volume["target"]) for volume in service["volumes"]] == [("tmpfs", "/tmp/.X11-unix")]
    assert not any("SECRET" in str(value) for value in service["environment"].items())
