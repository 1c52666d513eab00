"""Sends changes to every open page: each part of a page is drawn once, however many pages show it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

_TOGETHER_S = 0.1  # changes within this time are sent together
OPEN = ": open\n\n"  # a comment, so that a page knows that it is live before anything changes
_BEHIND = 200  # messages that a page may lag behind; then it is disconnected, and connects again


class Hub:
    """The listening pages, and the parts that changed.

    Args:
        draw: returns the HTML of a part; empty if it is not shown any more.
        first: returns the pieces of a page; the first one is drawn with the page.
    """

    def __init__(self, draw: Callable[[str], str], first: Callable[[str], Iterable[str]]) -> None:
        self._draw, self._first = draw, first
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pages: dict[asyncio.Queue[str | None], str] = {}
        self._changed: dict[str, None] = {}
        self._sent: dict[str, str] = {}
        self._is_due = False
        self._is_closed = False

    @property
    def is_watched(self) -> bool:
        """Whether any page listens."""
        return bool(self._pages)

    def watches(self, page: str) -> bool:
        """Whether this page is open in any tab."""
        return page in self._pages.values()

    def touch(self, *parts: str) -> None:
        """Report, from any thread, that parts of pages such as `environments/e-1` may have changed."""
        if self._loop is None or not self._pages:
            return
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._note, parts)

    def _note(self, parts: tuple[str, ...]) -> None:
        self._changed.update(dict.fromkeys(parts))
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_later(_TOGETHER_S, self._send)

    def _send(self) -> None:
        self._is_due = False
        changed, self._changed = self._changed, {}
        watched = set(self._pages.values())
        for part in changed:
            page = part.partition("/")[0]
            if page != "all" and page not in watched:
                self._sent.pop(part, None)
                continue
            html = self._draw(part)
            if part == page:  # the parts below it may be brief there, and are sent again
                self._sent = {name: had for name, had in self._sent.items() if not name.startswith(f"{page}/")}
            if self._sent.get(part) == html:
                continue
            self._sent[part] = html
            self._spread(page, html)

    def _spread(self, page: str, html: str) -> None:
        for queue, theirs in list(self._pages.items()):
            if page in ("all", theirs):
                if queue.qsize() >= _BEHIND:
                    self._pages.pop(queue)
                    queue.put_nowait(None)
                else:
                    queue.put_nowait(html)

    async def listen(self, page: str, drawn: str = "") -> AsyncGenerator[str]:
        """The parts of a page, as server-sent events (HTML standard, 9.2): all parts, then changes.

        Args:
            page: the page.
            drawn: the mark of what it already shows, which is not sent again if it is unchanged.
        """
        self._loop = asyncio.get_running_loop()
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._pages[queue] = page
        self._sent.clear()  # changes since then may have had no listener
        try:
            if not self._is_closed:
                yield OPEN
            for number, piece in enumerate(self._first(page)):
                if self._is_closed:
                    break
                if number or mark_of(piece) != drawn:
                    yield event(piece)
            while not self._is_closed and (html := await queue.get()) is not None:
                yield event(html)
        finally:
            self._pages.pop(queue, None)

    def close(self) -> None:
        """Disconnect every page; from any thread or signal handler."""
        self._is_closed = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._hang_up)

    def _hang_up(self) -> None:
        for queue in self._pages:
            queue.put_nowait(None)


def mark_of(html: str) -> str:
    """The mark that tells a drawn part from any other."""
    return hashlib.sha256(html.encode(errors="surrogatepass")).hexdigest()[:16]


def event(html: str) -> str:
    """An event with a part of a page."""
    return "".join(f"data: {line}\n" for line in html.replace("\r", "").split("\n")) + "\n"
