"""`desktop-bake render`: written, printed or checked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


def test_printed(typed: Callable[..., tuple[int, str, str]], project: Path) -> None:
    """Without a folder the bake file is printed, and nothing is written."""
    before = sorted(project.iterdir())
    status, output, errors = typed("render", "default")
    assert (status, errors) == (0, "")
    assert output.startswith("// Rendered by desktop-bake ")
    assert sorted(project.iterdir()) == before


def test_written_and_checked(typed: Callable[..., tuple[int, str, str]], project: Path) -> None:
    """Each file is printed by its name; a check is silent while it is fresh, and shows cause, diff and files after."""
    status, output, _ = typed("render", "default", "-o", "ci")
    assert status == 0
    written = [p.relative_to(project).as_posix() for p in (project / "ci").rglob("*") if p.is_file()]
    assert sorted(output.splitlines()) == sorted(written)
    assert typed("render", "default", "-o", "ci", "--check") == (0, "", "")
    assert "is called" in typed("render", "-o", project.name)[2]
    (project / "ci" / "docker-bake.hcl").write_text("// stale\n")
    status, output, errors = typed("render", "default", "-o", "ci", "--check")
    assert status == 1
    assert output.startswith("docker-bake.hcl was edited after it was rendered\n\n--- ci/docker-bake.hcl\n")
    assert output.endswith("\n\nstale: ci/docker-bake.hcl: content\n")
    assert errors == "error: ci is stale\n  run: desktop-bake render default -o ci\n"


def test_what_was_not_rendered(typed: Callable[..., tuple[int, str, str]], project: Path) -> None:
    """What nobody rendered is distinguished from what is stale: rendering again does not fix it."""
    typed("render", "default", "-o", "ci")
    (project / "ci" / "compose.yaml").write_text("{}")
    (project / "ci" / ".gitattributes").write_text("*.png binary\n")
    status, output, errors = typed("render", "default", "-o", "ci", "--check")
    assert status == 1
    assert output.splitlines() == [
        "extra: ci/compose.yaml: Bake reads it as well",
        "stale: ci/.gitattributes: lacks the line '* -text'",
    ]
    assert errors.splitlines()[0] == "error: ci contains files that were not rendered"


def test_a_check_without_a_folder(typed: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """What was rendered into this folder is checked; if nothing was, the folder is asked for, and none proposed."""
    assert typed("render", "--check") == (
        2,
        "",
        "error: no docker-bake.hcl here to check\n  name its folder: desktop-bake render -o DIR --check\n",
    )
    assert typed("render", "-o", "ci")[0] == 0
    config = str(Path.cwd() / "desktop-bake.toml")
    monkeypatch.chdir("ci")
    assert typed("render", "--check", "--config", config)[0] == 0
    Path("docker-bake.hcl").write_text("edited")
    status, _, errors = typed("render", "--check", "--config", config)
    assert (status, errors.splitlines()[-1]) == (1, f"  run: desktop-bake render --config {config} -o .")


@pytest.mark.parametrize("flags", [(), ("--check",)])
def test_no_environment(typed: Callable[..., tuple[int, str, str]], project: Path, flags: tuple[str, ...]) -> None:
    """Without an environment there is nothing to render."""
    (project / "desktop-bake.toml").write_text("")
    status, _, errors = typed("render", *flags)
    remedy = "add one: desktop-bake env set --create NAME base_image=IMAGE"  # init refuses: there is a file
    assert (status, errors) == (2, f"error: no environment to render\n  {remedy}\n")
