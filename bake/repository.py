"""A repository as a whole: its tags, whether one may push to it, and taking tags out of it again.

Source: OCI distribution spec 1.1, "Listing Tags", "Pushing blobs", "Deleting tags".
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from bake.registry import within
from generator.errors import RegistryError
from generator.manifest import INDEX_TYPES, read_children
from generator.tag_list import next_page, read_tags

if TYPE_CHECKING:
    from bake.registry_access import Access
    from bake.registry_session import Session
    from generator.reference import Digest, ImageReference

PAGE_TAGS = 1000
MOST_PAGES = 1000
MOST_BYTES = 128 << 20  # of memory, for all pages: a million keys
_TAG_BYTES = 64  # what Python needs for a short text beside its characters
MOST_INDEXES = 100
_PAGE_LIMIT_BYTES = 1 << 20


def tags_of(reference: ImageReference, access: Access | None = None) -> tuple[str, ...]:
    """All tags of a repository; none if the registry has no such repository.

    Args:
        reference: the repository.
        access: as `bake.registry.look_up`.

    Raises:
        RegistryError: it refused, could not be reached, did not answer in time, answered nonsense, or its list is not
            whole: a further page could not be had, or there is no end to them.
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
                raise RegistryError(f"registry {reference.domain} lists tags without end", "ask who runs it")
        return tuple(dict.fromkeys(found))

    return within(access, reference, ask)


def reached(reference: ImageReference, access: Access | None = None) -> frozenset[Digest]:
    """What a tag reaches: what lies under it and, if that is an index, all that it names; nothing if it is gone.

    Args, Raises: as `tags_of`.
    """

    def ask(session: Session) -> frozenset[Digest]:
        found: set[Digest] = set()
        ahead: list[object] = [reference.tag]
        for _ in range(MOST_INDEXES):
            if not ahead:
                return frozenset(found)
            answer = session.manifest(ahead.pop())
            if answer is None:
                continue
            content, digest = answer
            found.add(digest)
            for child in read_children(content):
                if child.media_type in INDEX_TYPES and child.digest not in found:
                    ahead.append(child.digest)
                found.add(child.digest)
        raise RegistryError(f"{reference} holds indexes without end", "ask who pushed it")

    return within(access, reference, ask)


def check_push(reference: ImageReference, access: Access | None = None) -> None:
    """Check that one may push: by starting an upload, which is given up at once.

    Args, Raises: as `tags_of`.
    """

    def ask(session: Session) -> None:
        response = session.request("POST", "blobs/uploads/", {"Content-Length": "0"})
        content = session.read(response, _PAGE_LIMIT_BYTES)
        if response.status != 202:
            raise session.refusal(response, content, "push")
        upload = re.search(r"/blobs/uploads/([^/?#]+)(\?[^#]*)?", response.headers.get("Location", ""))
        if upload:  # what a registry does not forget now, it forgets in a week
            session.discard(session.request("DELETE", f"blobs/uploads/{upload[1]}{upload[2] or ''}", {}))

    return within(access, reference, ask)


def delete_manifest(reference: ImageReference, digest: Digest, access: Access | None = None) -> None:
    """Take a manifest out of a repository, and so every tag of it; its content goes with the registry's own cleaning.

    Args:
        reference, access: as `tags_of`.
        digest: the manifest's or index's.

    Raises: as `tags_of`; also where the registry has deleting switched off.
    """

    return within(access, reference, lambda session: session.delete_manifest(digest))


def time_of(stated: str) -> float:
    """When an image says it was made, in seconds since 1970; 0 where it does not."""
    try:
        return max(0.0, datetime.fromisoformat(stated[:19] + "+00:00").timestamp())
    except ValueError:
        return 0.0
