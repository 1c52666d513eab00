"""The settings: which desktops are baked, where their images go, and what an environment's recipe consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ...generator.cache_setting import DEFAULT_SCOPE, OWN_BACKENDS, ZSTD, check_backend, check_compression, check_scope
from ...generator.described import about, check_types
from ...generator.environment_values import check_platform
from ...generator.errors import ConfigurationError
from ...generator.reference import ImageReference
from ..system.lazy import lazy
from ..system.text import did_you_mean, few
from .checks import (
    PULL_POLICIES,
    check_annotations,
    check_builder,
    check_command,
    check_image_labels,
    check_pull,
    check_repository,
)
from .lock_names import LOCK_NAME
from .setting import Flag, described, setting
from .stack_files import StackFiles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...generator import annotations as added
    from ...generator import attest as attestations
    from ...generator.environment import Environment
    from ...generator.recipe import Recipe
    from ...generator.stack import Preflight, Stack
    from .lock import Lock
else:  # only needed for settings that are not the defaults
    added = lazy("...generator.annotations", __package__)
    attestations = lazy("...generator.attest", __package__)


FILE_NAME = "desktop-bake.toml"
LISTS = "desktop-bake env list"  # the command that lists the environments
_SOURCE = '{ "org.opencontainers.image.source" = "https://git.example.com/team/x" }'
ORIGIN_BASE_IMAGE = "lunamidori5/pixelarch:emerald"  # the only image in which Agents Runner runs tasks


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The configuration, read and checked.

    Each field with a description is a key of the file and a variable, and has a line in docs/configuration.md, and in
    `--help` if a flag overrides it. To add a setting, add a field.

    Args:
        root: the folder where relative script names start.
        lock_file: the path of the lock, even if there is none.
        lock: the lock, or None if there is none.
        environments: the environments by ID.

    Raises:
        ConfigurationError: a value has the wrong type, is malformed, or conflicts with another.
    """

    root: Path = Path()
    lock_file: Path = Path(LOCK_NAME)
    lock: Lock | None = None
    repository: ImageReference = setting(
        ImageReference.parse("desktop-bake"),
        about("repository of the image tags, such as `registry.example.com/team/desktop`", "without a tag"),
        flag=Flag("--repository", "REPOSITORY"),
        check=check_repository,
        in_init=True,
    )
    cache: str = setting(
        "local",
        about(
            "[where BuildKit keeps its cache](team.md#cache-backends): `local`, `registry`, `inline`, `none`, or "
            "BuildKit's own form `type=gha,…`"
        ),
        flag=Flag("--cache", "BACKEND", words=OWN_BACKENDS),
        check=check_backend,
        in_init=True,
    )
    compression: str = setting(
        ZSTD,
        about(
            "how layers are compressed: `zstd`, `gzip` or `uncompressed`",
            "the latter two for [registries that refuse zstd](team.md#publishing)",
        ),
        check=check_compression,
    )
    builder: str | None = setting(
        None,
        about("buildx builder", "letters, digits, `_`, `.`, `+` and `-` in its name", unset="the current one"),
        flag=Flag("--builder", "NAME"),
        check=check_builder,
    )
    push: bool = setting(
        False,
        about("publish what is built to the team's registry"),
        flag=Flag("--push", commands=("build",)),
        in_init=True,
    )
    lease: bool = setting(
        True, about("machines that push [agree on one machine that builds](team.md#one-build-per-key)")
    )
    pull: str = setting(
        "missing",
        about("when to ask the base's registry whether the tag moved: `missing`, `always` or `never`"),
        flag=Flag("--pull", "POLICY", words=PULL_POLICIES),
        check=check_pull,
        in_init=True,
    )
    frozen: bool = setting(
        False,
        about("never resolve a tag: an image that [the lock](lock.md) does not name is an error"),
        flag=Flag("--frozen"),
    )
    fallback: bool = setting(
        True,
        about("install at start when a build fails"),
        flag=Flag("--no-fallback", commands=("run",), about="fail if there is no image and none can be built"),
    )
    install_at_start: bool = setting(
        False,
        about("also install at start if [the environment's own script](runner.md#a-failed-build) failed the build"),
        flag=Flag("--install-at-start", commands=("run",)),
    )
    build_timeout_s: int = setting(
        600,
        about("seconds after which a build is stopped"),
        flag=Flag("--build-timeout", "SECONDS", commands=("build", "run")),
        in_init=True,
    )
    registry_timeout_s: int = setting(10, about("seconds for one look-up in a registry"))
    credential_helper_timeout_s: int = setting(
        30, about("seconds for a docker credential helper, on top of `registry_timeout_s`")
    )
    cache_scope: str = setting(
        DEFAULT_SCOPE,
        about("name of the registry cache to write, such as a branch's", "the one of `main` is always read, too"),
        check=check_scope,
    )
    platform: str | None = setting(
        None,
        about(
            "[platform of tasks](team.md#platforms), as in `docker run --platform`",
            "not part of any key",
            unset="the engine's own",
        ),
        flag=Flag("--platform", "PLATFORM"),
        check=check_platform,
    )
    base_image: ImageReference = setting(
        ImageReference.parse(ORIGIN_BASE_IMAGE),
        about("base of environments in [a JSON file](environments.md) that do not name one"),
    )
    attest: tuple[str, ...] = setting(
        (),
        about(
            "[attestations](supply-chain.md): `type=sbom` or `type=provenance,mode=max`",
            unset="only those that the builder adds itself",
            example='["type=sbom"]',
        ),
        flag=Flag("--attest", "ATTESTATION", commands=("render", "build")),
        check=lambda attest: attestations.check_attest(attest),
    )
    alias_tags: tuple[str, ...] = setting(
        (),
        about(
            "[additional tags for people](team.md#tags-for-people); `{environment}` is the environment's name",
            "the labels still decide",
            example='["{environment}"]',
        ),
    )
    image_labels: Mapping[str, str] = setting(
        {}, about("additional labels of every image", "not part of any key", example=_SOURCE), check=check_image_labels
    )
    annotations: Mapping[str, str] = setting(
        {},
        about("annotations of every image and of its index, if it has one", "not part of any key", example=_SOURCE),
        check=check_annotations,
    )
    verify_command: tuple[str, ...] = setting(
        (),
        about(
            "[program and arguments](supply-chain.md#verify-before-an-image-is-used) that accept an image in the "
            "registry with exit status 0",
            "`{image}` in an argument is its `repository@digest`",
            example='["cosign", "verify", "--key", "cosign.pub", "{image}"]',
        ),
        check=check_command,
    )
    verify_timeout_s: int = setting(
        60, about("seconds for `verify_command`", "an image not accepted by then is not used")
    )
    environments: Mapping[str, Environment] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_types(self)
        for described_field in SETTINGS:
            described_field.verify(getattr(self, described_field.name))
        if self.alias_tags:
            added.alias_tags_of(self.alias_tags, self.environments or ("environment",))
        if self.push and not self.has_registry:
            raise ConfigurationError(
                f"repository {str(self.repository)!r} is not in a registry, so there is nowhere to push to",
                'write repository = "registry.example.com/team/desktop"',
            )

    @property
    def has_registry(self) -> bool:
        """Whether the repository is in a registry: a name with only one part stays on this machine."""
        return not (self.repository.domain == "docker.io" and self.repository.path.startswith("library/"))

    def platform_of(self, environment: Environment) -> str | None:
        """The platform on which an environment's tasks run; None for the engine's own."""
        return environment.platform or self.platform or None

    def environment(self, env_id: str | None) -> Environment:
        """The environment with this ID; without an ID, the only one, or the one named `default`.

        Raises:
            ConfigurationError: there is none, or there are several and none is named `default`.
        """
        known = list(self.environments)
        if env_id is None:
            if len(known) == 1 or "default" in known:
                return self.environments[known[0] if len(known) == 1 else "default"]
            if not known:
                raise ConfigurationError(
                    f"no environment in {FILE_NAME}", "add one: desktop-bake env set --create NAME base_image=IMAGE"
                )
            raise ConfigurationError(
                "several environments and none named 'default'", "name one of: " + few(known, LISTS)
            )
        if env_id not in self.environments:
            raise ConfigurationError(f"unknown environment {env_id!r}", did_you_mean(env_id, known, lists=LISTS))
        return self.environments[env_id]

    @property
    def files(self) -> StackFiles:
        """The reader of the environments' files."""
        date = self.lock.packages if self.lock else None
        return StackFiles(root=self.root, date=date.isoformat() if date else "")

    def recipe(self, environment: Environment) -> Recipe:
        """See `StackFiles.recipe`."""
        return self.files.recipe(environment)

    def preflight(self, environment: Environment) -> Preflight | None:
        """See `StackFiles.preflight`."""
        return self.files.preflight(environment)

    def preflight_run(self, environment: Environment) -> bytes | None:
        """See `StackFiles.preflight_run`."""
        return self.files.preflight_run(environment)

    def stack(self, environment: Environment) -> Stack:
        """See `StackFiles.stack`."""
        return self.files.stack(environment)


SETTINGS = described(Settings)
