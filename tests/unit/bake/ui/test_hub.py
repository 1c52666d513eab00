"""What changed reaches every page that is open, once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from desktop_bake.bake.ui import hub as module
from desktop_bake.bake.ui.hub import OPEN, Hub, event, mark_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


@pytest.fixture
def drawn() -> dict[str, str]:
    """What parts look like."""
    return {"a": "<a>", "a/1": "one", "b": "<b>", "all/x": "x"}


@pytest.fixture
def hub(drawn: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A hub that draws these, and sends at once."""
    monkeypatch.setattr(module, "_TOGETHER_S", 0.0)
    return Hub(lambda part: drawn.get(part, ""), lambda page: [drawn[page], *filter(None, [drawn.get(f"{page}/rest")])])


async def took(pages: AsyncGenerator[str], count: int) -> list[str]:
    """The next events, except for the word that it is open."""
    got: list[str] = []
    while len(got) < count:
        if (text := await asyncio.wait_for(anext(pages), 10)) != OPEN:
            got.append(text)
    return got


def test_parts(hub: Hub, drawn: dict[str, str]) -> None:
    """A page gets all of itself first, then its parts and everybody's, each only if it looks different."""

    async def listen() -> list[str]:
        one = hub.listen("a")
        got = await took(one, 1)
        hub.touch("a/1", "b", "all/x")
        got += await took(one, 2)
        hub.touch("a/1")
        await asyncio.sleep(0.01)
        drawn["a/1"] = "two"
        hub.touch("a/1")
        got += await took(one, 1)
        hub.close()
        return got + [text async for text in one]

    assert asyncio.run(listen()) == [event("<a>"), event("one"), event("x"), event("two")]
    assert not hub.is_watched


def test_as_it_was_drawn(hub: Hub, drawn: dict[str, str]) -> None:
    """What a page shows already is not sent again; what was brief there is, and what has changed since."""
    drawn["a/rest"] = "rest"

    async def first(mark: str, count: int) -> list[str]:
        pages = hub.listen("a", mark)
        got = await took(pages, count)
        await pages.aclose()
        return got

    mark = mark_of("<a>")
    assert asyncio.run(first(mark, 1)) == [event("rest")]
    drawn["a"] = "<other>"
    assert asyncio.run(first(mark, 2)) == [event("<other>"), event("rest")]


def test_parts_below(hub: Hub, drawn: dict[str, str]) -> None:
    """A part that looks as before is sent again after all of its page was, in which it may have been brief."""

    async def listen() -> list[str]:
        one = hub.listen("a")
        got = await took(one, 1)
        for part in ("a/1", "a", "a/1"):
            hub.touch(part)
            got += await took(one, 1)
        await one.aclose()
        return got

    assert asyncio.run(listen()) == [event("<a>"), event("one"), event("<a>"), event("one")]


def test_two_pages(hub: Hub) -> None:
    """Both get what is theirs, and one that is closed nothing."""

    async def listen() -> tuple[list[str], bool]:
        one, two = hub.listen("a"), hub.listen("b")
        await took(one, 1)
        await took(two, 1)
        assert hub.watches("b")
        hub.touch("all/x")
        got = await took(one, 1) + await took(two, 1)
        await two.aclose()
        return got, hub.watches("b")

    assert asyncio.run(listen()) == ([event("x"), event("x")], False)


def test_a_page_that_lags_behind(hub: Hub, drawn: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that does not read is disconnected, and reads all of it again later; nothing piles up."""
    monkeypatch.setattr(module, "_BEHIND", 2)

    async def listen() -> list[str]:
        slow = hub.listen("a")
        got = await took(slow, 1)
        for text in "1234":
            drawn["a/1"] = text
            hub.touch("a/1")
            await asyncio.sleep(0.01)
        return got + [said async for said in slow]

    assert asyncio.run(listen()) == [event("<a>"), event("1"), event("2")]


def test_nobody_listens(hub: Hub) -> None:
    """Then nothing is drawn, and nothing is an error; a hub that is closed takes no page."""
    hub.touch("a")
    hub.close()

    async def listen() -> list[str]:
        return [text async for text in hub.listen("a")]

    assert asyncio.run(listen()) == []


@pytest.mark.parametrize(
    ("html", "wanted"),
    [("a", "data: a\n\n"), ("a\nb", "data: a\ndata: b\n\n"), ("", "data: \n\n"), ("a\rb\u2028", "data: ab\u2028\n\n")],
)
def test_event(html: str, wanted: str) -> None:
    """No character of a text ends an event early."""
    assert event(html) == wanted
