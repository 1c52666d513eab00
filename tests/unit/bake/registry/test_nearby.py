"""The tags beside a key's: few pages are read, whatever the registry has."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from desktop_bake import ImageReference
from desktop_bake.bake.registry import nearby
from desktop_bake.bake.registry.access import Access
from desktop_bake.bake.registry.nearby import MOST_PAGES, PAGE_TAGS, tags_near

if TYPE_CHECKING:
    from tests.harness.memory_registry import MemoryRegistry

REPOSITORY = ImageReference.parse("registry.example.com/team/desktop")


def part(text: object) -> str:
    """A part of a key."""
    return hashlib.sha256(str(text).encode()).hexdigest()[:16]


def key(base: object, install: object, setup: object, dockerfile: object = "d", variant: str = "emerald") -> str:
    """A key's text."""
    return "-".join((variant, part(base), part(install), part(setup), part(dockerfile)))


def fill(registry: MemoryRegistry, *tags: str) -> None:
    """Publish something under these tags."""
    digest = str(registry.put(f"{REPOSITORY}:{tags[0]}", {}))
    registry.tags.update({f"{REPOSITORY}:{tag}": digest for tag in tags})


def asked(registry: MemoryRegistry) -> int:
    """How many pages were requested."""
    return len([question for question in registry.asked if question.endswith("tags/list")])


@pytest.fixture
def crowd(registry: MemoryRegistry) -> MemoryRegistry:
    """A registry of thousands of tags: other variants, and bases with hundreds of other scripts."""
    others = [key(base, f"i{n}", f"s{n}") for base in ("b1", "b2", "b3") for n in range(400)]
    fill(registry, *others, *(key("b1", n, n, variant="aaa") for n in range(500)), "latest", "zzz")
    return registry


@pytest.mark.parametrize(
    "then",
    [
        key("b1", "install", "setup", "another"),
        key("b1", "install", "another"),
        key("b2", "install", "setup"),
        key("b3", "install", "setup"),
    ],
)
def test_one_part_differs(crowd: MemoryRegistry, then: str) -> None:
    """The key that differs in one part is found among thousands, on whichever base."""
    fill(crowd, then)
    found = tags_near(key("b1", "install", "setup"), REPOSITORY, Access())
    assert then in found
    assert asked(crowd) <= MOST_PAGES
    assert len(found) <= MOST_PAGES * PAGE_TAGS


def test_few_tags(registry: MemoryRegistry) -> None:
    """In a small repository every key of the variant is found."""
    tags = {key(base, install, "s") for base in range(5) for install in range(5)}
    fill(registry, *tags)
    assert set(tags_near(key(0, 0, "new"), REPOSITORY, Access())) == tags


def test_a_registry_that_gives_all(crowd: MemoryRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry that knows no pages is asked once, and only the beginning of its list is read."""
    crowd.is_old = True
    monkeypatch.setattr(nearby, "LIMIT_BYTES", 4096)
    found = tags_near(key("b1", "install", "setup"), REPOSITORY, Access())
    assert asked(crowd) == 1
    assert 40 < len(found) < 60


def test_pages_after_tags_alone(crowd: MemoryRegistry) -> None:
    """If no page begins after a text that is no tag, the first page is looked at."""
    crowd.is_strict = True
    assert len(tags_near(key("b1", "install", "setup"), REPOSITORY, Access())) == PAGE_TAGS


@pytest.mark.parametrize("text", [f"emerald-{part('b')}-l{part('l')}", f"{key('b', 'i', 's')}-p{part('p')}"])
def test_layers(registry: MemoryRegistry, text: str) -> None:
    """A layer's neighbours are those on its base, a preflight's those on its desktop."""
    near = f"{text[:-4]}0000"
    fill(registry, near, key("b", "i", "s"))
    assert set(tags_near(text, REPOSITORY, Access())) == {near, key("b", "i", "s")}


def test_no_repository(registry: MemoryRegistry) -> None:
    """A registry without the repository has no tag of it."""
    assert tags_near(key("b", "i", "s"), REPOSITORY, Access()) == ()
