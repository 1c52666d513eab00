"""The settings: which desktops are baked, where their images go, and what an environment's recipe is made of."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from ...generator.attest import check_attest
from ...generator.cache_backend import DEFAULT_SCOPE, ZSTD, check_backend, check_compression, check_scope
from ...generator.environment import check_platform, leads_out
from ...generator.errors import ConfigurationError
from ...generator.recipe import DOCKERFILE, INSTALL, SETUP, Preflight, Recipe, Stack, check_script
from ...generator.reference import ImageReference
from ..system.files import read_regular_file
from ..system.text import did_you_mean
from .shipped import shipped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...generator.environment import Environment


FILE_NAME = "desktop-bake.toml"
PULL_POLICIES = ("missing", "always", "never")
LONGEST_S = 31_536_000  # a year; clocks of the operating system end somewhere
_BUILDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
ORIGIN_BASE_IMAGE = "lunamidori5/pixelarch:emerald"  # the one image that Agents Runner runs every task in


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The configuration, read and checked.

    Args:
        root: folder that relative script names start from.
        repository: repository of the tags.
        cache: cache backend, as `BakeOptions.cache_backend`.
        compression: how BuildKit packs layers: `zstd`, `gzip` or `uncompressed`.
        builder: buildx builder name, or None for the current one.
        build_timeout_s: time limit of one build, in seconds.
        fallback: whether a failed build falls back to installing at run time.
        push: whether a built image is published in the repository.
        lease: whether machines that push agree in the registry on one that builds.
        pull: pull policy of the base: `missing`, `always` or `never`, as `docker run --pull`.
        registry_timeout_s: time limit of one question to a registry, in seconds.
        credential_helper_timeout_s: time limit of a docker credential helper, in seconds.
        cache_scope: whose registry cache is written, such as a branch's; that of `main` is always read too.
        platform: what tasks run on, as `docker run --platform`, where their environment names none; None for the
            engine's own.
        base_image: base of the environments in a JSON file (`--environments`) that name none.
        attest: attestations of what is built, as `BakeOptions.attest`.
        verify_command: program and arguments that accept an image of the team's registry by exit status 0; `{image}`
            in an argument is its `repository@digest`. Empty for none.
        verify_timeout_s: time limit of that command, in seconds; an image that it did not accept by then is not used.
        environments: by id.
    """

    root: Path = Path()
    repository: ImageReference = field(default_factory=lambda: ImageReference.parse("desktop-bake"))
    cache: str = "local"
    compression: str = ZSTD
    builder: str | None = None
    build_timeout_s: int = 600
    fallback: bool = True
    push: bool = False
    lease: bool = True
    pull: str = "missing"
    registry_timeout_s: int = 10
    credential_helper_timeout_s: int = 30
    cache_scope: str = DEFAULT_SCOPE
    platform: str | None = None
    base_image: ImageReference = field(default_factory=lambda: ImageReference.parse(ORIGIN_BASE_IMAGE))
    attest: tuple[str, ...] = ()
    verify_command: tuple[str, ...] = ()
    verify_timeout_s: int = 60
    environments: Mapping[str, Environment] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_backend(self.cache)
        check_scope(self.cache_scope)
        check_compression(self.compression)
        check_attest(self.attest)
        check_command(self.verify_command)
        if self.platform:
            check_platform(self.platform)
        if self.pull not in PULL_POLICIES:
            raise ConfigurationError(f"pull is {self.pull!r}", f"use one of: {', '.join(PULL_POLICIES)}")
        for name in ("build_timeout_s", "registry_timeout_s", "credential_helper_timeout_s", "verify_timeout_s"):
            if not 0 < getattr(self, name) <= LONGEST_S:
                raise ConfigurationError(
                    f"{name} is {getattr(self, name)}", f"use a positive number of seconds, at most {LONGEST_S}"
                )
        if self.builder and not _BUILDER.fullmatch(self.builder):
            raise ConfigurationError(f"malformed builder name {self.builder!r}", "see: docker buildx ls")
        if self.repository.tag or self.repository.digest:
            raise ConfigurationError(
                f"repository {str(self.repository)!r} has a tag or a digest", "leave it out: the cache key is the tag"
            )
        if self.push and not self.has_registry:
            raise ConfigurationError(
                f"repository {str(self.repository)!r} is in no registry to push to",
                'write repository = "registry.example.com/team/desktop"',
            )

    @property
    def has_registry(self) -> bool:
        """Whether the repository is a registry's: a name of one part stays on this machine."""
        return not (self.repository.domain == "docker.io" and self.repository.path.startswith("library/"))

    def platform_of(self, environment: Environment) -> str | None:
        """The platform that an environment's tasks are to run on; None for the engine's own."""
        return environment.platform or self.platform or None

    def environment(self, env_id: str | None) -> Environment:
        """The environment of this id; without one the only one, or the one named `default`.

        Raises:
            ConfigurationError: there is none, or more than one and none is named `default`.
        """
        known = list(self.environments)
        if env_id is None:
            if len(known) == 1 or "default" in known:
                return self.environments[known[0] if len(known) == 1 else "default"]
            if not known:
                raise ConfigurationError(f"no environment in {FILE_NAME}", "run: desktop-bake init")
            raise ConfigurationError(
                "several environments and none named 'default'", "name one of: " + ", ".join(known)
            )
        if env_id not in self.environments:
            raise ConfigurationError(f"unknown environment {env_id!r}", did_you_mean(env_id, known))
        return self.environments[env_id]

    def recipe(self, environment: Environment) -> Recipe:
        """Read the recipe's files of an environment.

        Raises:
            ConfigurationError: a file is missing, unreadable, empty or malformed.
        """
        return Recipe(
            dockerfile=self._read(environment, "dockerfile", environment.dockerfile, DOCKERFILE),
            install=self._read(environment, "install_script", environment.install_script, INSTALL),
            setup=self._read(environment, "setup_script", environment.setup_script, SETUP),
        )

    def preflight(self, environment: Environment) -> Preflight | None:
        """Read the cached part of an environment's own script, or None where it has none.

        Raises:
            ConfigurationError: as `recipe`.
        """
        name = environment.preflight_script
        if name is None:
            return None
        dockerfile = shipped("recipe/preflight.Dockerfile").read_bytes()
        return Preflight(dockerfile=dockerfile, script=self._read(environment, "preflight_script", name))

    def preflight_run(self, environment: Environment) -> bytes | None:
        """Read the script that runs at every start of a task, or None where there is none.

        Raises:
            ConfigurationError: as `recipe`.
        """
        name = environment.preflight_run_script
        return None if name is None else self._read(environment, "preflight_run_script", name)

    def stack(self, environment: Environment) -> Stack:
        """What is baked for an environment: its desktop where it has one, and its preflight on top.

        Raises:
            ConfigurationError: as `recipe`.
        """
        preflight = self.preflight(environment)
        desktop = self.recipe(environment) if environment.headless_desktop_enabled or not preflight else None
        return Stack(desktop=desktop, preflight=preflight)

    def _read(self, environment: Environment, field: str, override: str | PurePath | None, ours: str = "") -> bytes:
        """The file that a field names, or the shipped one; checked here, where its own name is known."""
        name = override or ours
        try:
            if not override:
                path = shipped(f"recipe/{name}")
            else:
                path = self._inside(environment, field, override) if isinstance(override, str) else self.root / override
            content = read_regular_file(path)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise ConfigurationError(
                f"environment {environment.env_id!r}: cannot read {name}: {why}",
                "create the file or correct its name in " + FILE_NAME,
            ) from error
        check_script(f"environment {environment.env_id!r}: {name}", content, f"write it, or drop {field}", str(path))
        return content

    def _inside(self, environment: Environment, field: str, name: str) -> Path:
        """The file that a name means once links are followed, none of which may lead out of the root."""
        path = Path(os.path.realpath(self.root / name))
        if not path.is_relative_to(os.path.realpath(self.root)):
            raise leads_out(environment.env_id, field, name)
        return path


IMAGE = "{image}"


def check_command(words: Sequence[str]) -> None:
    """Check `verify_command`; an empty one verifies nothing.

    Raises:
        ConfigurationError: no word holds `{image}`, or one holds a NUL character.
    """
    if words and not any(IMAGE in word for word in words[1:]):
        raise ConfigurationError(
            "verify_command has no {image} after its program: it would accept any image",
            'write verify_command = ["cosign", "verify", "--key", "cosign.pub", "{image}"]',
        )
    if any("\0" in word for word in words):
        raise ConfigurationError("verify_command holds a NUL character", "remove it")
