"""A list of tags, page by page: what is a page, and where the next one is."""

from __future__ import annotations

import time

import pytest

from desktop_bake import RegistryError
from desktop_bake.bake.registry.tag_list import next_page, read_beginning, read_tags
from tests.harness.every import every

URL = "https://r.example.com/v2/a/tags/list?n=2"
NEXT = "https://r.example.com/v2/a/tags/list?last=b"


@every(
    ("content", "wanted"),
    [
        (b'{"name": "a", "tags": ["x", "y"]}', ("x", "y")),
        (b'{"tags": []}', ()),
        (b'{"tags": null}', ()),
        (b"{}", None),
        (b"[]", None),
        (b'"tags"', None),
        (b'{"tags": "x"}', None),
        (b'{"tags": {"x": 1}}', None),
        (b'{"tags": ["x", 1]}', None),
        (b'{"tags": 0}', None),
        (b"<html>", None),
        (b"\xff", None),
        (b"[" * 100_000, None),
    ],
)
def test_read(content: bytes, wanted: tuple[str, ...] | None) -> None:
    """A page is a list of texts, or an error: what is not understood is not an empty repository."""
    if wanted is not None:
        assert read_tags(content, "h:1") == wanted
    else:
        with pytest.raises(RegistryError, match=r"^registry h:1 gives a list of tags that is not understood$"):
            read_tags(content, "h:1")


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b'{"name":"a","tags":["x","y"]}\n', ("x", "y")),
        (b'{"name":"a","tags":["x","y","z', ("x", "y")),
        (b'{"name":"a","tags":["x","y",', ("x", "y")),
        (b'{"name":"a","tags":["x', None),
        (b'{"na', ()),
        (b"", ()),
    ],
)
def test_read_beginning(content: bytes, wanted: tuple[str, ...] | None) -> None:
    """If the end of a list is missing, its whole tags are read; a list without any is not understood."""
    if wanted is None:
        with pytest.raises(RegistryError, match="is not understood"):
            read_beginning(content, "h:1")
    else:
        assert read_beginning(content, "h:1") == wanted


@every(
    ("link", "wanted"),
    [
        ("", None),
        ("  ", None),
        ('</v2/a/tags/list?last=b>; rel="next"', NEXT),
        ("</v2/a/tags/list?last=b>; rel=next", NEXT),
        ("</v2/a/tags/list?last=b>;REL=NEXT", NEXT),
        ('<?last=b>; title="a, b"; rel="prev next"', NEXT),
        (f'<{NEXT}>; rel="next"', NEXT),
        ('<https://r.example.com:443/v2/a/tags/list?last=b>; rel="next"', NEXT.replace(".com", ".com:443")),
        ('</first>; rel="first", <?last=b>; rel="next"', NEXT),
        ('</first>; rel="first"', None),
        ('</a>; rel="nextone"', None),
        ("</a>; rel=nextone", None),
        ('</a>; title="x; rel=next"', None),
    ],
)
def test_next(link: str, wanted: str | None) -> None:
    """The header leads to the next page, relative to this one, or there is none."""
    assert next_page(link, URL, "h") == wanted


@every(
    "link",
    [
        "next",
        "</a> rel=next; <",
        '<http://r.example.com/v2/a>; rel="next"',
        '<https://other.example.com/v2/a>; rel="next"',
        '<//other.example.com/v2/a>; rel="next"',
        '<https://r.example.com:444/>; rel="next"',
        '<https://[::1/>; rel="next"',
        f'</{"x" * 9000}>; rel="next"',
    ],
)
def test_next_refused(link: str) -> None:
    """What is not understood, or leads elsewhere, is an error: the list would not be whole, or the login elsewhere."""
    with pytest.raises(RegistryError, match=r"^registry h lists tags on pages, and the next one cannot be asked for$"):
        next_page(link, URL, "h")


def test_a_long_header_takes_no_time() -> None:
    """A header of megabytes costs no more than its beginning."""
    began = time.monotonic()
    with pytest.raises(RegistryError, match="cannot be asked for"):
        next_page("<a>;a=" * 1_000_000, URL, "h")
    assert time.monotonic() - began < 1
