"""Single values of an environment: which are taken, and what a refusal says of the others."""

from __future__ import annotations

import pytest

from desktop_bake import ConfigurationError
from desktop_bake.generator.environment_values import check_build_argument, check_platform, check_secret_name


def test_a_platform_of_its_own() -> None:
    """A platform's message says who is at fault, if the caller knows."""
    check_platform("linux/riscv64")
    with pytest.raises(ConfigurationError, match=r"^\[defaults\] malformed platform 'x'$"):
        check_platform("x", "[defaults] ")


def test_a_secrets_name() -> None:
    """A secret is named, and its value never written."""
    check_secret_name("e: ", "TOKEN_1")
    with pytest.raises(ConfigurationError, match=r"^e: malformed build secret name 'a=b'$"):
        check_secret_name("e: ", "a=b")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("1A", "", "malformed build argument name '1A'"),
        ("BUILDKIT_SYNTAX", "x", "BuildKit treats the build argument BUILDKIT_SYNTAX as one of its own options"),
        ("DESKTOP_BAKE_BASE", "x", "the build argument DESKTOP_BAKE_BASE is reserved for desktop-bake"),
        ("A", "a\0", "build argument A holds an invalid character"),
        ("A", "\ud800", "build argument A holds an invalid character"),
    ],
)
def test_a_build_argument(name: str, value: str, says: str) -> None:
    """What BuildKit would take for something else is refused by name."""
    check_build_argument("e: ", "A", "€\n")
    with pytest.raises(ConfigurationError) as caught:
        check_build_argument("e: ", name, value)
    assert str(caught.value) == f"e: {says}"
