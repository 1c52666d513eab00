"""An environment: a base image, its toggles, what of the recipe it overrides, and what its tasks get."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from itertools import takewhile
from typing import TYPE_CHECKING

from .described import about, check_types
from .environment_values import check_build_argument, check_platform, check_secret_name
from .errors import ConfigurationError
from .file_name import check_inside
from .layer import Layer, check_ordered, check_packages
from .script import Script

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import PurePath

    from .file_name import File
    from .reference import ImageReference


PACKAGES = "packages"  # the name of the layer that the field `packages` becomes


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What tasks run in: a base image, with a desktop if they want one.

    A file name is relative to the configuration's folder and may not lead out of it; a `Path`, which only a program can
    pass, may. A `Script` is a file or inline text.

    Args:
        env_id: the ID that commands take.

    Raises:
        ConfigurationError: a value has the wrong type, or cannot be passed to BuildKit.
    """

    env_id: str
    name: str = field(default="", metadata=about("name that people see", unset="empty", example='"Default desktop"'))
    base_image: ImageReference = field(metadata=about("image reference of the base", example='"repository:tag"'))
    headless_desktop_enabled: bool = field(default=False, metadata=about("give tasks a desktop", example="true"))
    cache_desktop_build: bool = field(
        default=False,
        metadata=about(
            "bake desktop and preflight into an image once, instead of installing them at every start",
            "ignored if there is neither",
            example="true",
        ),
    )
    cache_preflight_build: bool | None = field(
        default=None,
        metadata=about(
            "bake the preflight, independently of the desktop",
            "`cache_desktop_build` then applies only to the desktop",
            unset="the value of `cache_desktop_build`",
            example="true",
        ),
    )
    install_script: str | PurePath | Script | None = field(
        default=None,
        metadata=about(
            "script that installs the desktop's packages",
            "[what it must do](environments.md); or `install`, [the text itself](environments.md#scripts-as-text)",
            unset="the shipped one",
            example='"desktop_install.sh"',
        ),
    )
    setup_script: str | PurePath | Script | None = field(
        default=None,
        metadata=about(
            "script that sets the desktop up",
            "[what it must do](environments.md); or `setup`, [the text itself](environments.md#scripts-as-text)",
            unset="the shipped one",
            example='"desktop_setup.sh"',
        ),
    )
    dockerfile: str | PurePath | Script | None = field(
        default=None,
        metadata=about(
            "Dockerfile that runs the two scripts",
            "[what it must do](environments.md)",
            unset="the shipped one",
            example='"Dockerfile"',
        ),
    )
    preflight_script: str | PurePath | Script | None = field(
        default=None,
        metadata=about(
            "its own script, baked on the desktop, or on the base if there is none",
            "see [layers](layers.md); or `preflight`, the text itself",
            example='"preflight.sh"',
        ),
    )
    preflight_run_script: str | PurePath | Script | None = field(
        default=None,
        metadata=about(
            "script that runs in the container at every start, before the command",
            "or `preflight_run`, the text itself",
            example='"preflight_run.sh"',
        ),
    )
    build_args: Mapping[str, str] = field(
        default_factory=dict,
        metadata=about(
            "build arguments of the Dockerfile",
            "not BuildKit's own, `BUILDKIT_…` (name a frontend with `# syntax=` in the Dockerfile), nor "
            "desktop-bake's, `DESKTOP_BAKE_…`",
            unset="empty",
            example='{ NAME = "value" }',
        ),
    )
    platforms: tuple[str, ...] = field(
        default=(),
        metadata=about("platforms to build", unset="the builder's own", example='["linux/amd64", "linux/arm64"]'),
    )
    build_secrets: tuple[str, ...] = field(
        default=(),
        metadata=about(
            "names of environment variables that your own Dockerfile may mount",
            "`RUN --mount=type=secret,id=NAME,env=NAME …`; values are in no key, file, label or layer, and an install "
            "at start does not have them",
            unset="empty",
            example='["TOKEN"]',
        ),
    )
    platform: str | None = field(
        default=None,
        metadata=about(
            "platform of its tasks, as in `docker run --platform`",
            "not part of any key",
            unset="the `platform` above",
            example='"linux/amd64"',
        ),
    )
    env_vars: Mapping[str, str] = field(
        default_factory=dict,
        repr=False,
        metadata=about(
            "environment variables of its tasks",
            "not part of any key; `run -e` overrides them; `env show` shows only their names",
            unset="empty",
            example='{ NAME = "value" }',
        ),
    )
    extra_mounts: tuple[str, ...] = field(
        default=(),
        metadata=about(
            "mounts of its tasks, `SOURCE:TARGET[:FLAGS]` as `run -v`",
            "not part of any key; of several mounts at one target the first is used, and flags come before it",
            example='["/srv/data:/data:ro"]',
        ),
    )
    ports: tuple[str, ...] = field(
        default=(),
        metadata=about(
            "ports of its tasks, as `run -p`",
            "not part of any key; 6080 is left out if the task has a desktop",
            example='["8080:80"]',
        ),
    )
    user: str | None = field(
        default=None,
        metadata=about(
            "user that its tasks run as, `USER[:GROUP]` as in `run -u`",
            "not part of any key; [a user that the image does not know](desktop.md#programs) gets a name and a home",
            unset="the image's",
            example='"1000"',
        ),
    )
    security_opt: tuple[str, ...] = field(
        default=(),
        metadata=about(
            "security options of its tasks, as `run --security-opt`",
            "not part of any key; FILE in `seccomp=FILE` is relative to the configuration's folder; flags override it",
            example='["seccomp=browser.json"]',
        ),
    )
    shm_size: str | None = field(
        default=None,
        metadata=about(
            "size of `/dev/shm` of its tasks, as `run --shm-size`", "not part of any key", unset="1g", example='"2g"'
        ),
    )
    layers: tuple[Layer, ...] = field(  # lowest first; layers below the desktop come before the others
        default=(),
        metadata=about(
            "[layers](layers.md): names of `[layers.NAME]`, or such tables",
            "the layers that a layer needs are added",
            example='[{ name = "web", packages = ["chromium"] }]',
        ),
    )
    packages: tuple[str, ...] = field(  # a layer named PACKAGES, above all of `layers`
        default=(),
        metadata=about(
            "packages to install with the base's package manager",
            "a [layer](layers.md) named `packages`, above all others",
            example='["chromium", "git"]',
        ),
    )
    files: tuple[File, ...] = field(
        default=(),
        metadata=about(
            "files and folders for the build context of your own Dockerfile",
            "they keep their names; a layer has [its own files](layers.md#files)",
            example='["patches/", "theme.conf"]',
        ),
    )

    def __post_init__(self) -> None:
        if not isinstance(self.env_id, str) or not self.env_id or any(not c.isprintable() for c in self.env_id):
            raise ConfigurationError(
                f"malformed environment id {self.env_id!r}", "use printable characters, at least one"
            )
        where = f"environment {self.env_id!r}: "
        check_types(self, where)
        for field_name in FILE_FIELDS:
            value = getattr(self, field_name)
            name = value.path if isinstance(value, Script) else value
            check_inside(where, field_name, name)
        for platform in (*self.platforms, *([self.platform] if self.platform else [])):
            check_platform(platform, where)
        for name in self.build_secrets:
            check_secret_name(where, name)
        for name, value in self.build_args.items():
            check_build_argument(where, name, value)
        for file in self.files:
            check_inside(where, "files", file)
        check_packages(where, self.packages)
        check_ordered(where, self.all_layers)

    @property
    def all_layers(self) -> tuple[Layer, ...]:
        """Every layer, the lowest first: that of `packages` is the last."""
        return (*self.layers, *((Layer(name=PACKAGES, packages=self.packages),) if self.packages else ()))

    @property
    def baked_layers(self) -> tuple[Layer, ...]:
        """The layers that are baked: up to the first that is not, since what lies on that one runs at start, too."""
        unset = self.cache_desktop_build
        return tuple(takewhile(lambda layer: unset if layer.cache is None else layer.cache, self.all_layers))

    @property
    def desktop_cache_enabled(self) -> bool:
        """Both toggles: a cache without a desktop has no effect, nor has one above a layer that is not baked."""
        below = sum(layer.below_desktop for layer in self.all_layers)
        return self.cache_desktop_build and self.headless_desktop_enabled and len(self.baked_layers) >= below

    @property
    def preflight_cache_enabled(self) -> bool:
        """Whether there is a preflight, and it is baked: that is, if every layer is."""
        is_on = self.cache_desktop_build if self.cache_preflight_build is None else self.cache_preflight_build
        return self.preflight_script is not None and is_on and self.baked_layers == self.all_layers

    @property
    def caches_nothing(self) -> bool:
        """Whether the cache is on but has no effect: there is no desktop, no layer and no preflight to cache."""
        followed = self.cache_preflight_build is None and self.preflight_script is not None
        return self.cache_desktop_build and not (self.headless_desktop_enabled or self.all_layers or followed)

    @property
    def has_image(self) -> bool:
        """Whether there is anything to bake: a desktop, layers, or a preflight on the base."""
        return self.headless_desktop_enabled or self.preflight_script is not None or bool(self.all_layers)

    @property
    def cache_enabled(self) -> bool:
        """Whether any of what its tasks need on top of the base is baked once."""
        return self.desktop_cache_enabled or self.preflight_cache_enabled or bool(self.baked_layers)

    @property
    def why_nothing_is_baked(self) -> str:
        """Which toggle is off if nothing is baked."""
        if not self.has_image:
            return "headless desktop is off"
        if self.all_layers and not self.baked_layers and self.all_layers[0].cache is False:
            return f"cache of the lowest layer, {self.all_layers[0].name!r}, is off"
        ours = self.headless_desktop_enabled or self.cache_preflight_build is None or self.all_layers
        return "cache_desktop_build is off" if ours else "cache_preflight_build is off"


FILE_FIELDS = tuple(f.name for f in fields(Environment) if "PurePath" in str(f.type))
# fields that take a text instead of a file's name: key in desktop-bake.toml -> field
TEXT_KEYS = {name.removesuffix("_script"): name for name in FILE_FIELDS if name.endswith("_script")}
