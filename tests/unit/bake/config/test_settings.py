"""The settings: which environment is meant, what is baked for it, and values of another type or form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from desktop_bake import Environment, ImageReference, Settings
from desktop_bake.generator.errors import ConfigurationError
from tests.harness.every import every
from tests.harness.file_names import SECRET

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
    """The one that is requested, the only one, or the one named `default`."""
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
    """An environment's own platform precedes the one of the settings."""
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
    """A stack has the desktop if one is wanted, the preflight if one is written, and is never empty."""
    environment = Environment(
        env_id="a",
        base_image=BASE,
        headless_desktop_enabled=desktop,
        preflight_script="own.sh" if preflight else None,
    )
    stack = Settings(root=root).stack(environment)
    assert (stack.desktop is not None, stack.preflight is not None) == wanted
    assert (SECRET.encode() in (stack.preflight.script if stack.preflight else b"")) is preflight


# --- made in a program -----------------------------------------------------------------------------------------------


@every(
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
        ("environments", ["a"], "['a'], not of type Mapping[str, Environment]", "write {'NAME': Environment(…)}"),
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
    """Everything that stands for an environment is valid."""
    wrong: dict[str, Any] = {"environments": {"a": "debian"}}
    with pytest.raises(ConfigurationError, match=r"^environments is \{'a': 'debian'\}, not of type") as refused:
        Settings(**wrong)
    assert refused.value.remedy == "write {'NAME': Environment(…)}"


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("cache_scope", "a b", "malformed cache scope 'a b'"),
        ("compression", "lz4", "unknown compression 'lz4'"),
        ("platform", "arm", "malformed platform 'arm'"),
        ("attest", ("sbom",), "malformed attestation 'sbom'"),
        ("verify_timeout_s", 31_536_001, "verify_timeout_s is 31536001"),
        ("repository", ImageReference.parse("a:1"), "repository 'a:1' has a tag or a digest"),
        ("push", True, "repository 'desktop-bake' is not in a registry, so there is nowhere to push to"),
    ],
)
def test_another_form(field: str, value: object, says: str) -> None:
    """A value of the right type and the wrong form is refused as in the file."""
    wrong: dict[str, Any] = {field: value}
    with pytest.raises(ConfigurationError) as refused:
        Settings(**wrong)
    assert str(refused.value) == says
    assert refused.value.remedy
