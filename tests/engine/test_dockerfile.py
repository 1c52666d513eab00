"""The images that a Dockerfile of one's own names: read as BuildKit reads them, pinned, and part of the key."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bake.shipped import shipped
from generator.dockerfile import context_name, named_images
from generator.errors import ConfigurationError
from tests.conftest import base_name, remove_images
from tests.proxy import faulty
from tests.registries import HERE, push_image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Run

DIGEST = "sha256:" + "a" * 64
# What a Dockerfile says, and the names that are found in it; x:1 and the like, `syntax x` for a frontend.
NAMED = {
    "base alone": ("FROM base\nRUN true\n", ""),
    "a stage": ("FROM x:1 AS tool\nFROM base\nCOPY --from=tool /x /x\n", "x:1"),
    "a source": ("FROM base\nCOPY --link --from=x:1 /x /x\n", "x:1"),
    "a mount": ("FROM base\nRUN --mount=type=bind,from=x:1,target=/m --mount=from=y,target=/n true\n", "x:1 y"),
    "with a digest": (f"FROM x:1@{DIGEST}\nFROM base\nCOPY --from=y@{DIGEST} / /\n", ""),
    "earlier stages": ("FROM x:1 AS A\nFROM a AS b\nFROM base\nCOPY --from=0 / /\nCOPY --from=B / /\n", "x:1"),
    "nothing": ("FROM scratch AS s\nFROM base\nCOPY --from=s / /\n", ""),
    "latest": ("FROM docker.io/library/x\nFROM x:latest\nFROM base\n", "x"),
    "cases": ("from x:1 as T\nFrom base\ncopy --from=t / /\nrun --mount=From=y:1,target=/m true\n", "x:1 y:1"),
    "platforms": ("FROM --platform=$BUILDPLATFORM x:1 AS t\nFROM base\n", "x:1"),
    "continued": ("FROM \\\n# a comment\n\n  x:1 \\\n AS t\nFROM base\nCOPY \\\n --from=y:1 / /\n", "x:1 y:1"),
    "another escape": ("# escape=`\nFROM base\nRUN a \\\nCOPY --from=x:1 / /\nCOPY `\n --from=y:1 / /\n", "x:1 y:1"),
    "an escaped escape": ("FROM base\nRUN a \\\\\nCOPY --from=x:1 / /\n", "x:1"),
    "CRLF": ("FROM x:1 \\\r\n AS t\r\nFROM base\r\n", "x:1"),
    "an argument": ("ARG V=1 N=x\nFROM ${N}:$V AS t\nFROM base\n", "x:1"),
    "a default": ("ARG V\nFROM x:${V:-1} AS t\nFROM x:${W-2}\nFROM x${V:+:3}\nFROM base\n", "x x:1 x:2"),
    "an argument of an argument": ('ARG V=1\nARG I="x:$V"\nFROM $I\nFROM base\n', "x:1"),
    "an argument that is given": ("ARG GIVEN=1\nFROM x:$GIVEN\nFROM base\n", "x:given"),
    "one that only a stage has": ("FROM base\nARG GIVEN=y\nCOPY --from=x:1 / /\n", "x:1"),
    "a heredoc": ("FROM base\nRUN <<EOF\nFROM x:1\nCOPY --from=y / /\nEOF\nCOPY --from=z / /\n", "z"),
    "two heredocs": ("FROM base\nCOPY <<A <<-'B C' /\nFROM x\nA\nFROM y\n\tB C\nCOPY --from=z / /\n", "z"),
    "a heredoc of another's child": ("FROM base\nONBUILD RUN <<EOF\nFROM x\nEOF\n", ""),
    "no heredoc": (
        "FROM base\nRUN echo '<<EOF' $((1 << 2))\nCOPY --from=x / /\nENV A=<<EOF\nCOPY --from=y / /\n",
        "x y",
    ),
    "a word that looks like a flag": ("FROM base\nRUN echo --mount=from=x:1\nRUN cp --from=y a\n", ""),
    "a frontend": ("# syntax=docker/dockerfile:1\nFROM base\n", "syntax docker/dockerfile:1"),
    "a frontend otherwise": ("#!/x\n# escape=\\\n#  Syntax = f:1 \nFROM base\n", "syntax f:1"),
    "a frontend with slashes": ("// syntax=f:1\nFROM base\n", "syntax f:1"),
    "a frontend with a digest": (f"# syntax=f:1@{DIGEST}\nFROM base\n", ""),
    "a comment": ("# of old: FROM y\n# syntax=f:1\nFROM base\n", ""),
    "a later comment": ("\n# syntax=f:1\nFROM base\n#FROM y\n", ""),
}
REFUSED = {
    "of the platform": "FROM x:$TARGETARCH AS t\nFROM base\n",
    "of the platform, declared": "ARG TARGETARCH\nFROM x:$TARGETARCH AS t\nFROM base\n",
    "of an argument of it": "ARG I=x:$BUILDARCH\nFROM $I AS t\nFROM base\n",
    "a pattern": "ARG V=1\nFROM x:${V#v} AS t\nFROM base\n",
    "a variable source": "FROM base\nARG V=1\nCOPY --from=x:$V / /\n",
    "a malformed name": "FROM X:1 AS t\nFROM base\n",
    "nothing after FROM": "FROM\nFROM base\n",
    "handed on": "FROM base\nONBUILD COPY --from=x:1 / /\n",
    "mounted by a child": "FROM base\nONBUILD RUN --mount=from=x:1,target=/m true\n",
    "a stage of that name": "FROM x AS x\nFROM base\n",
    "a frontend with words": "# syntax=f:1 more\nFROM base\n",
}


@pytest.mark.parametrize("case", NAMED)
def test_named(case: str) -> None:
    """Every image without a digest is found, wherever BuildKit would look for one, and nothing else is."""
    text, names = NAMED[case]
    found = named_images(text.encode(), {"GIVEN": "given"})
    frontend = f"syntax {context_name(found.frontend)}" if found.frontend else ""
    assert " ".join(filter(None, [*map(context_name, found.tools), frontend])) == names


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    """What cannot be read, or is known to the build alone, is refused with a remedy."""
    with pytest.raises(ConfigurationError, match="the Dockerfile") as caught:
        named_images(REFUSED[case].encode(), {})
    assert caught.value.remedy


PIECES = [
    *("FROM ", "base", "x:1", " AS ", "\n", "\r\n", " ", "\t", "\\", "`", "'", '"', "#", "//", "# syntax=", "ONBUILD "),
    *("ARG A=", "${A:-", "$A", "}", "COPY --from=", "RUN --mount=from=", "<<EOF", "<<-", "=", ",", "ü", "\0"),
]


@settings(max_examples=300, deadline=None, database=None)
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=40))
def test_any_text_is_read_or_refused(pieces: list[str]) -> None:
    """Whatever a Dockerfile holds, there are names or one error of ours."""
    with suppress(ConfigurationError):
        named_images("".join(pieces).encode(), {"A": "1"})


@pytest.mark.parametrize("piece", ["\n", " ", "\\\n", "# a = b\n", '"', "<<a ", "RUN a\n", "$A", "# a\n"])
def test_a_large_one_is_read_at_once(piece: str) -> None:
    """Fifty thousand of the same take seconds at most."""
    began = time.monotonic()
    with suppress(ConfigurationError):
        named_images(f"FROM base\nRUN {piece * 50_000}x".encode(), {})
        named_images(f"# syntax={piece * 50_000}x\nFROM base".encode(), {})
    assert time.monotonic() - began < 10


def test_the_shipped_ones_name_none() -> None:
    """The shipped Dockerfiles need nothing but their base."""
    for name in ("Dockerfile", "preflight.Dockerfile"):
        assert named_images(shipped(f"recipe/{name}").read_bytes(), {}).references == {}


# Each name is of a registry that is not there: a build of it succeeds if every name is pinned, and only then.
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
    """A Dockerfile with images in every place builds with the found ones as named contexts, no registry asked; with one
    of them left out it does not."""
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
    """A tool image in the registry, `one` in its /tool; gone from this engine afterwards."""
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
    """Have the project use this Dockerfile."""
    config = project / "desktop-bake.toml"
    (project / "Dockerfile").write_text(text)
    if "dockerfile =" not in config.read_text():
        config.write_text(config.read_text() + 'dockerfile = "Dockerfile"\n')


def test_a_tool_that_moves_is_a_miss(cli: Run, project: Path, tool: str) -> None:
    """The digest of a tool image is part of the key, and the build takes that one: a tag that moves is a miss that says
    so, and a folder that was rendered before still bakes what its key says."""
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
    subprocess.run(bake, cwd=project / "ci", check=True, capture_output=True)
    words = ["docker", "run", "--rm", image["image"], "cat", "/a"]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "one\n"


def test_a_frontend_is_pinned(cli: Run, project: Path, tool: str) -> None:
    """BuildKit runs the frontend whose digest is in the key; one that is no frontend fails the build by its digest."""
    own_dockerfile(project, f"# syntax={tool}\nFROM base\n")
    before = cli("key").stdout
    done = cli("build")
    assert done.returncode == 6
    assert f"docker-image://{tool}@sha256:" in done.stderr
    push(tool, "two")
    assert cli("key").stdout != before


def test_a_tool_that_is_not_there(cli: Run, project: Path) -> None:
    """An image that does not exist is told by its name, with what to write instead."""
    name = f"{base_name().partition('/')[0]}/none-{uuid.uuid4().hex[:8]}:1"
    own_dockerfile(project, f"FROM base\nCOPY --from={name} / /\n")
    done = cli("build")
    assert done.returncode == 2
    assert (
        f"error: the Dockerfile's image {name} does not exist here or in its registry\n  write it as {name}@sha256:…"
        in done.stderr
    )


def test_a_registry_that_is_gone(cli: Run, project: Path) -> None:
    """An image that its registry told of once, and that is not in the local store, as a frontend never is, is known
    where the registry cannot be asked: the desktop is a hit. With `pull = "never"` nobody is asked."""
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
