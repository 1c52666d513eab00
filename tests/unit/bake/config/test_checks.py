"""Checks of settings: what a tag's repository, a builder, a policy and a command may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import ImageReference
from desktop_bake.bake.config.checks import (
    PULL_POLICIES,
    check_builder,
    check_command,
    check_pull,
    check_repository,
)
from desktop_bake.generator.errors import ConfigurationError
from tests.harness.every import every

if TYPE_CHECKING:
    from collections.abc import Callable


DIGEST = "sha256:" + "a" * 64


@every(
    ("check", "value", "says"),
    [
        (check_repository, ImageReference.parse("r.example.com/a:1"), "repository 'r.example.com/a:1' has a tag or a"),
        (check_repository, ImageReference.parse(f"a@{DIGEST}"), f"repository 'a@{DIGEST}' has a tag or a digest"),
        (check_builder, "-a", "malformed builder name '-a'"),
        (check_builder, "a b", "malformed builder name 'a b'"),
        (check_pull, "daily", "pull is 'daily'"),
        (check_command, ("cosign", "verify"), "verify_command has no {image} after its program"),
        (check_command, ("{image}",), "verify_command has no {image} after its program"),
        (check_command, ("a", "{image}\0"), "verify_command holds a NUL character"),
    ],
)
def test_refused(check: Callable[[Any], None], value: object, says: str) -> None:
    """Invalid values are refused, with a remedy."""
    with pytest.raises(ConfigurationError) as refused:
        check(value)
    assert str(refused.value).startswith(says)
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("check", "values"),
    [
        (check_repository, [ImageReference.parse("desktop-bake"), ImageReference.parse("r.example.com:5000/a/b")]),
        (check_builder, ["default", "my.builder_2+x-y"]),
        (check_pull, PULL_POLICIES),
        (check_command, [(), ("check", "{image}"), ("cosign", "--ref={image}")]),
    ],
)
def test_accepted(check: Callable[[Any], None], values: list[object]) -> None:
    """Valid values pass silently."""
    assert [check(value) for value in values] == [None] * len(values)  # type: ignore[func-returns-value]
