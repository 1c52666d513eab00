"""Blocking work in threads: the page ends at once, even if some work still waits for an answer."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def background(work: Callable[[], object], name: str) -> threading.Thread:
    """Start a thread that ends with the process."""
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread


async def in_thread(work: Callable[[], T]) -> T:
    """The result of blocking work, or what it raises."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except Exception as raised:  # noqa: BLE001 (it is raised where it is awaited)
            error = raised
        with contextlib.suppress(RuntimeError):  # nothing waits for it any more
            loop.call_soon_threadsafe(settle, result, error)

    background(run, "page-work")
    return await future
