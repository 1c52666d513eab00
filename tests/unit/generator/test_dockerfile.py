"""The images that a user's Dockerfile names: read as BuildKit reads them, pinned, and part of the key."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_bake.bake.config.shipped import shipped
from desktop_bake.generator.dockerfile import context_name, declares, named_images
from desktop_bake.generator.errors import ConfigurationError
from desktop_bake.generator.recipe import BASE_ARGUMENT
from tests.harness.every import every

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


@every("case", NAMED)
def test_named(case: str) -> None:
    """Every image without a digest is found, wherever BuildKit would look for one, and nothing else is."""
    text, names = NAMED[case]
    found = named_images(text.encode(), {"GIVEN": "given"})
    frontend = f"syntax {context_name(found.frontend)}" if found.frontend else ""
    assert " ".join(filter(None, [*map(context_name, found.tools), frontend])) == names


@every("case", REFUSED)
def test_refused(case: str) -> None:
    """What cannot be read, or is known to the build alone, is refused with a remedy."""
    with pytest.raises(ConfigurationError, match="the Dockerfile") as caught:
        named_images(REFUSED[case].encode(), {})
    assert caught.value.remedy


PIECES = [
    *("FROM ", "base", "x:1", " AS ", "\n", "\r\n", " ", "\t", "\\", "`", "'", '"', "#", "//", "# syntax=", "ONBUILD "),
    *("ARG A=", "${A:-", "$A", "}", "COPY --from=", "RUN --mount=from=", "<<EOF", "<<-", "=", ",", "ü", "\0"),
]


@given(pieces=st.lists(st.sampled_from(PIECES), max_size=40))
def test_any_text_is_read_or_refused(pieces: list[str]) -> None:
    """Whatever a Dockerfile holds, there are names or one error of ours."""
    with suppress(ConfigurationError):
        named_images("".join(pieces).encode(), {"A": "1"})


@pytest.mark.parametrize("piece", ["\n", " ", "\\\n", "# a = b\n", '"', "<<a ", "RUN a\n", "$A", "# a\n"])
def test_a_large_one_is_read_at_once(piece: str) -> None:
    """Twenty-five thousand of the same take seconds of processor time at most."""
    began = time.process_time()
    for text in (f"FROM base\nRUN {piece * 25_000}x", f"# syntax={piece * 25_000}x\nFROM base"):
        with suppress(ConfigurationError):
            named_images(text.encode(), {})
    assert time.process_time() - began < 2.5


def test_the_shipped_ones_name_none() -> None:
    """The shipped Dockerfiles need nothing but their base."""
    for name in ("Dockerfile", "preflight.Dockerfile", "layer.Dockerfile"):
        assert named_images(shipped(f"recipe/{name}").read_bytes(), {}).references == {}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("FROM base\nARG A\nRUN true\n", True),
        ("FROM base\narg B A=1\n", True),
        ("FROM x AS y\nFROM base\nARG B \\\n  A\n", True),
        ("ARG A\nFROM base\n", False),
        ("FROM base\n# ARG A\nARG AA\nRUN echo ARG A\n", False),
        ("FROM base\nRUN <<EOF\nARG A\nEOF\n", False),
    ],
)
def test_declared(text: str, wanted: bool) -> None:
    """An argument counts where a stage declares it: one before the first stage reaches no step."""
    assert declares(text.encode(), "A") is wanted


def test_the_shipped_one_takes_what_the_install_step_depends_on() -> None:
    """The base and the packages date reach the install step, so that it runs again when one of them moves."""
    text = shipped("recipe/Dockerfile").read_bytes()
    assert declares(text, BASE_ARGUMENT)
    assert text.index(f"ARG {BASE_ARGUMENT}".encode()) < text.index(b"RUN ")
