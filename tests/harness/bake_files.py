"""BuildKit's reading of a rendered file."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from desktop_bake import (
    BakeOptions,
    Environment,
    ImageReference,
    Recipe,
    Stack,
    bake_targets,
    compute_key,
    render_bake_file,
)
from desktop_bake.bake.config.shipped import shipped
from tests.harness.recipes import BASE, RECIPE

TEMPLATE = shipped("docker-bake.hcl.j2").read_text()

TEAM = BakeOptions(repository=ImageReference.parse("registry.example.com/team/desktop"), cache_backend="registry")


def rendered(environments: list[Environment], options: BakeOptions, recipe: Recipe = RECIPE) -> str:
    """The bake file of these environments."""
    wanted = [(e, Stack(desktop=recipe), compute_key(e, recipe, BASE)) for e in environments]
    return render_bake_file(TEMPLATE, bake_targets(wanted, options), options)


def printed(text: str, folder: Path, *words: str, **variables: str) -> dict[str, Any]:
    """What buildx reads in a bake file for a group, by default `desktop`, with these flags."""
    (folder / "docker-bake.hcl").write_text(text)
    done = subprocess.run(
        ["docker", "buildx", "bake", "--print", *(words or ("desktop",))],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **variables},
    )
    assert done.returncode == 0, done.stderr
    read: dict[str, Any] = json.loads(done.stdout)
    for target in read["target"].values():  # buildx prints these two escaped, so that its output is a bake file again
        for field in ("args", "labels"):
            target[field] = {n: unescaped(v) for n, v in target.get(field, {}).items()}
    return read


def called_in(folder: Path, **variables: str) -> dict[str, str]:
    """The environment of a call of Bake in a folder, as a shell makes it."""
    return {**os.environ, "PWD": str(folder), **variables}


def unescaped(text: str) -> str:
    """The value of a quoted HCL string."""
    return text.replace("$${", "${").replace("%%{", "%{")


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60) | st.lists(
    st.sampled_from(["${", "%{", '"', "\\", "\n", "\r", "\t", "$", "%", "{", "}", "~", "ü", "𝄞", "\x7f", "EOF", "//"])
).map("".join)
