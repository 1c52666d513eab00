"""What people may add to an image without changing its key: labels, annotations and further tags."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .attest import needs_index
from .errors import ConfigurationError
from .key import OCI_BASE_DIGEST, OCI_BASE_NAME, PREFIX
from .layer_key import parts_of_text
from .target_names import names_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


ENVIRONMENT = "{environment}"
MANIFEST, INDEX = "manifest", "index,manifest"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_OURS = re.compile(r"(?:cache|push|lease)-.*")  # tags of the repository that are not images


def check_added(setting: str, values: Mapping[str, str]) -> None:
    """Check labels or annotations that are added to every image (OCI image spec, annotations.md, "Rules").

    Args:
        setting: the name of the setting, for messages.
        values: the values by name.

    Raises:
        ConfigurationError: a name is malformed or proves a key, or a value is not printable text.
    """
    for name, value in values.items():
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"{setting}: malformed name {name[:80]!r}", "write it as in org.opencontainers.image.source"
            )
        if name.startswith(PREFIX) or name in (OCI_BASE_NAME, OCI_BASE_DIGEST):
            raise ConfigurationError(f"{setting}: {name} is written by desktop-bake itself", "leave it out")
        if not value.isprintable():
            raise ConfigurationError(f"{setting}: {name} holds a character that is not printable", "remove it")


def annotated(platforms: Iterable[tuple[str, ...]], attest: Sequence[str]) -> str:
    """What annotations are put on, in BuildKit's words; it refuses those for an index that a builder does not make.

    With only the builder's default provenance, an image for one platform has an index on some builders, not on others.

    Args:
        platforms: the platforms of each target.
        attest: the attestations.
    """
    several = all(len(each) > 1 for each in platforms)
    return INDEX if several or needs_index(attest) else MANIFEST


def alias_tags_of(templates: Sequence[str], env_ids: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """The tags for people of each environment, by its id, in which `{environment}` is its name in the bake file.

    Args:
        templates: the setting `alias_tags`.
        env_ids: the IDs of all environments.

    Raises:
        ConfigurationError: one is not a tag, has the form of a tag that desktop-bake needs, or belongs to two
            environments.
    """
    if not templates:
        return dict.fromkeys(env_ids, ())
    tags = {i: tuple(t.replace(ENVIRONMENT, name) for t in templates) for i, name in names_of(env_ids).items()}
    owners: dict[str, str] = {}
    for env_id, mine in tags.items():
        for tag in dict.fromkeys(mine):
            _check_alias(tag, env_id)
            if tag in owners:
                raise ConfigurationError(
                    f"alias tag {tag!r} would name the image of several environments: {owners[tag]!r} and {env_id!r}",
                    f'write {ENVIRONMENT} into it: alias_tags = ["{ENVIRONMENT}"]',
                )
            owners[tag] = env_id
    return tags


def is_alias(tag: str, templates: Sequence[str]) -> bool:
    """Whether a tag is one of some environment, which may no longer exist.

    The template `{environment}` alone does not decide this, since it matches any tag that a person sets.

    Args:
        tag: the tag.
        templates: the setting `alias_tags`.
    """
    forms = (re.escape(t).replace(re.escape(ENVIRONMENT), "[A-Za-z0-9_-]+") for t in templates if t != ENVIRONMENT)
    return any(re.fullmatch(form, tag) for form in forms)


def _check_alias(tag: str, env_id: str) -> None:
    if not _TAG.fullmatch(tag):
        raise ConfigurationError(
            f"malformed alias tag {tag[:140]!r} of environment {env_id!r}",
            "a tag is at most 128 letters, digits, '_', '.' and '-'; "
            f"{ENVIRONMENT} is the one placeholder that it may hold",
        )
    try:
        parts_of_text(tag)
    except ConfigurationError:
        is_key = False
    else:
        is_key = True
    if is_key or _OURS.fullmatch(tag):
        raise ConfigurationError(
            f"alias tag {tag!r} of environment {env_id!r} has a form that is reserved for desktop-bake",
            f'put a word before it: alias_tags = ["desktop-{ENVIRONMENT}"]',
        )
