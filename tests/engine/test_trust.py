"""Which images of the local store count: real images, with inherited labels."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.bake_files import called_in
from tests.harness.project import remove_images

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.harness.machines import Registry
    from tests.harness.project import Run


OWN = """# escape=\\
FROM base AS first
RUN true
FROM first
ARG A=b
ENV X=1 Y="two words"
WORKDIR /w
COPY desktop_setup.sh /x/$A
COPY <<EOF /z
RUN not an instruction
EOF
RUN <<EOF
echo hi
EOF
RUN --network=none echo a \\
   # a comment
   && echo   "b  c" \\
   && true
RUN ["echo", "exec form"]
USER root
EXPOSE 80 81/udp
VOLUME /v
STOPSIGNAL SIGTERM
HEALTHCHECK CMD true
SHELL ["/bin/bash", "-c"]
run echo in bash
ONBUILD RUN echo on
CMD ["true"]
ENTRYPOINT x
"""


def docker(*words: str, text: str | None = None) -> str:
    """Run docker, which has to succeed."""
    return subprocess.run(["docker", *words], input=text, capture_output=True, text=True, check=True).stdout.strip()


def resolved(cli: Run) -> dict[str, str]:
    """The output of `resolve`."""
    answer: dict[str, str] = json.loads(cli("resolve", "--json").stdout)
    return answer


def forget() -> None:
    """As on a machine on which we built and pulled nothing."""
    shutil.rmtree(Path(os.environ["XDG_CACHE_HOME"]) / "desktop-bake" / "images", ignore_errors=True)


def upon(image: str, step: str) -> None:
    """Build a step on an image of ours, under our image's tag."""
    docker("buildx", "build", "-q", "--load", "-t", image, "-", text=f"FROM {image}\n{step}\n")


def commit(image: str) -> None:
    """`docker commit`, under our image's tag."""
    container = docker("create", image, "true")
    try:
        docker("commit", container, image)
    finally:
        docker("rm", "-f", container)


STEPS = ("RUN echo X >/which", "ENV X=1", "LABEL x=1", 'CMD ["x"]', "COPY <<EOF /which\nX\nEOF")


def test_what_only_inherited_our_labels(cli: Run) -> None:
    """An image that was built on one of ours is no hit under our tag, and the reason says why; it is built over."""
    built = json.loads(cli("build", "--json").stdout)["images"][0]
    name = built["image"]
    docker("tag", name, kept := f"{name.partition(':')[0]}:kept")
    changes: list[Callable[[str], None]] = [*(partial(upon, step=step) for step in STEPS), commit]
    for change in changes:
        docker("image", "rm", "-f", name)  # else the changed one would stay without a name
        docker("tag", kept, name)
        change(name)
        miss = resolved(cli)
        assert miss["status"] == "miss", change
        assert f"{name} is not used: its history does not end with the recipe's steps" in miss["reason"]
    assert json.loads(cli("build", "--json").stdout)["images"][0]["status"] == "built"
    assert resolved(cli)["status"] == "local-hit"


@pytest.mark.parametrize("kind", [pytest.param("shipped", marks=pytest.mark.soak), "own", "preflight"])
def test_what_plain_docker_baked(cli: Run, project: Path, kind: str) -> None:
    """An image that plain Docker baked from a rendered file is a hit without a record; one built on it is not.

    The same is true for a user's Dockerfile, with instructions of every kind, and for a layer.
    """
    configuration = project / "desktop-bake.toml"
    if kind == "own":
        (project / "Dockerfile").write_text(OWN)
        configuration.write_text(configuration.read_text() + 'dockerfile = "Dockerfile"\n')
    elif kind == "preflight":
        (project / "preflight.sh").write_text("echo layer >/etc/layer\n")
        configuration.write_text(configuration.read_text() + 'preflight_script = "preflight.sh"\n')
    assert cli("render", "-o", "ci").returncode == 0
    subprocess.run(
        ["docker", "buildx", "bake", "-f", "docker-bake.hcl", "desktop", "--load"],
        cwd=project / "ci",
        env=called_in(project / "ci"),
        check=True,
        capture_output=True,
    )
    hit = resolved(cli)
    assert (hit["status"], hit["reason"]) == ("local-hit", "labels match")
    forget()
    upon(hit["image"], "RUN echo X >/which")
    assert resolved(cli)["status"] == "miss"


def test_a_tag_that_was_removed(cli: Run) -> None:
    """An image that has our labels and another name is no hit, and the reason names it."""
    built = json.loads(cli("build", "--json").stdout)["images"][0]
    other = f"{built['image'].partition(':')[0]}:other"
    docker("tag", built["image_id"], other)
    docker("image", "rm", built["image"])
    miss = resolved(cli)
    assert miss["status"] == "miss"
    assert f"no image here has the tag {built['image']}; {built['image_id'][:19]} has its labels" in miss["reason"]
    docker("tag", built["image_id"], built["image"])
    assert resolved(cli)["status"] == "local-hit"


def test_an_image_that_was_written_down(cli: Run, project: Path) -> None:
    """What this user built is known by its ID, even if its Dockerfile's last stage has no step to recognize it by."""
    (project / "Dockerfile").write_text("FROM base AS made\nRUN echo made >/made\nFROM made\n")
    configuration = project / "desktop-bake.toml"
    configuration.write_text(configuration.read_text() + 'dockerfile = "Dockerfile"\n')
    assert cli("build").returncode == 0
    assert resolved(cli)["status"] == "local-hit"
    forget()
    assert "no step that its history could show" in resolved(cli)["reason"]


# --- with a registry ---------------------------------------------------------------------------------------------


@pytest.fixture
def shared(project: Path, team: Registry) -> Iterator[str]:
    """The project's repository, in the team's registry."""
    configuration = project / "desktop-bake.toml"
    own = configuration.read_text().split('"')[1]
    repository = f"{team.address}/{own}"
    configuration.write_text(configuration.read_text().replace(f'"{own}"', f'"{repository}"', 1))
    yield repository
    remove_images(own)


def tags_there(repository: str) -> list[str]:
    """The tags in the registry."""
    import urllib.request

    host, _, path = repository.partition("/")
    try:
        with urllib.request.urlopen(f"http://{host}/v2/{path}/tags/list", timeout=10) as answer:
            found: list[str] = json.load(answer)["tags"] or []
            return found
    except OSError:
        return []


def test_nothing_else_is_pushed(cli: Run, project: Path, shared: str) -> None:
    """What was neither built nor pulled here is never pushed: neither an image that was built on one of ours, nor one
    that plain Docker baked here, which our own build replaces for the push.
    """
    built = json.loads(cli("build", "--json").stdout)["images"][0]
    upon(built["image"], "RUN echo X >/which")
    odd = docker("image", "inspect", "-f", "{{.Id}}", built["image"])
    done = json.loads(cli("build", "--push", "--json").stdout)["images"][0]
    assert done["status"] == "built"
    assert odd != done["image_id"]
    assert docker("run", "--rm", built["image"], "sh", "-c", "ls /which || echo none").endswith("none")
    forget()
    docker("image", "rm", "-f", built["image"])
    pulled = json.loads(cli("build", "--push", "--json").stdout)["images"][0]
    assert pulled["status"] == "registry-hit"
    assert docker("run", "--rm", built["image"], "sh", "-c", "ls /which || echo none").endswith("none")


def test_pushing_needs_a_build_or_a_pull(cli: Run, project: Path, shared: str) -> None:
    """An image without a record is a hit for a task, and none for a push."""
    assert cli("build").returncode == 0
    forget()
    assert resolved(cli)["status"] == "local-hit"
    pushed = cli("build", "--push", "--json")
    assert json.loads(pushed.stdout)["images"][0]["status"] == "built"
    assert "this machine neither built nor pulled it, so that it may not be pushed" in pushed.stderr
    assert [tag for tag in tags_there(shared) if not tag.startswith("lease-")]


def test_verified_after_it_was_pulled(cli: Run, project: Path, shared: str) -> None:
    """`verify_command` is called for images pulled before it was set, once for an image ID, never for own builds."""
    built = json.loads(cli("build", "--push", "--json").stdout)["images"][0]
    digest = docker("image", "inspect", "-f", "{{index .RepoDigests 0}}", built["image"])
    program, configuration = project / "verify", project / "desktop-bake.toml"

    def verify(script: str) -> None:
        program.write_text(f'#!/bin/sh\necho "$1" >>{project}/asked\n{script}\n')
        program.chmod(0o755)

    def asked() -> list[str]:
        file = project / "asked"
        return file.read_text().split() if file.exists() else []

    before = configuration.read_text()
    configuration.write_text('verify_command = ["./verify", "{image}"]\n' + before)
    verify("exit 1")
    assert resolved(cli)["status"] == "local-hit"  # built here
    assert asked() == []
    configuration.write_text(before)
    forget()
    docker("image", "rm", "-f", built["image"])
    assert json.loads(cli("build", "--json").stdout)["images"][0]["status"] == "registry-hit"
    configuration.write_text('verify_command = ["./verify", "{image}"]\n' + before)
    miss = resolved(cli)
    assert miss["status"] == "miss"
    assert f"{built['image']} is not used: it is not verified: ./verify ended with status 1" in miss["reason"]
    assert set(asked()) == {digest}
    (project / "asked").unlink()
    verify("exit 0")
    assert resolved(cli)["status"] == "local-hit"
    assert resolved(cli)["status"] == "local-hit"
    assert asked() == [digest]
