"""Rendered folders without an engine: environments, their files, and Git's comparison of two of them."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from desktop_bake import BakeOptions, BakeTarget, Digest, Environment, ImageReference, Stack, bake_targets, stack_key
from desktop_bake.bake.build.render import rendered_files
from desktop_bake.bake.build.rendered_folder import whole_folder, write_folder
from desktop_bake.bake.config.shipped import shipped
from desktop_bake.bake.system.reporter import silent
from desktop_bake.generator.recipe import Recipe
from desktop_bake.generator.stack import Preflight

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from desktop_bake.bake.build.render import RenderedFiles

OPTIONS = BakeOptions(repository=ImageReference.parse("registry.example.com/team/desktop"), cache_backend="registry")
SHIPPED = Recipe(
    dockerfile=shipped("recipe/Dockerfile").read_bytes(),
    install=shipped("recipe/desktop_install.sh").read_bytes(),
    setup=shipped("recipe/desktop_setup.sh").read_bytes(),
)
PREFLIGHT = Preflight(
    dockerfile=shipped("recipe/preflight.Dockerfile").read_bytes(), script=b"#!/bin/sh\nmake -C /srv/tools install\n"
)
DEBIAN = Environment(env_id="default", base_image=ImageReference.parse("debian:bookworm"))


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """What is rendered.

    Args:
        stacks: each environment with what is baked for it.
        options: the options that all share.
        bases: the digests of bases, if not `Digest.of(b"base")`, by `repository:tag`.
    """

    stacks: tuple[tuple[Environment, Stack], ...]
    options: BakeOptions = OPTIONS
    bases: Mapping[str, Digest] = field(default_factory=dict)

    @property
    def targets(self) -> tuple[BakeTarget, ...]:
        """The targets."""
        wanted = [(e, s, stack_key(e, s, self._base(e))) for e, s in self.stacks]
        return bake_targets(wanted, self.options)

    @property
    def files(self) -> RenderedFiles:
        """The whole folder, which is `ci` in its repository."""
        return whole_folder(rendered_files(self.targets, self.options, "ci"))

    def write(self, folder: Path) -> None:
        """Render into a folder."""
        write_folder(folder, self.files, [e for e, _ in self.stacks], silent)

    def _base(self, environment: Environment) -> Digest:
        return self.bases.get(environment.base_image.named, Digest.of(b"base"))


def environments(count: int, recipe: Recipe = SHIPPED, **fields: object) -> tuple[tuple[Environment, Stack], ...]:
    """This many environments of one recipe, each with its own image."""
    first = replace(DEBIAN, **fields)  # type: ignore[arg-type]
    return tuple(
        (replace(first, env_id=f"team-{number}", build_args={"TEAM": str(number)}), Stack(desktop=recipe))
        for number in range(1, count + 1)
    )


def numstat(before: Path, after: Path) -> dict[str, tuple[int, int]]:
    """Added and removed lines by file, as Git counts them between two folders."""
    words = ["git", "diff", "--no-index", "--no-renames", "--numstat", "-z", before.name, after.name]
    done = subprocess.run(words, cwd=before.parent, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    found = {}
    entries = done.stdout.split("\0")
    for number, entry in enumerate(entries):
        if entry.count("\t") == 2:  # "added <tab> removed <tab>", then the two names
            added, removed, name = entry.split("\t")
            names = [name] if name else [n for n in entries[number + 1 : number + 3] if n != "/dev/null"]
            found[names[-1].partition("/")[2]] = (int(added), int(removed))
    return found
