"""The variables of a bake file."""

from __future__ import annotations

import pytest

from desktop_bake.generator.variables import FOLDER_VARIABLE, variable, variables_of


def test_variable() -> None:
    """A reference as HCL has it within a text."""
    assert variable("A") == "${A}"


@pytest.mark.parametrize(
    ("folder", "default"),
    [
        ("", '"."'),
        ("ci", 'contains(["", ".", "ci"], basename(PWD)) ? "." : "ci"'),
        ("a/b c", 'contains(["", ".", "b c"], basename(PWD)) ? "." : "a/b c"'),
        ("${A}", 'contains(["", ".", "$${A}"], basename(PWD)) ? "." : "$${A}"'),
    ],
)
def test_the_folder(folder: str, default: str) -> None:
    """The shell's folder is asked for if the file may be called from two places; the names in it are quoted."""
    found = {v.name: v for v in variables_of("a/b", "manifest", folder)}
    assert found[FOLDER_VARIABLE].default == default
    assert ("PWD" in found) is bool(folder)


def test_each_is_described() -> None:
    """People see what each is for; the repository and what is annotated are the caller's."""
    found = variables_of("a/b", "index,manifest", "ci")
    assert all(v.description for v in found)
    defaults = {v.name: v.default for v in found}
    assert defaults["DESKTOP_BAKE_REPOSITORY"] == '"a/b"'
    assert defaults["DESKTOP_BAKE_ANNOTATE"] == '"index,manifest"'
    assert defaults["DESKTOP_BAKE_CACHE_DIR"] == '"${DESKTOP_BAKE_FOLDER}/.desktop-cache"'
