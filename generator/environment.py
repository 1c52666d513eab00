"""An environment: a base image, the two toggles, and what of the recipe it overrides."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING

from .errors import ConfigurationError
from .recipe import OWN_ARGUMENTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .reference import ImageReference


_PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9]+(?:/v[0-9]+)?")
_ARGUMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
FILE_FIELDS = ("install_script", "setup_script", "dockerfile", "preflight_script", "preflight_run_script")


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What a task runs in.

    Args:
        env_id: the identifier that commands take.
        name: a name for people; any text.
        base_image: image reference of the base.
        headless_desktop_enabled: whether tasks get a desktop.
        cache_desktop_build: whether that desktop, and the preflight on it, is baked once (opt-in).
        install_script, setup_script, dockerfile: file names overriding the recipe's, or None. A name, as of each file
            here, begins in the configuration's folder and may not leave it; a `Path`, which only a program can give,
            may.
        preflight_script: file name of the environment's own script, baked on top of the desktop or, without one, of
            the base; None for none.
        preflight_run_script: file name of a script that runs in the container at every start; None for none.
        build_args: build arguments, name to value.
        platforms: target platforms such as `linux/amd64`; empty for the builder's own.
        platform: what its tasks run on, as `docker run --platform`, which is part of no key; None for the settings'.
        build_secrets: names of variables whose values a build may mount (Dockerfile reference, "RUN
            --mount=type=secret"); a value is in no key, file, label or layer.

    Raises:
        ConfigurationError: a value cannot be passed to BuildKit as it stands.
    """

    env_id: str
    name: str = ""
    base_image: ImageReference
    headless_desktop_enabled: bool = False
    cache_desktop_build: bool = False
    install_script: str | PurePath | None = None
    setup_script: str | PurePath | None = None
    dockerfile: str | PurePath | None = None
    preflight_script: str | PurePath | None = None
    preflight_run_script: str | PurePath | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    platforms: tuple[str, ...] = ()
    build_secrets: tuple[str, ...] = ()
    platform: str | None = None

    def __post_init__(self) -> None:
        if not self.env_id or any(not c.isprintable() for c in self.env_id):
            raise ConfigurationError(
                f"malformed environment id {self.env_id!r}", "use printable characters, at least one"
            )
        for field_name in FILE_FIELDS:
            name = getattr(self, field_name)
            if isinstance(name, str) and (PurePath(name).is_absolute() or ".." in PurePath(name).parts):
                raise leads_out(self.env_id, field_name, name)
        for platform in (*self.platforms, *([self.platform] if self.platform else [])):
            check_platform(platform, f"environment {self.env_id!r}: ")
        for name in self.build_secrets:
            if not _ARGUMENT.fullmatch(name):
                raise ConfigurationError(
                    f"environment {self.env_id!r}: malformed build secret name {name[:40]!r}",
                    "write the name of an environment variable, not its value",
                )
        for name, value in self.build_args.items():
            if not _ARGUMENT.fullmatch(name):
                raise ConfigurationError(
                    f"environment {self.env_id!r}: malformed build argument name {name!r}",
                    "names are letters, digits and '_', not starting with a digit",
                )
            if name.startswith("BUILDKIT_"):  # BUILDKIT_SYNTAX names an image that runs in place of the Dockerfile
                raise ConfigurationError(
                    f"environment {self.env_id!r}: BuildKit takes the build argument {name} for an option of its own",
                    "choose another name; a frontend is named in the Dockerfile: # syntax=…",
                )
            if name.startswith(OWN_ARGUMENTS):
                raise ConfigurationError(
                    f"environment {self.env_id!r}: the build argument {name} is one of desktop-bake's own",
                    f"choose a name that does not begin with {OWN_ARGUMENTS}",
                )
            if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
                raise ConfigurationError(
                    f"environment {self.env_id!r}: build argument {name} holds a character that is no text", "remove it"
                )

    @property
    def desktop_cache_enabled(self) -> bool:
        """Both toggles: a cache without a desktop has no effect."""
        return self.cache_desktop_build and self.headless_desktop_enabled

    @property
    def has_image(self) -> bool:
        """Whether there is anything to bake: a desktop, or a preflight on the base."""
        return self.headless_desktop_enabled or self.preflight_script is not None

    @property
    def cache_enabled(self) -> bool:
        """Whether what its tasks need on top of the base is baked once."""
        return self.cache_desktop_build and self.has_image


def leads_out(env_id: str, field_name: str, name: str) -> ConfigurationError:
    """The error of a file's name that leads out of the configuration's folder, where other people's files lie.

    Args:
        env_id, field_name: where the name stands.
        name: what stands there.
    """
    return ConfigurationError(
        f"environment {env_id!r}: {field_name} {name!r} leads out of the configuration's folder",
        "copy the file into that folder, and write its name relative to it",
    )


def check_platform(platform: str, where: str = "") -> None:
    """Check a platform's form.

    Args:
        platform: the text.
        where: what the message begins with.

    Raises:
        ConfigurationError: it is not `os/architecture[/variant]`.
    """
    if not _PLATFORM.fullmatch(platform):
        raise ConfigurationError(
            f"{where}malformed platform {platform!r}", "write os/architecture[/variant], for example linux/amd64"
        )
