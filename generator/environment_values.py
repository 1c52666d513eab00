"""Checks of single values of an environment: platforms, build arguments, names of secrets."""

from __future__ import annotations

import re

from .errors import ConfigurationError
from .recipe import OWN_ARGUMENTS

_PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9]+(?:/v[0-9]+)?")
_ARGUMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check_secret_name(where: str, name: str) -> None:
    """Check the name of a build secret.

    Args:
        where: the beginning of the message.
        name: the name of an environment variable.

    Raises:
        ConfigurationError: the name is not valid.
    """
    if not _ARGUMENT.fullmatch(name):
        raise ConfigurationError(
            f"{where}malformed build secret name {name[:40]!r}",
            "write the name of an environment variable, not its value",
        )


def check_build_argument(where: str, name: str, value: str) -> None:
    """Check a build argument.

    Args:
        where: the beginning of the message.
        name: the name of the argument.
        value: the value of the argument.

    Raises:
        ConfigurationError: BuildKit does not take it as it is, or gives it another meaning.
    """
    if not _ARGUMENT.fullmatch(name):
        raise ConfigurationError(
            f"{where}malformed build argument name {name!r}",
            "names are letters, digits and '_', not starting with a digit",
        )
    if name.startswith("BUILDKIT_"):  # BUILDKIT_SYNTAX names an image that runs instead of the Dockerfile
        raise ConfigurationError(
            f"{where}BuildKit treats the build argument {name} as one of its own options",
            "choose another name; a frontend is named in the Dockerfile: # syntax=…",
        )
    if name.startswith(OWN_ARGUMENTS):
        raise ConfigurationError(
            f"{where}the build argument {name} is reserved for desktop-bake",
            f"choose a name that does not begin with {OWN_ARGUMENTS}",
        )
    if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
        raise ConfigurationError(f"{where}build argument {name} holds an invalid character", "remove it")


def check_platform(platform: str, where: str = "") -> None:
    """Check a platform's form.

    Args:
        platform: the text.
        where: the beginning of the message.

    Raises:
        ConfigurationError: the text is not `os/architecture[/variant]`.
    """
    if not _PLATFORM.fullmatch(platform):
        raise ConfigurationError(
            f"{where}malformed platform {platform!r}", "write os/architecture[/variant], for example linux/amd64"
        )
