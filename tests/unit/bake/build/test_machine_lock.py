"""One build of a key at a time on one machine: which process builds, which wait, for whom, and how long."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import filelock
import pytest

from desktop_bake import Settings
from desktop_bake.bake.build.machine_lock import Turn
from desktop_bake.bake.system.folders import cache_folder
from desktop_bake.generator.errors import TimeLimitError
from desktop_bake.generator.key import CacheKey
from desktop_bake.generator.reference import Digest
from tests.harness.log_lines import WAITING
from tests.harness.work import work

if TYPE_CHECKING:
    from tests.harness.fake_engine import FakeEngine

NONE = Digest("sha256:" + "0" * 64)
KEY = CacheKey(variant="v", base=NONE, install=NONE, setup=NONE, dockerfile=NONE)

NOTES = (
    "",
    "{",
    "[]",
    "null",
    '{"pid": 4194305, "environment": "e", "since": 1}',
    '{"pid": "x", "environment": "e"}',
    '{"pid": 1, "environment": "e", "since": 1e400}',
    '{"pid": 1e400, "environment": "e", "since": 1}',
    "\ud800",
)


def test_notes_that_are_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: FakeEngine) -> None:
    """A note that cannot be read, or names a process that is gone, is none; the lock is held all the same, and a wait
    for it ends at its limit."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("desktop_bake.bake.build.machine_lock._POLL_S", 0.01)
    own = threading.local()  # to each who waits, 0.3 s go by from one look at the clock to the next

    def now() -> float:
        own.now = getattr(own, "now", 0.0) + 0.3
        return float(own.now)

    clock = SimpleNamespace(monotonic=now, time=time.time)
    monkeypatch.setattr("desktop_bake.bake.build.machine_lock.time", clock)
    monkeypatch.setattr("desktop_bake.bake.build.machine_lock._NAMELESS_S", 0.2)
    folder = cache_folder() / "locks"
    folder.mkdir(parents=True)

    def wait(number: int) -> tuple[list[str], float]:
        key, lines = replace(KEY, variant=f"v{number}"), list[str]()
        with filelock.FileLock(folder / f"{key}.lock"):
            (folder / f"{key}.owner").write_bytes(NOTES[number].encode(errors="surrogatepass"))
            began = now()
            with (
                pytest.raises(TimeLimitError, match=r"still building \S+ after 1 s$"),
                Turn(key, "e", work(engine, Settings(build_timeout_s=1), lines.append)),
            ):
                pass
            waited_s = now() - began
        with Turn(key, "e", work(engine, log=lines.append)):  # free, whatever the note says
            pass
        return lines, waited_s

    with ThreadPoolExecutor(len(NOTES)) as pool:
        for number, (lines, waited_s) in enumerate(pool.map(wait, range(len(NOTES)))):
            assert lines == [f"{WAITING}{replace(KEY, variant=f'v{number}')}"], NOTES[number]
            assert 1 <= waited_s < 4


def test_at_once(engine: FakeEngine) -> None:
    """A turn that is free is taken, one that is not is refused without waiting; another thread may give it back."""
    first, second = Turn(KEY, "a", work(engine)), Turn(KEY, "b", work(engine))
    assert first.at_once()
    assert not second.at_once()
    thread = threading.Thread(target=lambda: first.__exit__(None, None, None))
    thread.start()
    thread.join()
    assert second.at_once()
    second.__exit__(None, None, None)
