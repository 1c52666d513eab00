"""Templates: what comes from elsewhere is text, and nothing of another host is loaded."""

from __future__ import annotations

import re

import pytest

from desktop_bake.bake.ui.pages import STATIC, Pages


def test_escaped(pages: Pages) -> None:
    """A text that looks like markup is shown as it is."""
    html = pages.draw("notice", {"errors": [HostileError()]})
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_what_cannot_be_encoded(pages: Pages) -> None:
    """A name of a file, or of another program's JSON, that is no Unicode leaves the rest of the page as it is."""
    html = pages.draw("seen", {"seen": "caf\udce9 ok"})
    assert "caf? ok" in html.encode().decode()


class HostileError(Exception):
    """An error whose texts are markup."""

    remedy = '"><img src=x onerror=alert(1)>'

    def __str__(self) -> str:
        return "<script>alert(1)</script>"


@pytest.mark.parametrize("name", sorted(STATIC))
def test_static_files(name: str) -> None:
    """Each file comes with its type, and asks no other host for anything."""
    content, kind = STATIC[name]
    assert kind in ("text/css", "text/javascript", "image/svg+xml")
    text = content.decode().replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|@import|//[a-z]+\.", text)


def test_what_there_is() -> None:
    """The page's style and script are there."""
    assert {"page.css", "page.js", "icon.svg"} <= set(STATIC)


def test_no_inline_script_or_style(pages: Pages) -> None:
    """Templates have nothing that the policy would have to allow."""
    names = pages._templates.list_templates()  # noqa: SLF001 (jinja2's list of the folder)
    assert "layout.html" in names
    for name in names:
        source = pages._templates.loader.get_source(pages._templates, name)[0]  # type: ignore[union-attr]  # noqa: SLF001
        assert not re.search(r"<style|\bstyle=|\bon[a-z]+=|javascript:", source), name
        assert not re.search(r"<script(?! type=\"module\" src=)", source), name
