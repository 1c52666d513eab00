"""Checks of settings that `generator` does not check; each takes a value of the right type."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from ..system.lazy import lazy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...generator import annotations as added
    from ...generator.reference import ImageReference
else:
    added = lazy("...generator.annotations", __package__)


IMAGE = "{image}"
PULL_POLICIES = ("missing", "always", "never")
_BUILDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")


def check_repository(repository: ImageReference) -> None:
    """Check the repository for the tags.

    Raises:
        ConfigurationError: it has a tag or a digest.
    """
    if repository.tag or repository.digest:
        raise ConfigurationError(
            f"repository {str(repository)!r} has a tag or a digest", "leave it out: the cache key is the tag"
        )


def check_builder(name: str) -> None:
    """Check the name of a buildx builder.

    Raises:
        ConfigurationError: buildx allows no such name.
    """
    if not _BUILDER.fullmatch(name):
        raise ConfigurationError(f"malformed builder name {name!r}", "see: docker buildx ls")


def check_pull(policy: str) -> None:
    """Check a pull policy.

    Raises:
        ConfigurationError: there is no such policy.
    """
    if policy not in PULL_POLICIES:
        raise ConfigurationError(f"pull is {policy!r}", f"use one of: {', '.join(PULL_POLICIES)}")


def check_command(words: Sequence[str]) -> None:
    """Check `verify_command`; an empty command verifies nothing.

    Raises:
        ConfigurationError: no word contains `{image}`, or one contains a NUL character.
    """
    if words and not any(IMAGE in word for word in words[1:]):
        raise ConfigurationError(
            "verify_command has no {image} after its program: it would accept any image",
            'write verify_command = ["cosign", "verify", "--key", "cosign.pub", "{image}"]',
        )
    if any("\0" in word for word in words):
        raise ConfigurationError("verify_command holds a NUL character", "remove it")


def check_image_labels(labels: Mapping[str, str]) -> None:
    """Check additional labels of images.

    Raises:
        ConfigurationError: see `generator.annotations.check_added`.
    """
    added.check_added("image_labels", labels)


def check_annotations(annotations: Mapping[str, str]) -> None:
    """Check annotations of images.

    Raises:
        ConfigurationError: see `generator.annotations.check_added`.
    """
    added.check_added("annotations", annotations)
