"""A repository's list of tags, page by page (OCI distribution spec 1.1, "Listing Tags")."""

from __future__ import annotations

import json
import re
from urllib.parse import urljoin

from ...generator.errors import RegistryError
from .challenge import origin

_LONGEST_LINK = 8192  # the usual limit of web servers
_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[^\s;,="<>]+\s*=\s*(?:"[^"]*"|[^\s;,"<>]*))*)')
_NEXT = re.compile(r';\s*rel\s*=\s*(?:next(?![^\s;])|"(?:[^"]*\s)?next(?:\s[^"]*)?")', re.IGNORECASE)


def read_tags(content: bytes, host: str) -> tuple[str, ...]:
    """The tags in a page; `host` is the registry, for messages.

    Raises:
        RegistryError: the content is not such a page, or a part of it is not understood.
    """
    try:
        tags = json.loads(content)["tags"]
    except (ValueError, KeyError, TypeError, RecursionError):
        tags = 0
    tags = () if tags is None else tags  # if the repository is empty
    if not isinstance(tags, list | tuple) or not all(isinstance(tag, str) for tag in tags):
        raise RegistryError(
            f"registry {host} gives a list of tags that is not understood", "check the host and the port"
        )
    return tuple(tags)


def read_beginning(content: bytes, host: str) -> tuple[str, ...]:
    """The tags in a page whose end may be missing.

    Args, Raises: as `read_tags`.
    """
    if content.rstrip().endswith(b"}"):
        return read_tags(content, host)
    whole = content[: content.rfind(b'",') + 1]
    return read_tags(whole + b"]}", host) if whole else ()


def next_page(link: str, url: str, host: str) -> str | None:
    """The URL of the next page, or None after the last one.

    Args:
        link: the page's `Link` header (RFC 8288), or empty.
        url: the URL of the page, the base of a relative link.
        host: as `read_tags`.

    Raises:
        RegistryError: the header is not understood, or leads to another scheme, host or port.
    """
    if not link.strip():
        return None
    links = _LINK.findall(link) if len(link) <= _LONGEST_LINK else []
    following = [target.strip() for target, parameters in links if _NEXT.search(parameters)]
    if links and not following and not _LINK.sub("", link).strip(" \t,"):
        return None
    page = ""
    try:
        page = str(urljoin(url, following[0]))
        is_own = origin(page) == origin(url)
    except (IndexError, ValueError):
        is_own = False
    if not is_own:
        raise RegistryError(
            f"registry {host} lists tags on pages, and the next one cannot be asked for",
            "ask its operator: the Link header has to lead to the registry itself",
        )
    return page
