"""The tags near a key's in a repository's list; only small pages are read, however many tags there are.

A registry lists its tags in order, and can start at any text (OCI distribution spec 1.1, "Listing Tags"). Keys begin
with the variant, the base and the install script, so those that share the most are next to each other; on another base
the scan goes to those that install the same. Distribution before 3.0 always gives the whole list. A registry that does
so is asked once, and only the beginning of its answer is read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .client import within
from .tag_list import read_beginning

if TYPE_CHECKING:
    from ...generator.reference import ImageReference
    from .access import Access
    from .session import Session


PAGE_TAGS = 100
MOST_PAGES = 10
LIMIT_BYTES = 32 << 10  # of a page: twice 100 tags of 128 characters
_BEHIND_HEX = "g"


def tags_near(key: str, repository: ImageReference, access: Access) -> tuple[str, ...]:
    """Some tags of a repository, including those that share the most with a key's text.

    Args:
        key: `variant-base-…`.
        repository: the repository.
        access: how its registry is asked; its time limit covers all pages together.

    Raises:
        RegistryError: it refused, could not be reached, did not answer in time, or answered nonsense.
    """
    question = "tags near", repository.repository, key
    return access.once(question, lambda: within(access, repository, lambda s: _Scan(s, repository.domain).near(key)))


@dataclass(kw_only=False)
class _Scan:
    """A few pages of one list.

    Attributes:
        session: the conversation with the registry.
        host: the registry, for messages.
        found: the tags so far.
        pages: how many pages were asked for.
        is_whole: whether the registry always gives its whole list.
    """

    session: Session
    host: str
    found: dict[str, None] = field(default_factory=dict)
    pages: int = 0
    is_whole: bool = False

    def near(self, key: str) -> tuple[str, ...]:
        """The tags that are near a key's text."""
        parts = key.split("-")
        for count in range(len(parts) - 1, 1, -1):  # those that share the most come first
            self._page(_begin(parts[:count]))
        self._other_bases(*parts[:3])
        if not self.found and not self.is_whole:  # some registries give no page after a text that is not a tag
            self._page("")
        return tuple(self.found)

    def _other_bases(self, variant: str, base: str, install: str) -> None:
        """Go from base to base: take the first tags of each, and those that install the same."""
        after = _begin([variant])
        while tags := self._page(after):
            last = tags[-1].split("-")
            if len(tags) < PAGE_TAGS or last[0] != variant or len(last) < 2:
                return
            if last[1] != base:
                self._page(_begin([variant, last[1], install]))
            after = _begin([variant, last[1]]) + _BEHIND_HEX

    def _page(self, after: str) -> list[str]:
        """The tags after a text; none at the limit of pages, or if the registry gave its whole list."""
        if self.is_whole or self.pages >= MOST_PAGES:
            return []
        self.pages += 1
        path = f"tags/list?n={PAGE_TAGS}" + (f"&last={after}" if after else "")
        content = self.session.beginning(path, LIMIT_BYTES)
        tags = list(read_beginning(content, self.host)) if content else []
        self.is_whole = len(tags) > PAGE_TAGS or any(tag <= after for tag in tags)
        self.found |= dict.fromkeys(tags)
        return tags


def _begin(parts: list[str]) -> str:
    """The beginning of the text of every key with these first parts."""
    return "".join(f"{part}-" for part in parts)
