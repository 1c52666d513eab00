"""One digest for all files of a layer, which the shell of the image computes, too."""

from __future__ import annotations

import os
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_bake.bake.config.shipped import shipped
from desktop_bake.generator.dockerfile import instructions
from desktop_bake.generator.errors import ConfigurationError
from desktop_bake.generator.layer_files import manifest
from desktop_bake.generator.recipe import ContextFile

A = sha256(b"a").hexdigest()


def test_a_manifest() -> None:
    """A line for each file, sorted, then one for each that is executable."""
    files = {"b/c d": ContextFile(content=b"a", executable=True), "a": ContextFile(content=b"a")}
    assert manifest(files).decode() == f"{A}  ./a\n{A}  ./b/c d\n./b/c d\n"


def test_the_step_computes_it(tmp_path: Path) -> None:
    """What the Dockerfile's step runs over a folder is what we have of the same files."""
    files = {
        "run.sh": ContextFile(content=b"#!/bin/sh\n", executable=True),
        "sub/ä b.txt": ContextFile(content=b""),
        "sub/Z": ContextFile(content=b"z"),
        "sub/a'$x\"": ContextFile(content=b"z", executable=True),
        "zwölf": ContextFile(content=b"12"),
    }
    for name, file in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(file.content)
        path.chmod(0o755 if file.executable else 0o644)
    step = next(
        rest for name, rest in instructions(shipped("recipe/layer.Dockerfile").read_bytes()) if "/files" in rest
    )
    command = "{ find" + step.partition("{ find")[2].partition(" | sha256sum)")[0]
    done = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, env={**os.environ, "LC_ALL": "C"}, capture_output=True, check=True
    )
    assert done.stdout == manifest(files)


@pytest.mark.parametrize("name", ["a\\b", "a\nb", "a\0", "a\udcff", "a\u202eb"])
def test_names_that_are_printed_otherwise(name: str) -> None:
    """A name that sha256sum would escape, or a terminal obey, is refused."""
    with pytest.raises(ConfigurationError, match=r"^the file name "):
        manifest({name: ContextFile(content=b"")})


_FILE = st.builds(ContextFile, content=st.binary(max_size=2), executable=st.booleans())
_FILES = st.dictionaries(st.sampled_from(["a", "b", "a b", "sub/a"]), _FILE, max_size=4)


@given(_FILES, _FILES)
def test_other_files_have_another_manifest(one: dict[str, ContextFile], other: dict[str, ContextFile]) -> None:
    """Two manifests are the same if and only if the files are: names, bytes and bits."""
    assert (manifest(one) == manifest(other)) == (one == other)
