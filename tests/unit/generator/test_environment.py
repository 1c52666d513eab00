"""An environment that exists is right: what is refused, and what its toggles mean together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath
from typing import Any

import pytest

from desktop_bake import ConfigurationError, Environment, ImageReference, Script
from desktop_bake.generator.environment import FILE_FIELDS
from tests.harness.every import every

BASE = ImageReference.parse("debian:bookworm")


def environment(**fields: Any) -> Environment:
    """One with these fields."""
    return Environment(**{"env_id": "e", "base_image": BASE, **fields})


@every(
    "fields",
    [
        {"env_id": "two words"},
        {"env_id": "ü"},
        {"name": "any\ntext"},
        {"install_script": "a/b.sh"},
        {"dockerfile": "a..b"},
        {"platforms": ("linux/amd64", "linux/arm/v7"), "platform": "linux/arm64/v8"},
        {"build_args": {"A": "", "_b1": "€\n"}},
        {"build_args": {"BUILDKIT": "1", "DESKTOP_BAKE": "x"}},
        {"build_secrets": ("TOKEN", "_x")},
        {"cache_preflight_build": False, "preflight_script": Script.text("echo")},
        {"env_vars": {"A": "b"}, "extra_mounts": ("/a:/b",), "ports": ("80",)},
        {"user": "1000:1000", "security_opt": ("seccomp=a.json", "no-new-privileges"), "shm_size": "2g"},
    ],
)
def test_what_is_taken(fields: dict[str, Any]) -> None:
    """What can be passed to BuildKit as it stands."""
    assert all(getattr(environment(**fields), name) == value for name, value in fields.items())


@every(
    ("fields", "says"),
    [
        ({"env_id": ""}, "malformed environment id ''"),
        ({"env_id": "a\n"}, "malformed environment id 'a\\\\n'"),
        ({"env_id": "a\x1b"}, "malformed environment id"),
        ({"platforms": ("linux",)}, "environment 'e': malformed platform 'linux'"),
        ({"platforms": ("linux/amd64", "Linux/amd64")}, "environment 'e': malformed platform 'Linux/amd64'"),
        ({"platform": "linux/arm64/8"}, "environment 'e': malformed platform 'linux/arm64/8'"),
        ({"platform": "linux/amd64,linux/arm64"}, "environment 'e': malformed platform"),
        ({"platform": "linux/amd64\n"}, "environment 'e': malformed platform"),
        ({"build_secrets": ("A=hunter2",)}, "environment 'e': malformed build secret name 'A=hunter2'"),
        ({"build_secrets": ("",)}, "environment 'e': malformed build secret name ''"),
        ({"build_args": {"1a": ""}}, "environment 'e': malformed build argument name '1a'"),
        ({"build_args": {"A": "", "b-c": ""}}, "environment 'e': malformed build argument name 'b-c'"),
        ({"build_args": {"A\n": ""}}, "environment 'e': malformed build argument name"),
        ({"build_args": {"BUILDKIT_SYNTAX": "a"}}, "environment 'e': BuildKit treats the build argument BUILDKIT_SYN"),
        ({"build_args": {"DESKTOP_BAKE_X": "a"}}, "environment 'e': the build argument DESKTOP_BAKE_X is reserved"),
        ({"build_args": {"A": "a\0"}}, "environment 'e': build argument A holds an invalid character"),
        ({"build_args": {"A": "\udfff"}}, "environment 'e': build argument A holds an invalid character"),
    ],
)
def test_what_is_refused(fields: dict[str, Any], says: str) -> None:
    """Each fault is reported with the environment that has it, and a remedy."""
    with pytest.raises(ConfigurationError, match=f"^{says}") as caught:
        environment(**fields)
    assert caught.value.remedy


@pytest.mark.parametrize("field", FILE_FIELDS)
@pytest.mark.parametrize("name", ["/etc/passwd", "../a", "a/../../b", ".."])
def test_files_stay_in_the_folder(field: str, name: str) -> None:
    """A name from a configuration leads to no file of other people; a path that a program gives may lead anywhere."""
    with pytest.raises(ConfigurationError) as caught:
        environment(**{field: name})
    assert str(caught.value) == f"environment 'e': {field} {name!r} leads out of the configuration's folder"
    assert getattr(environment(**{field: PurePath(name)}), field) == PurePath(name)


@every(
    ("desktop", "cached", "preflight", "wanted"),
    [
        (False, False, None, (False, False, False)),
        (False, True, None, (False, False, False)),
        (True, False, None, (False, True, False)),
        (True, True, None, (True, True, True)),
        (False, False, "p.sh", (False, True, False)),
        (False, True, "p.sh", (False, True, True)),
        (True, False, "p.sh", (False, True, False)),
        (True, True, "p.sh", (True, True, True)),
    ],
)
def test_toggles(desktop: bool, cached: bool, preflight: str | None, wanted: tuple[bool, bool, bool]) -> None:
    """A cache has no effect without something to bake, and a preflight is something."""
    it = environment(headless_desktop_enabled=desktop, cache_desktop_build=cached, preflight_script=preflight)
    assert (it.desktop_cache_enabled, it.has_image, it.cache_enabled) == wanted
    assert it.caches_nothing == (cached and not it.has_image)


@every(
    ("desktop", "cache", "own", "baked", "why"),
    [
        (True, True, None, (True, True), None),
        (True, True, False, (True, False), None),
        (True, False, True, (False, True), None),
        (True, False, None, (False, False), "cache_desktop_build is off"),
        (True, False, False, (False, False), "cache_desktop_build is off"),
        (False, True, None, (False, True), None),
        (False, True, False, (False, False), "cache_preflight_build is off"),
        (False, False, True, (False, True), None),
        (False, False, None, (False, False), "cache_desktop_build is off"),
    ],
)
def test_two_switches(desktop: bool, cache: bool, own: bool | None, baked: tuple[bool, bool], why: str | None) -> None:
    """Desktop and preflight are baked independently; without its own switch the preflight follows the other."""
    made = environment(
        headless_desktop_enabled=desktop,
        cache_desktop_build=cache,
        cache_preflight_build=own,
        preflight_script=Script.text("echo"),
    )
    assert (made.desktop_cache_enabled, made.preflight_cache_enabled) == baked
    assert made.cache_enabled is any(baked)
    assert why is None or made.why_nothing_is_baked == why
    without = replace(made, preflight_script=None)
    assert without.preflight_cache_enabled is False
    assert without.cache_enabled is (desktop and cache)


def test_a_wrong_value_of_a_secret_field() -> None:
    """What may be a secret is neither in an error nor in the value's own text."""
    with pytest.raises(ConfigurationError, match=r"^environment 'e': env_vars is a value, not of type"):
        environment(env_vars={"TOKEN": 7})
    assert "hunter2" not in repr(environment(env_vars={"TOKEN": "hunter2"}))
