"""The bake file, with `docker buildx bake --print` as the oracle."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from desktop_bake import BakeOptions, ConfigurationError, Digest, ImageReference
from tests.harness.bake_files import TEAM, rendered
from tests.harness.recipes import ENVIRONMENT, RECIPE


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"attest": ("type=sbm",)}, "malformed attestation"),
        ({"compression": "lz4"}, "unknown compression 'lz4'"),
        ({"cache_backend": "disk"}, "unknown cache backend 'disk'"),
    ],
)
def test_options_are_checked(options: dict[str, Any], says: str) -> None:
    """Options that exist are right."""
    with pytest.raises(ConfigurationError, match=says):
        replace(TEAM, **options)


def test_two_environments_with_one_key_share_a_target() -> None:
    """A target a distinct key."""
    assert rendered([ENVIRONMENT, replace(ENVIRONMENT, env_id="b", name="n")], TEAM) == rendered([ENVIRONMENT], TEAM)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("\0", "build argument A holds a character that is no text"),
        ("\ud800", "build argument A holds a character that is no text"),
        ("\U0002f800", "holds a character that a bake file would change"),
        ("e\u0301", "holds a character that a bake file would change"),
    ],
)
def test_what_hcl_cannot_carry_is_refused(value: str, says: str) -> None:
    """A character that cannot be carried is refused, not changed."""
    with pytest.raises(ConfigurationError, match=f"{says}$"):
        rendered([replace(ENVIRONMENT, build_args={"A": value})], TEAM)


@pytest.mark.parametrize("name", ["a b", "", "1a", 'a"', "a\n"])
def test_build_argument_names_are_checked(name: str) -> None:
    """A name that Dockerfile cannot have is refused."""
    with pytest.raises(ConfigurationError, match="malformed build argument"):
        replace(ENVIRONMENT, build_args={name: "x"})


def test_our_own_build_arguments_are_nobody_elses() -> None:
    """A name by which the recipe's steps learn what to verify is refused."""
    with pytest.raises(ConfigurationError, match="one of desktop-bake's own"):
        replace(ENVIRONMENT, build_args={"DESKTOP_BAKE_SHA256_INSTALL": "x"})


@pytest.mark.parametrize("repository", ["a:t", f"a@{Digest.of(b'')}"])
def test_repository_has_no_tag(repository: str) -> None:
    """The key is the tag: a repository brings none."""
    with pytest.raises(ConfigurationError, match="carries a tag"):
        BakeOptions(repository=ImageReference.parse(repository))


def test_the_packages_date_is_an_argument() -> None:
    """The date stands behind the base's digest, in the argument that the install step declares; without one as ever."""
    dated = rendered([ENVIRONMENT], TEAM, replace(RECIPE, packages="2026-11-27"))
    assert '"DESKTOP_BAKE_BASE" = "abababababababab-2026-11-27"' in dated
    assert '"DESKTOP_BAKE_BASE" = "abababababababab"' in rendered([ENVIRONMENT], TEAM)
