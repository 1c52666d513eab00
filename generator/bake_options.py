"""What every target of a bake file shares."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .annotations import alias_tags_of, check_added
from .attest import check_attest
from .cache_setting import ZSTD, check_backend, check_compression
from .described import check_types
from .errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .reference import ImageReference


@dataclass(frozen=True, kw_only=True)
class BakeOptions:
    """What every target shares.

    Args:
        repository: where tags go, without a tag, e.g. `registry.example.com/team/desktop`.
        cache_backend: `local`, `registry`, `inline`, `none`, or BuildKit's own form `type=gha,…`, which is passed
            through.
        attest: attestations in BuildKit's form, such as `type=sbom`; without one for provenance, the builder adds its
            own.
        compression: how layers of a registry's cache are compressed.
        environments: IDs of all environments whose names must differ; empty for those that are rendered.
        alias_tags: additional tags of each environment's image; `{environment}` stands for the environment's name.
        without_aliases: IDs of environments of which only the images below theirs are rendered.
        image_labels: additional labels of every image.
        annotations: annotations of every image, and of its index if it has one.
        task_platforms: the platform that an environment's tasks run on, by id; the engine's own for the others.

    Raises:
        ConfigurationError: the repository carries a tag or digest, the backend is unknown, or another is malformed.
    """

    repository: ImageReference
    cache_backend: str = "local"
    attest: tuple[str, ...] = ()
    compression: str = ZSTD
    environments: tuple[str, ...] = ()
    alias_tags: tuple[str, ...] = ()
    without_aliases: tuple[str, ...] = ()
    image_labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    task_platforms: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_types(self)
        check_compression(self.compression)
        if self.repository.tag or self.repository.digest:
            raise ConfigurationError(
                f"repository {str(self.repository)!r} carries a tag or digest",
                "write it without: the key is the tag",
            )
        check_backend(self.cache_backend)
        check_attest(self.attest)
        check_added("image_labels", self.image_labels)
        check_added("annotations", self.annotations)
        alias_tags_of(self.alias_tags, self.environments or ("environment",))
