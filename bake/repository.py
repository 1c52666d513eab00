"""A repository as a whole: its tags, whether one may push to it, and taking tags out of it again.

Source: OCI distribution spec 1.1, "Listing Tags", "Pushing blobs", "Deleting tags".
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bake.registry import within
from generator.login import next_page, read_tags

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bake.registry_session import Session
    from generator.reference import Digest, ImageReference

PAGE_TAGS = 1000
MOST_PAGES = 20
_PAGE_LIMIT_BYTES = 1 << 20


def tags_of(
    reference: ImageReference, *, insecure: Callable[[], Mapping[str, Any]], timeout_s: float
) -> tuple[str, ...]:
    """The tags of a repository, at most 20 pages of them; none where the registry has no such repository.

    Args:
        reference: the repository.
        insecure, timeout_s: as `bake.registry.look_up`.

    Raises:
        RegistryError: it refused, could not be reached, did not answer in time, or answered nonsense.
    """

    def ask(session: Session) -> tuple[str, ...]:
        found: list[str] = []
        path = f"tags/list?n={PAGE_TAGS}"
        for _ in range(MOST_PAGES):
            answer = session.get(path, _PAGE_LIMIT_BYTES, {}, absent=True)
            if answer is None:
                break
            content, headers = answer
            found += read_tags(content, reference.domain)
            more = next_page(headers.get("Link", ""))
            if more is None:
                break
            path = f"tags/list?n={PAGE_TAGS}&last={quote(more, safe='')}"
        return tuple(found)

    return within(timeout_s, reference, insecure, ask)


def check_push(reference: ImageReference, *, insecure: Callable[[], Mapping[str, Any]], timeout_s: float) -> None:
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

    return within(timeout_s, reference, insecure, ask)


def delete_manifest(
    reference: ImageReference, digest: Digest, *, insecure: Callable[[], Mapping[str, Any]], timeout_s: float
) -> None:
    """Take a manifest out of a repository, and so every tag of it; its content goes with the registry's own cleaning.

    Args:
        reference, insecure, timeout_s: as `tags_of`.
        digest: the manifest's or index's.

    Raises: as `tags_of`; also where the registry has deleting switched off.
    """

    return within(timeout_s, reference, insecure, lambda session: session.delete_manifest(digest))


def time_of(stated: str) -> float:
    """When an image says it was made, in seconds since 1970; 0 where it does not."""
    try:
        return max(0.0, datetime.fromisoformat(stated[:19] + "+00:00").timestamp())
    except ValueError:
        return 0.0
