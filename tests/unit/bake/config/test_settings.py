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
    with pytest.raises(ConfigurationError, match=f"^environment 'a': {field} .* leads out of "):
        replace(environment, **names[1])


# --- which environment -----------------------------------------------------------------------------------------------

BASE = ImageReference.parse("debian:bookworm")


@pytest.mark.parametrize(
    ("known", "asked", "wanted"),
    [
        (("a",), None, "a"),
        (("a", "default"), None, "default"),
        (("a", "b"), "b", "b"),
        ((), None, "no environment in desktop-bake.toml"),
        (("a", "b"), None, "several environments and none named 'default'"),
        (("office",), "ofice", "unknown environment 'ofice'"),
        (("a",), "", "unknown environment ''"),
    ],
)
def test_which_environment(known: tuple[str, ...], asked: str | None, wanted: str) -> None:
    """The one that is asked for, the only one, or the one named `default`."""
    settings = Settings(environments={name: Environment(env_id=name, base_image=BASE) for name in known})
    if wanted in known:
        assert settings.environment(asked).env_id == wanted
        return
    with pytest.raises(ConfigurationError) as refused:
        settings.environment(asked)
    assert str(refused.value) == wanted
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("repository", "wanted"),
    [
        ("desktop-bake", False),
        ("docker.io/library/desktop", False),
        ("team/desktop", True),
        ("registry.example.com/desktop", True),
        ("localhost:5000/library/desktop", True),
    ],
)
def test_has_registry(repository: str, wanted: bool) -> None:
    """A repository of one part stays on this machine; whatever names an owner or a host is a registry's."""
    assert Settings(repository=ImageReference.parse(repository)).has_registry is wanted


@pytest.mark.parametrize(
    ("own", "everybodys", "wanted"),
    [
        (None, None, None),
        ("linux/arm64", None, "linux/arm64"),
        (None, "linux/amd64", "linux/amd64"),
        ("linux/arm64", "linux/amd64", "linux/arm64"),
        (None, "", None),
    ],
)
def test_platform_of(own: str | None, everybodys: str | None, wanted: str | None) -> None:
    """An environment's own platform goes before the one of the settings."""
    environment = Environment(env_id="a", base_image=BASE, platform=own)
    assert Settings(platform=everybodys).platform_of(environment) == wanted


@pytest.mark.parametrize(
    ("desktop", "preflight", "wanted"),
    [
        (True, False, (True, False)),
        (True, True, (True, True)),
        (False, True, (False, True)),
        (False, False, (True, False)),
    ],
)
def test_stack(root: Path, desktop: bool, preflight: bool, wanted: tuple[bool, bool]) -> None:
    """A stack has the desktop where one is wanted, the preflight where one is written, and is never empty."""
    environment = Environment(
        env_id="a",
        base_image=BASE,
        headless_desktop_enabled=desktop,
        preflight_script="own.sh" if preflight else None,
    )
    stack = Settings(root=root).stack(environment)
    assert (stack.desktop is not None, stack.preflight is not None) == wanted
    assert (SECRET.encode() in (stack.preflight.script if stack.preflight else b"")) is preflight


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


# --- made by hand ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "says", "remedy"),
    [
        ("repository", "a/b", "'a/b', not of type ImageReference", "write ImageReference.parse('a/b')"),
        ("base_image", None, "None, not of type ImageReference", "write ImageReference.parse('…')"),
        ("root", "/project", "'/project', not of type Path", "write Path('/project')"),
        ("lock", "a.lock", "'a.lock', not of type Lock | None", "write Lock(…)"),
        ("cache", 1, "1, not of type str", "write a text in quotes"),
        ("cache", None, "None, not of type str", "write a text in quotes"),
        ("builder", 1, "1, not of type str | None", "write a text in quotes"),
        ("push", 1, "1, not of type bool", "write True or False"),
        ("push", "false", "'false', not of type bool", "write True or False"),
        ("build_timeout_s", True, "True, not of type int", "write a whole number"),
        ("registry_timeout_s", "10", "'10', not of type int", "write a whole number"),
        ("verify_timeout_s", 1.5, "1.5, not of type int", "write a whole number"),
        ("credential_helper_timeout_s", None, "None, not of type int", "write a whole number"),
        ("attest", "type=sbom", "'type=sbom', not of type tuple[str, ...]", "write ('type=sbom',)"),
        ("attest", {"type": "sbom"}, "{'type': 'sbom'}, not of type tuple[str, ...]", "write ('…',)"),
        ("verify_command", ("a", 1), "('a', 1), not of type tuple[str, ...]", "write ('…',)"),
        ("environments", ["a"], "['a'], not of type Mapping[str, Environment]", "write {'NAME': 'value'}"),
    ],
)
def test_another_type(field: str, value: object, says: str, remedy: str) -> None:
    """A program that gives a value of another type gets one line and what to write, not a traceback later."""
    wrong: dict[str, Any] = {field: value}
    with pytest.raises(ConfigurationError) as refused:
        Settings(**wrong)
    assert str(refused.value) == f"{field} is {says}"
    assert refused.value.remedy == remedy


def test_environments_that_are_none() -> None:
    """What stands for an environment is one."""
    wrong: dict[str, Any] = {"environments": {"a": "debian"}}
    with pytest.raises(ConfigurationError, match="environments holds 'debian' under 'a', not of type Environment"):
        Settings(**wrong)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("cache_scope", "a b", "malformed cache scope 'a b'"),
        ("compression", "lz4", "unknown compression 'lz4'"),
        ("platform", "arm", "malformed platform 'arm'"),
        ("attest", ("sbom",), "malformed attestation 'sbom'"),
        ("verify_timeout_s", 31_536_001, "verify_timeout_s is 31536001"),
        ("repository", ImageReference.parse("a:1"), "repository 'a:1' has a tag or a digest"),
        ("push", True, "repository 'desktop-bake' is in no registry to push to"),
    ],
)
def test_another_form(field: str, value: object, says: str) -> None:
    """A value of the right type and the wrong form is refused as in the file."""
    wrong: dict[str, Any] = {field: value}
    with pytest.raises(ConfigurationError) as refused:
        Settings(**wrong)
    assert str(refused.value) == says
    assert refused.value.remedy
