"""The images in a user's Dockerfile: read as BuildKit reads them, pinned, and part of the key."""

from __future__ import annotations

import json
import subprocess
import uuid
from typing import TYPE_CHECKING

import pytest

from desktop_bake.generator.dockerfile import context_name, named_images
from tests.harness.bake_files import called_in
from tests.harness.project import base_name, remove_images
from tests.harness.proxy import faulty
from tests.harness.registries import HERE, push_image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.project import Run


# Each name belongs to a registry that does not exist: a build succeeds only if every name is pinned.
EVERYWHERE = """# escape=\\
ARG VERSION=1
ARG HOST=127.0.0.1:1
FROM 127.0.0.1:1/a:${VERSION} AS One
from --platform=$BUILDPLATFORM ${HOST}/b:${NONE:-2} \\
  # a comment

  as two
FROM base
COPY --from=one /etc/os-release /a
COPY --link --from=TWO /etc/os-release /b
COPY \\
  --from=127.0.0.1:1/c /etc/os-release /c
RUN --mount=type=bind,from=127.0.0.1:1/d:latest,target=/m --mount="from=127.0.0.1:1/e:5,target=/n" <<EOF cat
COPY --from=127.0.0.1:1/never:1 / /
FROM 127.0.0.1:1/never:1
EOF
COPY <<-'A' <<B /
COPY --from=127.0.0.1:1/never:1 / /
\tA
FROM 127.0.0.1:1/never:1
B
RUN echo "it is \\
  # not a comment's end
  --mount=from=127.0.0.1:1/never:1"
COPY --from=127.0.0.1:1/f:6 --chmod=644 ["/etc/os-release", "/f"]
"""


def test_buildkit_reads_the_same(base: str, tmp_path: Path) -> None:
    """A Dockerfile with images in every place builds with the found ones as named contexts, without any registry; with
    one left out it does not."""
    (tmp_path / "Dockerfile").write_text(EVERYWHERE)
    found = named_images(EVERYWHERE.encode(), {})
    names = [context_name(image) for image in found.tools]
    assert names == [f"127.0.0.1:1/{name}" for name in ("a:1", "b:2", "c", "d", "e:5", "f:6")]

    def build(names: list[str]) -> subprocess.CompletedProcess[bytes]:
        contexts = [f"--build-context={name}=docker-image://{base}" for name in ("base", *names)]
        words = ["docker", "buildx", "build", "--output=type=cacheonly", *contexts, "."]
        return subprocess.run(words, cwd=tmp_path, capture_output=True, check=False)

    whole = build(names)
    assert whole.returncode == 0, whole.stderr
    for name in names:
        assert build([n for n in names if n != name]).returncode == 1


@pytest.fixture
def tool() -> Iterator[str]:
    """A tool image in the registry, with `one` in its /tool; removed from this engine afterwards."""
    name = f"{base_name().partition('/')[0]}/tool-{uuid.uuid4().hex[:8]}"
    push(f"{name}:1", "one")
    yield f"{name}:1"
    remove_images(name)


def push(name: str, content: str) -> None:
    """Push a tool image."""
    text = f"FROM scratch\nCOPY <<EOF /tool\n{content}\nEOF\n".encode()
    words = ["docker", "buildx", "build", "-q", "--provenance=false", "--push", "-t", name, "-"]
    subprocess.run(words, input=text, check=True, capture_output=True)
    subprocess.run(["docker", "image", "rm", "-f", name], check=False, capture_output=True)


def own_dockerfile(project: Path, text: str) -> None:
    """Make the project use this Dockerfile."""
    config = project / "desktop-bake.toml"
    (project / "Dockerfile").write_text(text)
    if "dockerfile =" not in config.read_text():
        config.write_text(config.read_text() + 'dockerfile = "Dockerfile"\n')


def test_a_tool_that_moves_is_a_miss(cli: Run, project: Path, tool: str) -> None:
    """The digest of a tool image is part of the key, and the build uses it: a changed tag is a miss that says so, and a
    folder that was rendered before still bakes what its key says."""
    own_dockerfile(project, f"FROM {tool} AS tool\nFROM base\nCOPY --from=tool /tool /a\nCOPY --from={tool} /tool /b\n")
    built = cli("build", "--json")
    assert built.returncode == 0, built.stderr
    image = json.loads(built.stdout)["images"][0]
    assert cli("resolve").returncode == 0
    assert cli("render", "-o", "ci").returncode == 0
    push(tool, "two")
    missed = cli("explain")
    assert f"image {tool} moved from sha256:" in missed.stderr + missed.stdout
    again = json.loads(cli("build", "--json").stdout)["images"][0]
    assert again["cache_key"] != image["cache_key"]
    for made, content in ((image, "one"), (again, "two")):
        words = ["docker", "run", "--rm", made["image_id"], "cat", "/a", "/b"]
        assert subprocess.run(words, capture_output=True, text=True, check=True).stdout.split() == [content] * 2
    subprocess.run(["docker", "image", "rm", "-f", image["image"]], check=True, capture_output=True)
    bake = ["docker", "buildx", "bake", "-f", "docker-bake.hcl", "--load", "desktop"]
    subprocess.run(bake, cwd=project / "ci", env=called_in(project / "ci"), check=True, capture_output=True)
    words = ["docker", "run", "--rm", image["image"], "cat", "/a"]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "one\n"


def test_a_frontend_is_pinned(cli: Run, project: Path, tool: str) -> None:
    """BuildKit runs the frontend whose digest is in the key; an image that is none fails the build by its digest."""
    own_dockerfile(project, f"# syntax={tool}\nFROM base\n")
    before = cli("key").stdout
    done = cli("build")
    assert done.returncode == 6
    assert f"docker-image://{tool}@sha256:" in done.stderr
    push(tool, "two")
    assert cli("key").stdout != before


def test_a_tool_that_is_not_there(cli: Run, project: Path) -> None:
    """A missing image is reported by its name, with what to write instead."""
    name = f"{base_name().partition('/')[0]}/none-{uuid.uuid4().hex[:8]}:1"
    own_dockerfile(project, f"FROM base\nCOPY --from={name} / /\n")
    done = cli("build")
    assert done.returncode == 2
    assert (
        f"error: the Dockerfile's image {name} does not exist here or in its registry\n  write it as {name}@sha256:…"
        in done.stderr
    )


def test_a_registry_that_is_gone(cli: Run, project: Path) -> None:
    """An image that its registry knew once, and that is not in the local store, as a frontend never is, is still known
    when the registry does not answer: the desktop is a hit. With `pull = "never"` no registry is asked."""
    registry, tool = base_name().partition("/")[0], f"tool-{uuid.uuid4().hex[:8]}:1"
    push_image(registry, tool.removesuffix(":1"), "1", {"a": "b"}, platforms=(HERE,))
    with faulty(registry) as proxy:
        own_dockerfile(project, f"FROM {proxy.host}/{tool} AS tool\nFROM base\nRUN echo {tool} > /etc/configured\n")
        assert cli("build").returncode == 0
    gone = cli("resolve")
    assert (gone.returncode, gone.stdout.split()[0]) == (0, "local-hit"), gone.stderr
    assert "cannot be reached: Connection refused; taking what is known here" in gone.stderr
    never = cli("resolve", "--pull", "never")
    assert (never.returncode, never.stdout.split()[0]) == (0, "local-hit"), never.stderr
    assert "WARNING" not in never.stderr
