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

BASE = ImageReference.parse("debian:bookworm")


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
    with pytest.raises(ConfigurationError, match=f"^environment 'a': {field} .* leads out of "):
        replace(environment, **names[1])


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("nowhere.sh", None, "cannot read nowhere.sh: No such file or directory"),
        ("sub", None, "cannot read sub: "),
        ("empty.sh", b" \n", "empty.sh is empty"),
        ("crlf.sh", b"true\r\n", "crlf.sh has CRLF line ends"),
        ("mark.sh", b"\xef\xbb\xbftrue\n", "mark.sh begins with a byte order mark"),
    ],
)
def test_files_that_do_not_do(root: Path, name: str, content: bytes | None, says: str) -> None:
    """A file that is missing, no file, empty or written for another system is refused by its environment."""
    if content is not None:
        (root / name).write_bytes(content)
    environment = Environment(env_id="a", base_image=BASE, headless_desktop_enabled=True, setup_script=name)
    with pytest.raises(ConfigurationError) as refused:
        Settings(root=root).stack(environment)
    assert str(refused.value).startswith(f"environment 'a': {says}")
    assert refused.value.remedy
