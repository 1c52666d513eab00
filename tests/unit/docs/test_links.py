"""Every link of README and the documents leads somewhere, on a file system and on the site."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.harness.markdown import DOCS, PAGES, ROOT, anchors, dead_links, links


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link leads to a file of the repository, and its anchor to a heading there."""
    assert dead_links(page, page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("text", "dead"),
    [
        ("# A `b` c\n[x](#a-b-c) ![y](desktop.png)", []),
        ("[x](#b)", ["#b: no such heading"]),
        ("[x](nowhere.md)", ["nowhere.md: no such file"]),
        ("[x](team.md#nothing-of-it)", ["team.md#nothing-of-it: no such heading"]),
        ("`[x](nowhere.md)`\n\n```text\n[x](nowhere.md)\n```\n[x](https://example.com/)", []),
    ],
)
def test_dead_links_are_found(text: str, dead: list[str]) -> None:
    """A missing file and a missing heading are found; code is none, and other hosts are not asked."""
    assert dead_links(DOCS / "page.md", text) == dead


def test_anchors() -> None:
    """Names are GitHub's: lower case, hyphens for blanks, a number for the second of its kind."""
    assert anchors("# One\n## One\n### `run` & [go](x.md)!\n") == {"one", "one-1", "run--go"}


def test_the_site_has_every_page() -> None:
    """Each page of docs/ stands in the site's navigation, once; docs/README.md links to each, too."""
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    named = list(_leaves(YAML(typ="safe").load(ROOT / "mkdocs.yml")["nav"]))
    assert sorted(named) == sorted(pages)
    linked = {link.partition("#")[0] for link in links((DOCS / "README.md").read_text(encoding="utf-8"))}
    assert pages - {"README.md"} <= linked


def test_readme_is_short() -> None:
    """A newcomer reads it in a minute."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 110


def _leaves(node: Any) -> list[str]:
    if isinstance(node, str):
        return [node]
    return [leaf for child in (node.values() if isinstance(node, dict) else node) for leaf in _leaves(child)]
