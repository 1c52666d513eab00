"""The pictures of docs/page.md, from a project that could be anybody's: `python -m benchmarks.page_pictures`.

The page runs as another user would, so that other tasks on the engine are not in the pictures.
"""

from __future__ import annotations

import argparse
import base64
import io
import os
import shlex
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from desktop_bake import Environment, ImageReference, Settings, ensure_desktop_image
from desktop_bake.bake.system.folders import cache_folder
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
packages = ["git", "make", "procps"]

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
REPORT = (  # in one line, as a field takes it
    r'printf "\n  \033[1mReports, November\033[0m\n\n"; '
    r'for page in Summary Regions Products Margins Stock Orders; do printf "  \033[32mdone\033[0m     $page\n"; '
    r'done; printf "  \033[33mrenders\033[0m  Returns\n"; '
    r'for page in Staff Budget Outlook; do printf "  waits    $page\n"; done; '
    r'printf "\n  6 of 10 pages "; exec sleep 900'
)
SCENES = (  # the environment of each
    ("default", "xterm -fs 16 -geometry 76x24+120+60 -T notes -e sh -c 'cat /etc/os-release; date; exec sleep 900'"),
    ("terminal", "xterm -fs 14 -geometry 92x28+60+40 -T top -e top -d 1"),
    ("default", f"xterm -fs 16 -geometry 76x21+70+50 -T reports -e sh -c {shlex.quote(REPORT)}"),
)


class Pictures:
    """The page in a browser, and pictures of it.

    Args:
        page: the page.
        base: the base's name, which the pictures replace by another.
        folder: the folder for the pictures.
    """

    def __init__(self, page: Page, base: str, folder: Path) -> None:
        self._page, self._base, self._folder = page, base, folder

    def take(self, name: str, width: int = 1280, height: int = 800, scheme: str = "light") -> None:
        """Take a picture of a screen of this size."""
        driver = self._page.driver
        shown_as(driver, width, height, scheme)
        words = [
            (self._base, "debian:bookworm"),
            (str(self._page.config.parent), "~/studio"),
            (str(cache_folder()), "~/.cache/desktop-bake"),
        ]
        for command, values in (
            ("Emulation.setScrollbarsHidden", {"hidden": True}),
            ("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": 3, "y": 300}),  # at nothing
        ):
            driver.execute("executeCdpCommand", {"cmd": command, "params": values})
        driver.execute_script(_RENAME, words)
        time.sleep(1)  # the next frames are drawn
        driver.execute_script(_RENAME, words)  # ignore what came meanwhile
        with Image.open(io.BytesIO(base64.b64decode(driver.get_screenshot_as_base64()))) as shown:
            few = _in_few_colours(shown.convert("RGB"))
        few.save(self._folder / f"{name}.png", optimize=True)
        shown_as(driver, 1280, 800)


def _in_few_colours(shown: Image.Image) -> Image.Image:
    """A picture in 256 colours, a third of its size: the most frequent stay, the rest become near ones."""
    most = sorted(shown.getcolors(1 << 24) or [], reverse=True)[:128]
    near = shown.quantize(128, Image.Quantize.MAXCOVERAGE).getpalette() or []
    palette = [colour for _, colour in most if isinstance(colour, tuple)]
    palette += zip(near[0::3], near[1::3], near[2::3], strict=True)
    at = {colour: number for number, colour in reversed(list(enumerate(palette)))}

    def nearest(colour: tuple[int, ...]) -> int:
        if colour not in at:
            far = [sum((a - b) ** 2 for a, b in zip(colour, other, strict=True)) for other in palette]
            at[colour] = far.index(min(far))
        return at[colour]

    parts = shown.tobytes()
    colours = zip(parts[0::3], parts[1::3], parts[2::3], strict=True)
    few = Image.frombytes("P", shown.size, bytes(map(nearest, colours)))
    few.putpalette([part for colour in palette for part in colour])
    return few


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
        packages=("chromium", "chromium-driver", "fonts-inter", "fonts-urw-base35"),
    )
    settings = Settings(repository=ImageReference.parse("desktop-bake"))
    image = ensure_desktop_image(browser, replace(settings, cache="none", fallback=False))
    with tempfile.TemporaryDirectory() as temporary, chromium(str(image.image_id)) as driver:
        project = Path(temporary) / "studio"
        project.mkdir()
        (project / "desktop-bake.toml").write_text(CONFIG.format(base=base))
        (project / "reports.sh").write_text("#!/bin/sh\nset -e\necho templates are in place\n")
        _forget()
        try:
            with _page(project, driver) as page:
                _all(page, Pictures(page, base, folder))
        finally:
            _forget()
    return 0


def _forget() -> None:
    """Remove all images of the project, before and after the pictures."""
    listed = ["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "studio"]
    names = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()
    if names:
        subprocess.run(["docker", "image", "rm", *names], capture_output=True, check=False)


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
    page.until("body:not(:has(.build))")  # rows keep their places from now on
    page.click("[data-env=terminal] [data-do=build]:not(:disabled)")
    for name in ("terminal", "reports"):
        page.until(f"[data-env={name}] .state", "Ready here")
    page.driver.execute_script("for (const b of document.querySelectorAll('[data-do=dismiss]')) b.click()")
    with _tasks(page):
        _screens(page, pictures)
    page.open("health")
    page.until("[data-do=examine]:not(:disabled)")
    pictures.take("page-health", height=1400)
    page.open("images")
    page.until("#images table")
    pictures.take("page-images")
    page.open()
    page.until("[data-env=default] .state", "Ready here")
    pictures.take("page-phone", 360, 740)
    pictures.take("page-wide", 3840, 2160)


def _builds(page: Page, pictures: Pictures) -> None:
    script = page.config.with_name("reports.sh")
    good = script.read_text()
    for name in ("default", "reports"):
        page.click(f"[data-env={name}] [data-do=build]:not(:disabled)")
        page.until(f"[data-env={name}] .state", "Ready here")
        page.click(".build [data-do=dismiss]")
    slow = "for n in 1 2 3 4 5 6 7 8; do echo rendering template $n of 40; done; sleep 40\n"
    bad = "for n in 1 2 3; do echo rendering template $n of 40; done\nsleep 1\nmake-report template-4\n"
    script.write_text(good + slow)
    page.until("[data-env=reports] .state", "Will be built")
    page.click("[data-env=terminal] .layers summary")
    page.click("[data-env=terminal] [data-switch='layer fonts']")
    page.until(".toast", "fonts")
    pictures.take("page-overview", height=960)
    page.driver.execute_script("document.querySelector('.toast')?.remove()")  # it may have disappeared by itself
    page.click("[data-env=reports] [data-do=build]")
    page.until(".step[data-state=running] .out", "template 8")
    pictures.take("page-build", height=860)
    page.click(".build [data-do=cancel]")
    page.until(".build[data-kind=off]")
    script.write_text(good + bad)
    page.click(".build [data-do=again]")
    page.until(".build[data-kind=failed] .fault")
    page.until("[data-env=reports] .state", "Build failed")
    pictures.take("page-failed", height=860)
    page.click(".build [data-do=dismiss]")
    script.write_text(good)


@contextmanager
def _tasks(page: Page) -> Iterator[None]:
    """One task of each scene, which end with this."""
    driver = page.driver
    page.open("tasks")
    try:
        for number, (name, command) in enumerate(SCENES, 1):
            page.click("[data-do=start-form]")
            page.until("dialog[open] #start-form")
            driver.execute_script(
                "const form = document.getElementById('start-form'); form.env.value = arguments[0]; "
                "form.command.value = arguments[1];",
                name,
                command,
            )
            page.click("[data-do=start-now]")
            page.until("#tasks .lead-text", f"{number} task")
            page.until("body:not(:has(dialog[open]))")
        yield
    finally:
        page.open("tasks")
        for task in driver.find_elements("css selector", "[data-task]"):
            words = ["docker", "rm", "-f", str(task.get_attribute("data-task"))]
            subprocess.run(words, capture_output=True, check=False)


def _screens(page: Page, pictures: Pictures) -> None:
    time.sleep(8)  # the screens show what runs on them, and have been captured
    pictures.take("page-tasks", height=640)
    pictures.take("page-dark", height=640, scheme="dark")
    page.click("[data-name=default] a.shot")
    page.click("#control")
    page.until("#desk-said", "Keyboard and mouse are yours")
    time.sleep(4)
    pictures.take("page-desktop")


if __name__ == "__main__":
    sys.exit(main())
