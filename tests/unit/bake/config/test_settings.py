"""The files that a configuration names lie in its folder: no name and no link brings another file into an image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from desktop_bake import Environment, ImageReference, Settings
from desktop_bake.bake.config.toml_file import settings_from
from desktop_bake.generator.environment import FILE_FIELDS
from desktop_bake.generator.errors import ConfigurationError
from tests.harness.file_names import OUTSIDE, SECRET


def contents(settings: Settings, environment: Environment) -> bytes:
    """What every file of an environment holds, one after another."""
    stack = settings.stack(environment)
    assert stack.desktop
    own = stack.preflight.script if stack.preflight else b"", settings.preflight_run(environment) or b""
    return b"".join((stack.desktop.install, stack.desktop.setup, stack.desktop.dockerfile, *own))


def read(root: Path, field: str, name: str) -> bytes:
    """What is read for an environment of a configuration in which a field names a file."""
    text = (
        f'[environments.office]\nbase_image = "debian:bookworm"\nheadless_desktop_enabled = true\n{field} = "{name}"\n'
    )
    settings = settings_from(text, root / "desktop-bake.toml", {})
    return contents(settings, settings.environment(None))


@pytest.mark.parametrize("field", FILE_FIELDS)
@pytest.mark.parametrize("name", OUTSIDE)
def test_outside(root: Path, field: str, name: str) -> None:
    """An absolute name, one with `..` and a link out of the folder are refused by environment and field."""
    with pytest.raises(ConfigurationError) as refused:
        read(root, field, name.format(away=root.parent / "away"))
    assert str(refused.value).startswith(f"environment 'office': {field} '")
    assert str(refused.value).endswith("' leads out of the configuration's folder")
    assert refused.value.remedy == "copy the file into that folder, and write its name relative to it"


@pytest.mark.parametrize("field", FILE_FIELDS)
@pytest.mark.parametrize("name", ["own.sh", "./own.sh", "within"])
def test_inside(root: Path, field: str, name: str) -> None:
    """A file of the folder is read, also through a link within it, and where the folder itself is reached by a link."""
    (root.parent / "linked root").symlink_to(root)
    for folder in (root, root.parent / "linked root"):
        assert SECRET.encode() in read(folder, field, name)


@pytest.mark.parametrize("field", FILE_FIELDS)
def test_a_program_may_name_any_file(root: Path, field: str) -> None:
    """A `Path` that a program gives is that program's own choice; a text is not, whoever gives it."""
    base = ImageReference.parse("debian:bookworm")
    environment = Environment(env_id="a", base_image=base, headless_desktop_enabled=True)
    file = root.parent / "away" / "secret"
    names: list[dict[str, Any]] = [{field: file}, {field: str(file)}]
    assert SECRET.encode() in contents(Settings(root=root), replace(environment, **names[0]))
    with pytest.raises(ConfigurationError):
        replace(environment, **names[1])
