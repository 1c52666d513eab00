"""Removes what no environment reaches: images of one repository, cache folders, and tags of its registry."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError, RegistryError
from ...generator.key import parse_key
from ...generator.layer_key import desktop_of_text
from ...generator.reference import Digest
from ..build import local_cache
from ..build.scratch import clear_build_folders
from ..registry.client import delete_manifest, tagged, tags_of, time_of
from ..system.folders import cache_folder
from ..system.reporter import Reporter
from ..task.start_note import remove_abandoned
from .inventory import CacheFamily, cache_families, check_registry, in_repository, reach, stored_images
from .layers import held, with_layers
from .policy import Policy, Reach, Verdict, judge
from .sizes import StoredImage, freed_bytes

if TYPE_CHECKING:
    from ...generator.reference import ImageReference
    from ..context import Context
    from ..registry.access import Access


_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What would be removed, and what stays.

    Attributes:
        images: a verdict on each image of the repository in the local store.
        frees_bytes: what removing those images frees, as `docker system df` counts images.
        caches: the cache folders to remove.
        published: a verdict on each of our images in the registry, whose `image_id` is a digest there.
    """

    images: tuple[Verdict, ...]
    frees_bytes: int
    caches: tuple[CacheFamily, ...]
    published: tuple[Verdict, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to remove."""
        return not self.caches and not any(v.removed for v in (*self.images, *self.published))


def plan(context: Context, reach: Reach, policy: Policy, *, registry: bool) -> Plan:
    """What would be removed.

    Args:
        context: names the repository and the engine.
        reach: what all environments reach.
        policy: what stays although nothing reaches it.
        registry: whether the registry is included.

    Raises:
        EngineError: no engine answers.
        RegistryError: the registry cannot be asked.
        ConfigurationError: the repository is not in a registry.
    """
    engine, settings = context.engine, context.settings
    ours = stored_images(engine)
    repository = settings.repository.repository
    verdicts = judge([i for i in ours if in_repository(i, settings.repository)], repository, reach, policy)
    removed = {v.image.image_id for v in verdicts if v.removed}
    layered = with_layers(ours, engine) if removed else ()
    frees = freed_bytes(removed, layered, held(layered, engine))
    elsewhere = {family_of_text(key) for key in reach.elsewhere}
    caches = tuple(
        family
        for family in cache_families()
        if family.name not in reach.families
        and _desktop_alone(family.name) not in elsewhere
        and policy.now_s - family.used_s >= policy.older_than_s
    )
    published: tuple[Verdict, ...] = ()
    if registry:
        published = judge(_published(context), repository, replace(reach, in_use=()), policy)
    return Plan(images=verdicts, frees_bytes=frees, caches=caches, published=published)


def plan_now(context: Context, policy: Policy, *, registry: bool) -> Plan:
    """What would be removed, with what environments reach now.

    Args: as `plan`.

    Raises: as `plan`.
        DesktopBakeError: the key of an environment cannot be computed, so what it reaches is not known.
    """
    return plan(context, reach(replace(context, reporter=Reporter()), strict=True), policy, registry=registry)


def clear_left_over(context: Context) -> None:
    """Remove what killed processes left: folders of builds, parts of caches, containers of tasks."""
    clear_build_folders(cache_folder())
    local_cache.clear(cache_folder() / "buildkit")
    remove_abandoned(context.engine.endpoint)


def family_of_text(key: str) -> str | None:
    """The cache folder of a key's text, like `generator.key_family.family_of`; a preflight has its desktop's folder.

    The text does not state the layers below a desktop, but the folder's name does.
    """
    desktop = desktop_of_text(key)
    if desktop is None:
        return None
    variant, _, install, _, _ = parse_key(desktop)
    return f"{variant}-{install[:12]}"


def _desktop_alone(family: str) -> str:
    """The name of a cache folder without its part for the layers below."""
    return re.sub("-l[0-9a-f]{8}$", "", family)


def _published(context: Context) -> list[StoredImage]:
    """Our images in the registry, each with all tags that reach it.

    Raises:
        RegistryError: an answer is missing or incomplete, so what other tags need is not known.
    """
    check_registry(context.settings, "prune")
    try:
        return _look(context.settings.repository, context.engine.platform(), context.access())
    except RegistryError as error:
        raise RegistryError(f"{error}; so nothing is removed", error.remedy) from error


def _look(repository: ImageReference, platform: str, access: Access) -> list[StoredImage]:
    """Ask for each tag once, and for the configuration of images whose tag is a key's."""
    tags = tags_of(repository, access)
    names: dict[str, list[str]] = {}
    images: list[StoredImage] = []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(
            lambda tag: tagged(replace(repository, tag=tag), platform if _is_key(tag) else None, access), tags
        )
        for tag, under in zip(tags, found, strict=True):
            name = str(replace(repository, tag=tag))
            for digest in under.reached:
                names.setdefault(str(digest), []).append(name)
            image = under.image
            if image and image.labels is not None:
                made_s = time_of(image.created)
                images.append(
                    StoredImage(image_id=str(image.digest), tags=(name,), labels=image.labels, created_s=made_s)
                )
    return [replace(i, tags=tuple(dict.fromkeys((*i.tags, *names.get(i.image_id, ()))))) for i in images]


def _is_key(tag: str) -> bool:
    try:
        desktop_of_text(tag)
    except ConfigurationError:
        return False
    return True


def carry_out(planned: Plan, context: Context) -> tuple[int, list[str]]:
    """Carry out a plan, with each part checked again: the engine does not remove an image that a container uses.

    Args:
        planned: the plan.
        context: names the engine and the registry; a line is reported for each thing removed.

    Returns:
        How many things were removed, and one line for each thing that could not be removed.
    """
    say, settings = context.reporter.say, context.settings
    count, faults = 0, []
    for verdict in planned.images:
        if not verdict.removed:
            continue
        refused = None
        for tag in verdict.image.tags:
            answer = context.engine.ask("DELETE", f"/images/{tag}")
            if answer.status not in (200, 404):
                refused = f"{tag}: {answer.message}"
                break
            say(f"[desktop-cache] removed {tag}")
        count += refused is None
        faults += [refused] if refused else []
    for family in planned.caches:
        try:
            local_cache.discard(family.folder.parent, family.name)
        except OSError as error:
            faults.append(f"{family.folder}: {error.strerror or 'another process holds the caches'}")
        else:
            count += 1
            say(f"[desktop-cache] removed cache {family.name}")
    for verdict in planned.published:
        if not verdict.removed:
            continue
        try:
            delete_manifest(settings.repository, Digest(verdict.image.image_id), context.access())
        except RegistryError as error:
            faults.append(str(error))
        else:
            count += 1
            say(f"[desktop-cache] removed {verdict.image.name} from the registry")
    return count, faults
