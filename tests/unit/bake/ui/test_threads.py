"""Work that blocks, awaited."""

from __future__ import annotations

import asyncio
import threading

import pytest

from desktop_bake.bake.ui.threads import background, in_thread


def test_in_a_thread() -> None:
    """The result comes back, what is raised too, and the loop goes on meanwhile."""
    go = threading.Event()

    async def both() -> tuple[bool, str]:
        waiting = asyncio.ensure_future(in_thread(lambda: go.wait(10)))
        await asyncio.sleep(0)
        go.set()
        return await waiting, threading.current_thread().name

    assert asyncio.run(both()) == (True, "MainThread")
    with pytest.raises(ZeroDivisionError):
        asyncio.run(in_thread(lambda: 1 // 0))


def test_nobody_waits_any_more() -> None:
    """Work whose asker has gone ends in silence, and a process does not wait for it."""
    go, done = threading.Event(), threading.Event()

    def work() -> None:
        go.wait(10)
        done.set()

    async def leave() -> None:
        task = asyncio.ensure_future(in_thread(work))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(leave())
    go.set()
    assert done.wait(10)
    assert background(lambda: None, "a-name").daemon
