"""The code of docs/asyncio.md: several tasks at once, and coroutines that are cancelled in a task or a build."""

from __future__ import annotations

import asyncio
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import CancelledError, DesktopBakeError, Settings, ensure_desktop_image, load_settings
from tests.harness.tasks import tasks

if TYPE_CHECKING:
    from desktop_bake import Environment


PAGE = Path(__file__).parents[2] / "docs" / "asyncio.md"


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """The names that the page's code defines."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), names)
    return names


def test_tasks_of_a_loop(desktop: Environment, desktop_settings: Settings, page: dict[str, Any]) -> None:
    """Two tasks and a command in a third run at once; a cancelled task is gone when its coroutine ends."""

    async def main() -> None:
        run, look = page["run_task"], page["look_inside"]
        *statuses, seen = await asyncio.gather(
            run(desktop, desktop_settings, ["sh", "-c", "exit 3"]),
            run(desktop, desktop_settings, ["true"]),
            look(desktop, desktop_settings, ["xdotool", "getdisplaygeometry"]),
        )
        assert (statuses, seen.status, seen.stdout) == ([3, 0], 0, b"1280 800\n")
        job = asyncio.create_task(run(desktop, desktop_settings, ["sleep", "1000"]))
        while not tasks(desktop.env_id):
            await asyncio.sleep(0.05)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        assert tasks(desktop.env_id) == []

    asyncio.run(asyncio.wait_for(main(), 120))


def test_a_build_of_a_loop(project: Path, page: dict[str, Any]) -> None:
    """Cancelling a coroutine while its image is baked ends the build, without a failure or a fallback."""
    (project / "install.sh").write_text("#!/bin/sh\necho under way\nsleep 1000\n")
    settings = load_settings(project / "desktop-bake.toml", {})
    lines: list[str] = []

    async def main() -> None:
        loop, under_way = asyncio.get_running_loop(), asyncio.Event()

        def log(line: str) -> None:
            lines.append(line)
            if line.endswith("under way"):
                loop.call_soon_threadsafe(under_way.set)

        def work(cancel: threading.Event) -> object:
            return ensure_desktop_image(settings.environment(None), settings, log=log, cancel=cancel)

        job = asyncio.create_task(page["in_thread"](work))
        await under_way.wait()
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job

    asyncio.run(asyncio.wait_for(main(), 120))
    assert "[desktop-cache] falling back to runtime install" not in lines


def test_an_error_of_the_work(page: dict[str, Any]) -> None:
    """The coroutine raises the work's error; a cancelled one raises the cancellation, whatever the work did."""

    def fails(_cancel: threading.Event) -> None:
        raise DesktopBakeError("no", "yes")

    def ends(cancel: threading.Event) -> None:
        begun.set()
        cancel.wait(60)
        raise CancelledError("given up", "start again")

    begun = threading.Event()

    async def main() -> None:
        with pytest.raises(DesktopBakeError, match=r"^no$"):
            await page["in_thread"](fails)
        job = asyncio.create_task(page["in_thread"](ends))
        await asyncio.to_thread(begun.wait, 60)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job

    asyncio.run(asyncio.wait_for(main(), 120))
