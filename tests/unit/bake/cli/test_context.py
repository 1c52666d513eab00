"""What every command needs: the settings that its arguments ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from desktop_bake.bake.cli.context import load
from desktop_bake.bake.cli.parser import parser

if TYPE_CHECKING:
    from pathlib import Path


FILE = """
repository = "r.example.com/a"
[environments.default]
base_image = "debian:bookworm"
"""


@pytest.mark.parametrize(
    ("words", "field", "wanted"),
    [
        (["key", "--repository", "b"], "repository", "b"),
        (["resolve", "--cache=none"], "cache", "none"),
        (["build", "--builder", "x"], "builder", "x"),
        (["run", "--pull", "never"], "pull", "never"),
        (["env", "list", "--platform", "linux/arm64"], "platform", "linux/arm64"),
        (["build", "--push"], "push", True),
        (["build"], "push", False),
        (["build", "--timeout", "7"], "build_timeout_s", 7),
        (["run", "--timeout", "7"], "build_timeout_s", 7),
        (["run", "--no-fallback"], "fallback", False),
        (["run"], "fallback", True),
        (["render", "--attest", "type=sbom", "--attest="], "attest", ("type=sbom",)),
        (["build", "--attest", ""], "attest", ()),
    ],
)
def test_a_flag_goes_first(
    words: list[str], field: str, wanted: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is typed overrides the variable, which overrides the file; a flag that is not typed overrides nothing."""
    (tmp_path / "desktop-bake.toml").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DESKTOP_BAKE_ATTEST", "type=provenance")
    value = getattr(load(parser().parse_args(words)), field)
    assert (str(value) if field == "repository" else value) == wanted
