"""The pictures of docs/page.md, from a project that stands in for anybody's: `python -m benchmarks.page_pictures`.

The page runs as another user would, so that what else runs on the engine is not on them.
"""

from __future__ import annotations

import argparse
import base64
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_bake import Environment, ImageReference, Settings, ensure_desktop_image
from tests.harness.browser import chromium, shown_as
from tests.harness.page import Page, ended

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium import webdriver


DOCS = Path("docs")
AS_ANOTHER = """import sys
from desktop_bake.bake.system import whose
whose.this_user = lambda: "studio"  # before anybody imports it
from desktop_bake.bake.cli.main import main
sys.exit(main())"""
CONFIG = """\
repository = "studio"
cache = "none"

[layers.fonts]
packages = ["fonts-inter"]
[layers.tools]
packages = ["git", "make"]

[environments.default]  # for whoever writes
base_image = "{base}"
headless_desktop_enabled = true
cache_desktop_build = true

[environments.reports]
name = "Monthly reports"
base_image = "{base}"
headless_desktop_enabled = true
cache_desktop_build = true
setup_script = "reports.sh"

[environments.terminal]
base_image = "{base}"
headless_desktop_enabled = true
cache_desktop_build = true
layers = ["tools"]

[environments.preview]
base_image = "{base}"
headless_desktop_enabled = true

[environments.nightly]
base_image = "{base}"
"""
SCENES = {
    "default": "xterm -geometry 88x26+150+120 -fa DejaVuSansMono -fs 12 -T notes -e sh -c "
    "'cat /etc/os-release; echo; date; exec sleep 900'",
    "terminal": 'xterm -geometry 96x30+110+90 -fa DejaVuSansMono -fs 11 -bg "#1c2430" -fg "#d7e0ea" -T top -e top',
}


class Pictures:
    """The page in a browser, and pictures of it.

    Args:
        page: the page.
        base: the base's name, which people know by another.
        folder: where pictures go.
    """

    def __init__(self, page: Page, base: str, folder: Path) -> None:
        self._page, self._base, self._folder = page, base, folder

    def take(self, name: str, width: int = 1280, height: int = 800, scheme: str = "light") -> None:
        """Take one, of a screen of this size."""
        driver = self._page.driver
        shown_as(driver, width, height, scheme)
        words = [(self._base, "debian:bookworm"), (str(self._page.config.parent), "~/studio")]
        driver.execute_script(_RENAME, words)
        time.sleep(0.7)  # the next frames are drawn
        (self._folder / f"{name}.png").write_bytes(base64.b64decode(driver.get_screenshot_as_base64()))
        shown_as(driver, 1280, 800)


_RENAME = """for (const [from, to] of arguments[0]) {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replaceAll(from, to);
}
document.activeElement?.blur();
scrollTo(0, 0);"""


def main() -> int:
    """Take them all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page_pictures")
    parser.add_argument("folder", nargs="?", type=Path, default=DOCS)
    folder = parser.parse_args().folder
    base = os.environ["DESKTOP_BAKE_TEST_BASE"]
    browser = Environment(
        env_id="browser",
        base_image=ImageReference.parse(base),
        headless_desktop_enabled=True,
        cache_desktop_build=True,
        packages=("chromium", "chromium-driver"),
    )
    settings = Settings(repository=ImageReference.parse("desktop-bake"))
    image = ensure_desktop_image(browser, replace(settings, cache="none", fallback=False))
    with tempfile.TemporaryDirectory() as temporary, chromium(str(image.image_id)) as driver:
        project = Path(temporary) / "studio"
        project.mkdir()
        (project / "desktop-bake.toml").write_text(CONFIG.format(base=base))
        (project / "reports.sh").write_text("#!/bin/sh\nset -e\necho templates are in place\n")
        with _page(project, driver) as page:
            _all(page, Pictures(page, base, folder))
    return 0


@contextmanager
def _page(project: Path, driver: webdriver.Remote) -> Iterator[Page]:
    words = [sys.executable, "-c", AS_ANOTHER, "ui", "-q", "--metrics", "metrics.jsonl"]
    process = subprocess.Popen(words, cwd=project, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    assert process.stdout
    url = process.stdout.readline().strip()
    config = project / "desktop-bake.toml"
    page = Page(driver=driver, url=url, base=url.partition("?")[0], config=config, process=process)
    try:
        driver.get(url)
        yield page
    finally:
        driver.get("about:blank")
        ended(process)


def _all(page: Page, pictures: Pictures) -> None:
    _builds(page, pictures)
    _tasks(page, pictures)
    page.open("health")
    page.until("[data-do=examine]:not(:disabled)")
    pictures.take("page-health", height=1000)
    page.open("images")
    page.until("#images table")
    pictures.take("page-images")
    page.open()
    page.until("[data-env=default] .state", "Ready here")
    pictures.take("page-phone", 360, 740)


def _builds(page: Page, pictures: Pictures) -> None:
    script = page.config.with_name("reports.sh")
    good = script.read_text()
    for name in ("default", "reports"):
        page.click(f"[data-env={name}] [data-do=build]:not(:disabled)")
        page.until(f"[data-env={name}] .state", "Ready here")
        page.click(".build [data-do=dismiss]")
    slow = "for n in 1 2 3 4 5 6 7 8; do echo rendering template $n of 40; done; sleep 40\n"
    script.write_text(good + slow)
    page.until("[data-env=reports] .state", "Will be built")
    page.click("[data-env=terminal] .layers summary")
    page.click("[data-env=terminal] [data-switch='layer fonts']")
    page.until(".toast", "fonts")
    pictures.take("page-overview")
    page.click(".toast button:last-of-type")
    page.click("[data-env=reports] [data-do=build]")
    page.until(".step[data-state=running] .out", "template 8")
    pictures.take("page-build")
    page.click(".build [data-do=cancel]")
    page.until(".build[data-kind=off]")
    script.write_text(good + "for n in 1 2 3; do echo rendering template $n of 40; done\nmake-report template-4\n")
    page.click(".build [data-do=again]")
    page.until(".build[data-kind=failed] .fault")
    page.until("[data-env=reports] .state", "Build failed")
    pictures.take("page-failed")
    page.click(".build [data-do=dismiss]")
    script.write_text(good)


def _tasks(page: Page, pictures: Pictures) -> None:
    page.open()
    page.click("[data-env=terminal] [data-do=build]:not(:disabled)")
    page.until("[data-env=terminal] .state", "Ready here")
    page.open("tasks")
    driver = page.driver
    for name, command in SCENES.items():
        page.click("[data-do=start-form]")
        page.until("#start-form")
        driver.execute_script(
            "const form = document.getElementById('start-form'); form.env.value = arguments[0]; "
            "form.command.value = arguments[1];",
            name,
            command,
        )
        page.click("[data-do=start-now]")
        page.until(f"[data-task][data-name={name}]")
        page.until("body:not(:has(dialog[open]))")
    page.until("[data-task][data-name=terminal] .last", "-e top")
    time.sleep(8)  # the screens show what runs on them, and have been taken
    pictures.take("page-tasks")
    pictures.take("page-dark", scheme="dark")
    page.click("[data-name=default] a.shot")
    page.click("#control")
    page.until("#desk-said", "Keyboard and mouse are yours")
    time.sleep(4)
    pictures.take("page-desktop")
    page.open("tasks")
    for name in SCENES:
        page.click(f"[data-name={name}] [data-do=stop-task]")


if __name__ == "__main__":
    sys.exit(main())
