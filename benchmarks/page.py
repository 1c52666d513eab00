"""The page: how soon a real Chromium paints it, what shifts afterwards, and its cost while nothing happens."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from benchmarks.clock import medians
from desktop_bake import ensure_desktop_image
from tests.harness.browser import chromium, shown_as

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium import webdriver

    from benchmarks.__main__ import Bench


COUNTS = (1, 50, 500)
IDLE_S = 20.0
_LIMIT_S = 180
_SETTLED = "return document.querySelector('#live[data-state=on]') && !document.querySelector('.env[data-kind=looking]')"
_PAINTED = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
# Layout Instability: every shift since the page was opened, except those after a person's input.
_MOVED = """const said = arguments[0];
new PerformanceObserver((list) => said(list.getEntries().reduce((sum, e) => sum + (e.hadRecentInput ? 0 : e.value), 0)))
  .observe({type: 'layout-shift', buffered: true});
setTimeout(() => said(0), 500);"""
_ENVIRONMENT = """[environments.env-{number:03}]
base_image = "{base}"
headless_desktop_enabled = true
cache_desktop_build = true
setup_script = "setup.sh"
build_args = {{ NUMBER = "{number}" }}
"""


def measure(bench: Bench) -> None:
    """Add the rows of the page."""
    environment = replace(bench.environment, env_id="browser", packages=("chromium", "chromium-driver"))
    image = ensure_desktop_image(environment, replace(bench.settings, cache="none", fallback=False))
    with chromium(str(image.image_id)) as driver:
        for count in COUNTS:
            _measure(bench, count, driver)


def _measure(bench: Bench, count: int, driver: webdriver.Remote) -> None:
    project = bench.folder / f"page-{count}"
    project.mkdir()
    (project / "setup.sh").write_text("#!/bin/sh\n")
    base = bench.environment.base_image
    text = "".join(_ENVIRONMENT.format(number=number, base=base) for number in range(count))
    (project / "desktop-bake.toml").write_text(f'repository = "desktop-bake-page"\n{text}')
    with _served(project) as (url, process):
        began = _cpu_s(process.pid)
        first, moved = _opened(driver, url)
        visit = _cpu_s(process.pid) - began
        paint, answer = medians(bench.repetitions, lambda: _opened(driver, url)[0], lambda: _first_byte_s(url))
        idle, tab = _idle(driver, process.pid)
    whose = f"the page with {count} environment{'s' * (count != 1)}"
    bench.add(f"{whose}: first contentful paint (the first visit)", f"{paint:.3f} s ({first:.3f} s)", "", "< 0.3 s")
    bench.add(f"{whose}: the server's time to first byte", f"{answer:.3f} s", "", "< 0.1 s")
    bench.add(f"{whose}: layout shift of the first visit", f"{moved:.4f}", "", "< 0.01")
    bench.add(f"{whose}: processor time of a first visit, until all states are told", f"{visit:.2f} s", "", "")
    bench.add(f"{whose}: a core's share while nothing happens (of the tab)", f"{idle:.2%} ({tab:.2%})", "", "< 1 %")


@contextmanager
def _served(project: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    words = [sys.executable, "-m", "desktop_bake", "ui", "-q"]
    with subprocess.Popen(words, cwd=project, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.send_signal(signal.SIGINT)


def _opened(driver: webdriver.Remote, url: str) -> tuple[float, float]:
    """Open the page by its printed address: seconds until it is painted, and the shifts until it is settled."""
    driver.get("about:blank")
    shown_as(driver, 1300, 900)
    driver.get(url)
    end = time.monotonic() + _LIMIT_S
    while not (driver.execute_script(_SETTLED) and driver.execute_script(_PAINTED)):
        assert time.monotonic() < end
        time.sleep(0.1)
    return driver.execute_script(_PAINTED) / 1000, float(driver.execute_async_script(_MOVED))


def _first_byte_s(url: str) -> float:
    """The server's time to begin the page for a browser with its cookie."""
    to = urlsplit(url)
    cookie = _got(to.netloc, f"{to.path}?{to.query}")[1].getheader("set-cookie") or ""
    return _got(to.netloc, to.path, Cookie=cookie.partition(";")[0])[0]


def _got(place: str, path: str, **headers: str) -> tuple[float, http.client.HTTPResponse]:
    connection = http.client.HTTPConnection(place)
    began = time.perf_counter()
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    took = time.perf_counter() - began
    answer.read()
    connection.close()
    return took, answer


def _idle(driver: webdriver.Remote, pid: int) -> tuple[float, float]:
    """The share of a core that the server uses while a tab is open, and that of the tab's own thread."""
    _cdp(driver, "Performance.enable")
    tab, own, began = _tab_s(driver), _cpu_s(pid), time.monotonic()
    time.sleep(IDLE_S)
    took = time.monotonic() - began
    return (_cpu_s(pid) - own) / took, (_tab_s(driver) - tab) / took


def _cpu_s(pid: int) -> float:
    """CPU time of a process so far, user and system (proc(5), /proc/PID/stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _tab_s(driver: webdriver.Remote) -> float:
    metrics = _cdp(driver, "Performance.getMetrics")["metrics"]
    return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))


def _cdp(driver: webdriver.Remote, command: str) -> Any:
    return driver.execute("executeCdpCommand", {"cmd": command, "params": {}})["value"]
