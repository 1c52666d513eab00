"""The variables of a bake file, which may be set in the environment of the call."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from .cache_setting import DEFAULT_SCOPE
from .hcl import hcl

REPOSITORY_VARIABLE = "DESKTOP_BAKE_REPOSITORY"
CACHE_DIR_VARIABLE = "DESKTOP_BAKE_CACHE_DIR"
CACHE_SCOPE_VARIABLE = "DESKTOP_BAKE_CACHE_SCOPE"
OUTPUT_VARIABLE = "DESKTOP_BAKE_OUTPUT"
ANNOTATE_VARIABLE = "DESKTOP_BAKE_ANNOTATE"
PLATFORMS_VARIABLE = "DESKTOP_BAKE_PLATFORMS"
FOLDER_VARIABLE = "DESKTOP_BAKE_FOLDER"
_SHELL_VARIABLE = "PWD"
CACHE_FOLDER = ".desktop-cache"


def variable(name: str) -> str:
    """A reference to a variable, as it appears in a text."""
    return f"${{{name}}}"


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A variable (Bake file reference, "Variable").

    Attributes:
        name: its name, in the bake file and in the environment of the call.
        description: the text for people that `--list=variables` shows.
        default: an HCL expression.
    """

    name: str
    description: str
    default: str


def variables_of(repository: str, annotated: str, folder: str) -> tuple[Variable, ...]:
    """All variables that a bake file may have.

    Args:
        repository: where images go.
        annotated: from `generator.annotations.annotated`.
        folder: the bake file's folder, relative to another folder from which Bake is called; empty for none.
    """
    found = [
        Variable(name=REPOSITORY_VARIABLE, description="where images and registry caches go", default=hcl(repository)),
        # Empty, since --load adds an output to an existing one, and --push to one that loads: the engine's builder
        # would export each image twice at once, and one export fails if both give it its name.
        Variable(
            name=OUTPUT_VARIABLE,
            description="how images are exported, such as type=image,compression=zstd,oci-mediatypes=true",
            default='""',
        ),
        Variable(
            name=ANNOTATE_VARIABLE,
            description="what annotations are put on: manifest, or index,manifest if what is built has an index",
            default=hcl(annotated),
        ),
        Variable(
            name=PLATFORMS_VARIABLE,
            description="build for these platforms alone, such as linux/arm64; several with commas between",
            default='""',
        ),
        Variable(
            name=CACHE_SCOPE_VARIABLE,
            description="whose registry cache is written, such as a branch's",
            default=hcl(DEFAULT_SCOPE),
        ),
        Variable(
            name=CACHE_DIR_VARIABLE,
            description="where the local cache lies",
            default=f'"{variable(FOLDER_VARIABLE)}/{CACHE_FOLDER}"',
        ),
    ]
    return (*found, *_places(folder))


def _places(folder: str) -> tuple[Variable, ...]:
    """The variable for the bake file's folder, unknown to Bake: contexts are relative to the working directory."""
    description = "the folder of this file, as seen from where Bake is called"
    if not folder:
        return (Variable(name=FOLDER_VARIABLE, description=description, default='"."'),)
    inside = ", ".join(map(hcl, ("", ".", PurePosixPath(folder).name)))
    default = f'contains([{inside}], basename({_SHELL_VARIABLE})) ? "." : {hcl(folder)}'
    shell = "where Bake is called, as the shell says; no need to set it"
    return (
        Variable(name=FOLDER_VARIABLE, description=description, default=default),
        Variable(name=_SHELL_VARIABLE, description=shell, default='""'),
    )
