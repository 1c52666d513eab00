"""What a registry knows of an image and of a repository (OCI distribution spec 1.1; distribution, "Auth").

One time limit covers a whole question: name resolution, TLS, logins, redirects, slow bodies. The answer is None only
if the registry itself says "not there"; any other failure is a `RegistryError`.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from ...generator.errors import DesktopBakeError, RegistryError
from ..system.asked import Asked
from .access import Access
from .deadline import Deadline
from .manifest import INDEX_TYPES, Index, read_children, read_config, read_manifest
from .platforms import same_platform
from .session import MANIFEST_LIMIT_BYTES, Session
from .tag_list import next_page, read_tags

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ...generator.reference import Digest, ImageReference
    from ..config.settings import Settings
    from ..engine.protocol import ImageEngine


CONFIG_LIMIT_BYTES = 8 << 20
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, kw_only=True)
class RemoteImage:
    """An image as its registry describes it, every part verified against its digest.

    Attributes:
        digest: of the manifest or index under the tag: what to pull.
        platforms: the platforms that exist.
        labels: labels of the platform asked for; None if that platform is absent.
        created: when that platform's image was made, as its builder states it (RFC 3339), or empty.
    """

    digest: Digest
    platforms: tuple[str, ...]
    labels: Mapping[str, str] | None
    created: str = ""


def access_of(settings: Settings, engine: ImageEngine) -> Access:
    """How registries are asked in this run."""
    return Access(
        insecure=engine.registry_config,
        timeout_s=settings.registry_timeout_s,
        helper_timeout_s=settings.credential_helper_timeout_s,
        logins=engine.logins,
        told=engine.told,
    )


def look_up(reference: ImageReference, platform: str, access: Access | None = None) -> RemoteImage | None:
    """Labels and platforms of an image, without pulling it.

    Args:
        reference: repository with tag or digest.
        platform: `os/architecture[/variant]` whose labels are wanted.
        access: how registries are asked; its time limit is that of the whole look-up.

    Returns:
        None if the registry says that it is not there.

    Raises:
        RegistryError: it refused, could not be reached, did not answer in time, or answered nonsense.
    """

    def ask(session: Session) -> RemoteImage | None:
        found = session.manifest(reference.digest or reference.tag or "latest")
        return _described(session, reference, found, platform) if found else None

    access = access or Access()
    return access.once(("look up", reference, platform), lambda: within(access, reference, ask))


def _described(
    session: Session, reference: ImageReference, found: tuple[bytes, Digest], platform: str, *, or_any: bool = False
) -> RemoteImage:
    """What a manifest or an index describes.

    Args:
        session: fetches what the manifest or index names.
        reference: where it is, for messages.
        found: its content and digest.
        platform: the platform whose labels are wanted.
        or_any: whether the labels of the first platform will do if this platform is absent.
    """
    content, digest = found
    manifest = read_manifest(content)
    platforms: tuple[str, ...] = ()
    if isinstance(manifest, Index):
        platforms = manifest.platforms
        chosen = manifest.for_platform(platform)
        if chosen is None and or_any and platforms:
            chosen = manifest.for_platform(platforms[0])
        if chosen is None:
            return RemoteImage(digest=digest, platforms=platforms, labels=None)
        manifest = read_manifest(session.content("manifests", chosen, MANIFEST_LIMIT_BYTES))
        if isinstance(manifest, Index):
            raise RegistryError(f"{reference}: an index where a manifest was stated", "push the image again")
    config = read_config(session.content("blobs", manifest.config, CONFIG_LIMIT_BYTES))
    labels = config.labels if or_any or same_platform(config.platform, platform) else None
    return RemoteImage(digest=digest, platforms=platforms or (config.platform,), labels=labels, created=config.created)


def digest_of(reference: ImageReference, access: Access | None = None) -> Digest | None:
    """The digest under a tag, by one HEAD request, which rate limits do not count.

    Args, Returns, Raises: as `look_up`.
    """
    tag, access = reference.digest or reference.tag or "latest", access or Access()
    return access.once(("digest", reference), lambda: within(access, reference, lambda session: session.digest(tag)))


def within(access: Access | None, reference: ImageReference, ask: Callable[[Session], _Answer]) -> _Answer:
    """Ask in a thread; at the time limit, end its connections and leave the thread behind.

    Nothing else limits name resolution or a header that arrives byte by byte. A credential helper has a separate limit.
    """
    access = access or Access()
    deadline = Deadline(access.timeout_s)
    session = Session(reference, access, deadline)

    def work() -> _Answer:
        with contextlib.closing(session):
            return ask(session)

    asked = Asked(work, "registry").begin()
    while (left_s := deadline.left_s()) and not asked.wait(left_s):
        pass  # unless it was put off meanwhile, nothing is left
    if not asked.wait(0):
        session.abort()
        raise RegistryError(
            f"registry {reference.domain} did not answer within {access.timeout_s:g} s",
            "check the network, or raise registry_timeout_s",
        )
    try:
        return asked.answer()
    except (DesktopBakeError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise RegistryError(
            f"registry {reference.domain} could not be asked: {type(error).__name__}",
            f"check: docker pull {reference.repository}",
        ) from error


PAGE_TAGS = 1000
MOST_PAGES = 1000
MOST_BYTES = 128 << 20  # memory for all pages: a million keys
_TAG_BYTES = 64  # what Python needs for a short text in addition to its characters
MOST_INDEXES = 100
_PAGE_LIMIT_BYTES = 1 << 20


def tags_of(reference: ImageReference, access: Access | None = None) -> tuple[str, ...]:
    """All tags of a repository; none if the registry has no such repository.

    Args:
        reference: the repository.
        access: as `bake.registry.client.look_up`.

    Raises:
        RegistryError: it refused, could not be reached, did not answer in time, answered nonsense, or its list is
            incomplete: a page is missing, or the pages do not end.
    """

    def ask(session: Session) -> tuple[str, ...]:
        found: list[str] = []
        page: str | None = f"tags/list?n={PAGE_TAGS}"
        seen: set[str] = set()
        taken = 0
        while page is not None:
            answer = session.page(page, _PAGE_LIMIT_BYTES, absent=not seen)
            if answer is None:
                return ()
            content, link, url = answer
            tags = read_tags(content, reference.domain)
            found += tags
            taken += len(content) + _TAG_BYTES * len(tags)
            seen.add(url)
            page = next_page(link, url, reference.domain)
            if page in seen or (page and (len(seen) >= MOST_PAGES or taken > MOST_BYTES)):
                raise RegistryError(
                    f"registry {reference.domain} lists tags without end", "ask the operator of that registry"
                )
        return tuple(dict.fromkeys(found))

    access = access or Access()
    return access.once(("tags", reference.repository), lambda: within(access, reference, ask))


@dataclass(frozen=True, kw_only=True)
class Tagged:
    """What a tag leads to.

    Attributes:
        reached: what the tag names and, if that is an index, all that the index names; empty if the tag is gone.
        image: the image of the tag, with the labels of the platform asked for, or of its first one; None if no
            platform was asked for.
    """

    reached: frozenset[Digest]
    image: RemoteImage | None = None


def tagged(reference: ImageReference, platform: str | None, access: Access | None = None) -> Tagged:
    """What a tag leads to; this fetches each manifest once, and the image's configuration if labels are wanted.

    Args:
        reference: the repository, and the tag.
        platform: the platform whose labels are wanted; None if no labels are wanted.
        access: as `look_up`.

    Raises: as `tags_of`.
    """

    def ask(session: Session) -> Tagged:
        found = session.manifest(reference.tag)
        if found is None:
            return Tagged(reached=frozenset())
        image = _described(session, reference, found, platform, or_any=True) if platform else None
        return Tagged(reached=_reached(session, reference, found), image=image)

    return within(access, reference, ask)


def _reached(session: Session, reference: ImageReference, first: tuple[bytes, Digest]) -> frozenset[Digest]:
    found: set[Digest] = set()
    ahead: list[Digest] = []
    answer: tuple[bytes, Digest] | None = first
    for _ in range(MOST_INDEXES):
        if answer:
            content, digest = answer
            found.add(digest)
            for child in read_children(content):
                if child.media_type in INDEX_TYPES and child.digest not in found:
                    ahead.append(child.digest)
                found.add(child.digest)
        if not ahead:
            return frozenset(found)
        answer = session.manifest(ahead.pop())
    raise RegistryError(f"{reference} holds indexes without end", "push that image again")


def check_push(reference: ImageReference, access: Access | None = None) -> None:
    """Check the permission to push: start an upload and cancel it at once.

    Args, Raises: as `tags_of`.
    """

    def ask(session: Session) -> None:
        response = session.request("POST", "blobs/uploads/", {"Content-Length": "0"})
        content = session.read(response, _PAGE_LIMIT_BYTES)
        if response.status != 202:
            raise session.refusal(response, content, "push")
        upload = re.search(r"/blobs/uploads/([^/?#]+)(\?[^#]*)?", response.headers.get("Location", ""))
        if upload:  # a registry that does not drop the upload now drops it within a week
            session.discard(session.request("DELETE", f"blobs/uploads/{upload[1]}{upload[2] or ''}", {}))

    return within(access, reference, ask)


def delete_manifest(reference: ImageReference, digest: Digest, access: Access | None = None) -> None:
    """Delete a manifest and so every tag of it; the registry's garbage collection removes the content.

    Args:
        reference, access: as `tags_of`.
        digest: the digest of the manifest or index.

    Raises: as `tags_of`; also if deleting is switched off in the registry.
    """

    return within(access, reference, lambda session: session.delete_manifest(digest))


def time_of(stated: str) -> float:
    """When an image says it was made, in seconds since 1970; 0 if it does not."""
    try:
        return max(0.0, datetime.fromisoformat(stated[:19] + "+00:00").timestamp())
    except ValueError:
        return 0.0
