"""The files that a configuration names lie in its folder: no name and no link brings another file into an image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bake import Settings
from bake.settings_file import settings_from
from generator import Environment, ImageReference
from generator.environment import FILE_FIELDS
from generator.errors import ConfigurationError

if TYPE_CHECKING:
    from tests.conftest import Run

SECRET = "FROM base\nRUN echo c2VjcmV0\n"
OUTSIDE = ["{away}/secret", "../away/secret", "sub/../own.sh", "link", "folder/secret", "sub/linked"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A configuration's folder with links out of it, and `away` beside it with what nobody may have."""
    away, root = tmp_path / "away", tmp_path / "root"
    for folder in (away, root / "sub"):
        folder.mkdir(parents=True)
    (away / "secret").write_text(SECRET)
    (root / "own.sh").write_text(SECRET)
    (root / "link").symlink_to(away / "secret")
    (root / "folder").symlink_to("../away")
    (root / "sub" / "linked").symlink_to("../link")
    (root / "within").symlink_to("sub/../own.sh")
    return root


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


@pytest.mark.parametrize("name", ["{away}/secret", "link", "a link in the rendered folder"])
def test_render_check_shows_nothing_from_outside(cli: Run, project: Path, root: Path, name: str) -> None:
    """`render --check` prints no line of a file outside, whether a name leads there or a rendered link."""
    for file in ("desktop-bake.toml", "install.sh", "setup.sh"):
        (project / file).rename(root / file)
    config = root / "desktop-bake.toml"
    words = ("render", "-o", "ci", "--config", "root/desktop-bake.toml")
    assert cli(*words).returncode == 0
    if name in OUTSIDE:
        config.write_text(config.read_text().replace("setup.sh", name.format(away=project / "away")))
    else:
        (project / "ci" / "context").rename(project / "away" / "context")
        (project / "ci" / "context").symlink_to("../away/context")
        (script,) = (project / "away").rglob("desktop_setup.sh")
        script.write_text(SECRET)
    checked = cli(*words, "--check")
    assert checked.returncode == (2 if name in OUTSIDE else 1), checked.stderr
    assert "c2VjcmV0" not in checked.stdout + checked.stderr


def test_env_set(cli: Run, project: Path) -> None:
    """`env set` writes no name that the next command would refuse."""
    before = (project / "desktop-bake.toml").read_bytes()
    done = cli("env", "set", "default", "preflight_script=/etc/hostname")
    assert done.returncode == 2
    assert done.stderr.startswith(
        "error: environment 'default': preflight_script '/etc/hostname' leads out of the conf"
    )
    assert (project / "desktop-bake.toml").read_bytes() == before
