"""One edit of an environment: checked whole, and never over what somebody else wrote."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from desktop_bake import ConfigurationError, ImageReference
from desktop_bake.bake.config.environment_edit import (
    Change,
    ChangedMeanwhileError,
    EnvironmentFile,
    edit_environment,
    fingerprint,
    restore,
)

if TYPE_CHECKING:
    from pathlib import Path

TOML = '# ours\n[environments.a]\nbase_image = "debian"  # a base\nheadless_desktop_enabled = true\n'
JSON = '{"environments": [{"env_id": "a", "name": "A"}]}\n'


@pytest.fixture
def toml(tmp_path: Path) -> EnvironmentFile:
    """A configuration."""
    path = tmp_path / "desktop-bake.toml"
    path.write_text(TOML)
    return EnvironmentFile(path=path)


@pytest.fixture
def origin(tmp_path: Path) -> EnvironmentFile:
    """A file of Agents Runner, whose settings give every environment a desktop."""
    path = tmp_path / "environments.json"
    path.write_text(JSON)
    (tmp_path / "state.toml").write_text("version = 4\n[settings]\nheadless_desktop_enabled = true\n")
    return EnvironmentFile(path=path, origin_base=ImageReference.parse("debian"))


def test_in_a_configuration(toml: EnvironmentFile) -> None:
    """The environment is told as it is now, and the file keeps its comments; the same once more changes nothing."""
    change = Change(env_id="a", values={("cache_desktop_build",): True})
    edited = edit_environment(toml, change)
    assert edited.environment.desktop_cache_enabled
    assert edited.is_changed
    assert toml.path.read_text() == TOML + "cache_desktop_build = true\n"
    assert not edit_environment(toml, change).is_changed


def test_in_a_file_of_agents_runner(origin: EnvironmentFile) -> None:
    """It is edited where it is, and told that its settings decide over the desktop."""
    edited = edit_environment(origin, Change(env_id="a", values={("cache_desktop_build",): True}))
    assert '"cache_desktop_build": true' in origin.path.read_text()
    assert (edited.forced, edited.environment.desktop_cache_enabled) == (True, True)
    with pytest.raises(ConfigurationError, match="makes its environments itself"):
        edit_environment(origin, Change(env_id="b", values={}, create=True))


def test_somebody_else_was_first(toml: EnvironmentFile) -> None:
    """A change since the caller read the file stays, and the caller gets an error."""
    change = Change(env_id="a", values={("cache_desktop_build",): True}, seen=fingerprint(TOML.encode()))
    with_theirs = TOML + "# theirs\n"
    toml.path.write_text(with_theirs)
    with pytest.raises(ChangedMeanwhileError, match="was changed meanwhile"):
        edit_environment(toml, change)
    assert toml.path.read_text() == with_theirs
    edit_environment(toml, replace(change, seen=fingerprint(with_theirs.encode())))
    assert toml.path.read_text() == TOML + "cache_desktop_build = true\n# theirs\n"


@pytest.mark.parametrize("env_id", ["a", "b"])
def test_nothing_is_written_that_would_not_load(toml: EnvironmentFile, env_id: str) -> None:
    """A value that cannot be, or an environment that is not there, leaves the file as it is."""
    with pytest.raises(ConfigurationError):
        edit_environment(toml, Change(env_id=env_id, values={("base_image",): "not a reference"}))
    assert toml.path.read_text() == TOML


def test_a_value_that_is_no_text(toml: EnvironmentFile) -> None:
    """A lone surrogate, as a terminal may give, is refused by name."""
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        edit_environment(toml, Change(env_id="a", values={("name",): "\udc80"}))


def test_undone(toml: EnvironmentFile) -> None:
    """An edit is undone byte for byte, unless somebody changed the file since."""
    edited = edit_environment(toml, Change(env_id="a", values={("headless_desktop_enabled",): False}))
    restore(toml, edited)
    assert toml.path.read_text() == TOML
    with pytest.raises(ChangedMeanwhileError):
        restore(toml, edited)
    assert toml.path.read_text() == TOML
