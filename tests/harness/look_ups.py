"""Requests to hostile registries, in a process with little memory: JSON in, JSON out.

Run by `tests/engine/test_hostile.py`.
"""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from desktop_bake import DesktopBakeError, ImageReference
from desktop_bake.bake.registry.access import Access
from desktop_bake.bake.registry.client import check_push, digest_of, look_up, tags_of


def ask(question: str, host: str, limit_s: float) -> tuple[float, str]:
    """The time in seconds, and our own error; an empty text if there was an answer."""
    reference = ImageReference.parse(f"{host}/a:t")
    access = Access(timeout_s=limit_s)
    asked: dict[str, Callable[[], object]] = {
        "image": lambda: look_up(reference, "linux/amd64", access),
        "digest": lambda: digest_of(reference, access),
        "tags": lambda: tags_of(reference, access),
        "push": lambda: check_push(reference, access),
    }
    began = time.monotonic()
    try:
        asked[question]()
        said = ""
    except DesktopBakeError as error:
        said = f"{type(error).__name__}: {error}"
    return time.monotonic() - began, said


def descriptors() -> int:
    """The number of this process's open files."""
    return len(list(Path("/proc/self/fd").iterdir()))


def peak_kb() -> int:
    """This program's peak memory; `getrusage` would include its parent's, up to the fork (getrusage(2))."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0])


def main() -> None:
    """Ask everything at once, then check that no thread, connection or memory is left behind."""
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    before = descriptors()
    request = json.load(sys.stdin)
    with ThreadPoolExecutor(4) as pool:
        asked = {name: pool.submit(ask, *words) for name, words in request.items()}
    answers = {name: found.result() for name, found in asked.items()}
    end = time.monotonic() + 5
    while (threading.active_count() > 1 or descriptors() > before) and time.monotonic() < end:
        time.sleep(0.01)
    json.dump(
        {
            "answers": answers,
            "threads": threading.active_count() - 1,
            "descriptors": descriptors() - before,
            "peak_mb": peak_kb() // 1024,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
