"""A recipe that exists is right; and what BuildKit gets of it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from desktop_bake import ConfigurationError, ContextFile
from desktop_bake.generator.recipe import check_script, digest_arguments
from tests.harness.every import every
from tests.harness.recipes import RECIPE

MARK = b"\xef\xbb\xbf"


def files(*names: str, content: bytes = b"x") -> dict[str, ContextFile]:
    """Further files of these names."""
    return {name: ContextFile(content=content) for name in names}


@pytest.mark.parametrize(
    "dockerfile",
    [
        b"FROM base",
        b"from base as desktop\n",
        b"FROM a AS tools\nFROM --platform=$BUILDPLATFORM base AS x\n",
        b"  FROM\tbase  \nRUN x\n",
    ],
)
def test_dockerfile(dockerfile: bytes) -> None:
    """A stage begins from the base, in any form that BuildKit reads."""
    assert replace(RECIPE, dockerfile=dockerfile).dockerfile == dockerfile


@every(
    ("change", "says"),
    [
        ({"packages": "tomorrow"}, "malformed packages date 'tomorrow'"),
        ({"install": b""}, "desktop_install.sh is empty"),
        ({"setup": b" \n"}, "desktop_setup.sh is empty"),
        ({"dockerfile": b"\n"}, "Dockerfile is empty"),
        ({"setup": b"a\r\nb"}, "desktop_setup.sh has CRLF line ends"),
        ({"install": MARK + b"a"}, "desktop_install.sh begins with a byte order mark"),
        ({"dockerfile": b"FROM debian"}, "the Dockerfile has no 'FROM base'"),
        ({"dockerfile": b"# FROM base"}, "the Dockerfile has no 'FROM base'"),
        ({"dockerfile": b"FROM base:1"}, "the Dockerfile has no 'FROM base'"),
        ({"dockerfile": b"FROM\nbase"}, "the Dockerfile has no 'FROM base'"),
        ({"dockerfile": b"FROM base AS a b"}, "the Dockerfile has no 'FROM base'"),
        ({"files": files("../x")}, "build context file '../x' is outside the context"),
        ({"files": files("a/../b")}, "build context file 'a/../b' is outside the context"),
        ({"files": files("/x")}, "build context file '/x' is outside the context"),
        ({"files": files("./x")}, "build context file './x' is outside the context"),
        ({"files": files("a//b")}, "build context file 'a//b' is outside the context"),
        ({"files": files(".")}, "build context file '.' is outside the context"),
        ({"files": files("")}, "build context file '' is outside the context"),
        ({"files": files("a\nb")}, "build context file 'a\\\\nb' is outside the context"),
        ({"files": files("Dockerfile")}, "build context file 'Dockerfile' is outside the context or already part"),
        ({"files": files("desktop_setup.sh")}, "build context file 'desktop_setup.sh' is outside the context or"),
        ({"files": files("run", content=b"#!/bin/sh\r\nx")}, "run has CRLF line ends"),
        ({"files": files("run", content=MARK + b"#!/bin/sh\n")}, "run begins with a byte order mark"),
    ],
)
def test_what_is_refused(change: dict[str, Any], says: str) -> None:
    """What no shell could run, or would not be where the recipe says, is refused with a remedy."""
    with pytest.raises(ConfigurationError, match=f"^{says}") as caught:
        replace(RECIPE, **change)
    assert caught.value.remedy


@pytest.mark.parametrize("content", [b"", b"a\r\nb", MARK + b"text", b"\0\r\n#!"])
def test_other_files_hold_anything(content: bytes) -> None:
    """A further file that is no script holds any bytes."""
    assert replace(RECIPE, files=files("a", "b/c", content=content)).files["b/c"].content == content


def test_context() -> None:
    """The build context has every file, sorted, with what makes it executable."""
    recipe = replace(RECIPE, files={"z": ContextFile(content=b"1", executable=True), "A/b": ContextFile(content=b"2")})
    assert list(recipe.context()) == [
        ("A/b", ContextFile(content=b"2")),
        ("Dockerfile", ContextFile(content=b"FROM base\n")),
        ("desktop_install.sh", ContextFile(content=b"echo install\n")),
        ("desktop_setup.sh", ContextFile(content=b"echo setup\n")),
        ("z", ContextFile(content=b"1", executable=True)),
    ]


def test_digests() -> None:
    """The steps learn the SHA-256 of each file of our own that they run."""
    contents = {file.content for _, file in RECIPE.context()}
    assert set(RECIPE.digests()) == {f"DESKTOP_BAKE_SHA256_{name}" for name in ("DOCKERFILE", "INSTALL", "SETUP")}
    assert set(RECIPE.digests().values()) == {hashlib.sha256(content).hexdigest() for content in contents}
    assert digest_arguments(A=b"") == {"DESKTOP_BAKE_SHA256_A": hashlib.sha256().hexdigest()}


def test_the_command_that_mends_it() -> None:
    """A remedy names the file where it lies, in a form that a shell takes as it is."""
    with pytest.raises(ConfigurationError, match=r"^a\.sh has CRLF line ends") as caught:
        check_script("a.sh", b"x\r\n", "", "/home/me/it's mine/a.sh")
    assert caught.value.remedy.endswith("""'/home/me/it'"'"'s mine/a.sh'""")
