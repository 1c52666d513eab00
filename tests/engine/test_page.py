"""The page in a real Chromium: everything that a person does there, and who gets nothing."""

from __future__ import annotations

import functools
import http.server
import re
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.harness.browser import LIMIT_S, shown_as
from tests.harness.page import UI, Page, asked, assert_for_everybody, ended, eventually, forwarded, served, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from selenium import webdriver


MORE = '[environments.{name}]\nbase_image = "{base}"\nheadless_desktop_enabled = true\ncache_desktop_build = true\n'
CACHE = "[data-env=default] [data-switch=cache_desktop_build]"
SEEN = """Object.defineProperty(document, "hidden", {value: !arguments[0], configurable: true});
document.dispatchEvent(new Event("visibilitychange"));"""
# A page of another origin on this machine. It knows all but the cookie, and tries a read, a write and a form.
EVIL = """<script type="module">
const to = decodeURIComponent(location.hash.slice(1));
const body = JSON.stringify({env: 'default', switch: 'cache_desktop_build', on: false, seen: ''});
const tried = [];
const form = {method: 'POST', mode: 'no-cors', body}, write = {method: 'POST', headers: {'X-Desktop-Bake': '1'}, body};
for (const options of [{}, form, write]) {
  try { const said = await fetch(to + (options.method ? 'turn' : ''), {credentials: 'include', ...options});
    tried.push(said.type === 'opaque' ? 'opaque' : said.status); } catch { tried.push('refused'); }
}
const frame = document.createElement('iframe'); frame.src = to; document.body.append(frame);
frame.onload = () => {
  let inside = '';
  try { inside = frame.contentDocument?.body?.textContent ?? ''; } catch { /* it is another origin's */ }
  window.said = {tried, inside}; };
</script>"""


@pytest.fixture
def page(project: Path, browser: webdriver.Remote) -> Iterator[Page]:
    """A project's page, opened."""
    url, process = served(project)
    page = Page(
        driver=browser, url=url, base=url.partition("?")[0], config=project / "desktop-bake.toml", process=process
    )
    try:
        browser.get(url)
        page.until("#live[data-state=on]")
        yield page
    finally:
        browser.get("about:blank")
        if process.poll() is None:
            ended(process)


def is_on(page: Page) -> bool:
    """Whether the default's cache is on, as the page shows it."""
    return page.until(CACHE).get_attribute("aria-checked") == "true"


def is_running(words: str) -> bool:
    """Whether a process with these words runs on this machine, in a container or not."""
    listed = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True).stdout
    return words in listed.splitlines()


def test_switches(page: Page) -> None:
    """A switch is in the file at once, and can be undone; another tab follows; of two at once the first wins, and the
    other is told. A hidden tab uses none of a browser's six connections to a host, and catches up when shown."""
    before = page.config.read_text()
    off = before.replace("cache_desktop_build = true", "cache_desktop_build = false")
    assert page.driver.current_url == page.base  # without the token
    page.driver.switch_to.new_window("tab")
    page.open()
    page.click(CACHE)
    eventually(lambda: page.config.read_text() == off)
    page.driver.switch_to.window(page.driver.window_handles[0])
    eventually(lambda: not is_on(page))
    page.driver.switch_to.window(page.driver.window_handles[1])
    page.driver.find_element(By.XPATH, "//button[text()='Undo']").click()
    eventually(lambda: page.config.read_text() == before)
    page.until(".toast", "Undone")
    click_behind = (
        "document.getElementById('seen').dataset.seen = 'older'; document.querySelector(arguments[0]).click()"
    )
    page.driver.execute_script(click_behind, CACHE)
    page.until(".toast.bad", "was changed meanwhile")
    assert page.config.read_text() == before
    page.driver.execute_script(SEEN, False)
    page.until("#live[data-state=off]", "paused")
    page.config.write_text(off)  # another process
    page.driver.execute_script(SEEN, True)
    for handle in page.driver.window_handles:
        page.driver.switch_to.window(handle)
        eventually(lambda: not is_on(page))
    page.driver.close()
    page.driver.switch_to.window(page.driver.window_handles[0])


def test_builds(page: Page) -> None:
    """A build's steps appear live, and it can be cancelled; a failing script is shown with its message and what happens
    to tasks, and once it is fixed there is an image. No build outlives the page."""
    setup = page.config.with_name("setup.sh")
    good = setup.read_text()
    setup.write_text(good + "echo going on; sleep 60\n")
    page.until("[data-env=default] .detail", "setup script")
    page.click("[data-env=default] [data-do=build]")
    page.until(".step[data-state=running] .out", "going on")
    page.until("[data-env=default] .state", "Being built")
    page.click(".build [data-do=cancel]")
    page.until(".build[data-kind=off] h2", "Cancelled")
    setup.write_text(good + "echo no colour profile >&2; exit 3\n")
    page.click(".build [data-do=again]")
    page.until(".build[data-kind=failed] .fault", "the setup script ended with status 3")
    page.until(".step[data-state=failed] .out", "no colour profile")
    page.until(".meanwhile", "do not start: the same script would fail again")
    page.until("[data-env=default] .state", "Build failed")
    assert_for_everybody(page)
    setup.write_text(good)
    page.click("#summary [data-do=build-all]")
    page.until("[data-env=default] .state", "Ready here")
    page.until("[data-env=default] .facts", "MB")
    setup.write_text(good + "# another\n")
    page.until("[data-env=default] .state", "Will be built")
    page.click("[data-env=default] [data-do=why]")
    page.until("[data-env=default] .why h3", "setup script changed")
    page.until("[data-env=default] .diff .add", "+# another")
    page.open("images")
    page.until("#images .lead-text", "1 of them stale")
    page.click("[data-do=prune]")
    page.until("#sheet [data-do=prune-now]")
    assert_for_everybody(page)
    page.click("#sheet [data-do=prune-now]")
    page.until(".toast", "Removed")
    page.until("#images .empty", "No image is here yet")
    page.open()
    setup.write_text(good + "echo going on; sleep 6007\n")
    page.click("[data-env=default] [data-do=build]:not(:disabled)")
    page.until(".step[data-state=running] .out", "going on")
    assert is_running("sleep 6007")
    ended(page.process)
    eventually(lambda: not is_running("sleep 6007"))


def test_tasks(page: Page, base: str, cli: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    """A task is a tile with its screen; the desktop is view-only until control is taken; a task outlives the page, and
    a page that is started later finds it. The dialog reports what cannot start and keeps what was typed; a command
    that is missing is reported, too."""
    page.config.write_text('repository = "desktop-bake"\n' + MORE.format(base=base, name="page-task"))
    page.until("#environments [data-env=page-task]")
    page.open("tasks")
    page.click("[data-do=start-form]")
    geometry, field = (page.until(f"#start-form [name={name}]") for name in ("geometry", "command"))
    for typed_in, text in ((geometry, "wide"), (field, "no-such")):
        typed_in.clear()
        typed_in.send_keys(text)
    page.click("[data-do=start-now]")
    page.until("#sheet .fault", "bad geometry 'wide'")
    assert [typed_in.get_property("value") for typed_in in (geometry, field)] == ["wide", "no-such"]
    assert_for_everybody(page)
    geometry.clear()
    geometry.send_keys("1280x800")
    page.click("[data-do=start-now]")
    page.until(".tile .fault", "status 127: [desktop] command not found in the image: no-such")
    page.click("[data-do=dismiss-start]")
    page.click("[data-do=start-form]")
    field = page.until("#sheet[open] #start-form [name=command]")
    field.clear()
    typed = "/tmp/typed"
    field.send_keys(f"xterm -geometry 80x24+200+200 -e sh -c 'while read -r line; do echo $line >>{typed}; done'")
    page.click("[data-do=start-now]")
    task = str(page.until("[data-task][data-name=page-task]").get_attribute("data-task"))
    try:
        drawn = (
            "const i = document.querySelector('[data-name=page-task] [data-shot]'); return i.complete && i.naturalWidth"
        )
        eventually(lambda: page.driver.execute_script(drawn) == 1280)
        assert_for_everybody(page)
        assert ended(page.process) < 1.5  # a second, plus what a machine of two cores takes when others use it
        url, process = served(page.config.parent)
        again = Page(driver=page.driver, url=url, base=url.partition("?")[0], config=page.config, process=process)
        try:
            again.driver.get(url)
            again.open("tasks")
            assert "token" not in again.driver.page_source
            again.click(f"[data-task='{task}'] a.shot")
            write(again, "seen only\n")
            again.click("#control")
            again.until("#desk-said", "Keyboard and mouse are yours")
            assert_for_everybody(again)
            write(again, "typed in the page\n")
            read = ["docker", "exec", task, "cat", typed]
            eventually(lambda: subprocess.run(read, capture_output=True, check=False).stdout == b"typed in the page\n")
            again.open("tasks")
            again.click(f"[data-task='{task}'] [data-do=stop-form]")
            again.click("#sheet [data-do=stop-task]")
            again.until("#tasks .lead-text")
            gone = ["docker", "container", "inspect", task]
            eventually(lambda: subprocess.run(gone, capture_output=True, check=False).returncode)
        finally:
            again.driver.get("about:blank")
            ended(process)
    finally:
        subprocess.run(["docker", "rm", "-f", task], capture_output=True, check=False)


def test_strangers(page: Page, tmp_path: Path) -> None:
    """Another origin gets nothing, though it is on this machine, knows the path, and the browser has the cookie; its
    server does not get that cookie. Nothing works without the token."""
    (tmp_path / "evil.html").write_text(EVIL)
    cookies: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            cookies.append(str(self.headers.get("Cookie")))

    before = page.config.read_text()
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(tmp_path))
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page.driver.get(f"http://127.0.0.1:{server.server_port}/evil.html#{page.base}")
        said = WebDriverWait(page.driver, LIMIT_S).until(lambda driver: driver.execute_script("return window.said"))
        server.shutdown()
    assert said == {"tried": ["refused", "refused", "refused"], "inside": ""}
    assert page.config.read_text() == before
    assert cookies
    assert set(cookies) == {"None"}
    page.driver.get(page.base)
    page.until("#environments")
    page.driver.delete_all_cookies()
    for address in (page.base, page.url[:-1], page.base.replace("127.0.0.1", "localhost")):
        page.driver.get("about:blank")
        page.driver.get(address)
        assert "opens by the address" in page.driver.find_element(By.TAG_NAME, "body").text


def test_opened(project: Path, tmp_path: Path) -> None:
    """`--open` gives $BROWSER a file that leads to the page, once. The page works on any port, as behind `ssh -L`, but
    only under the loopback's names. A port in use is one line, with a remedy."""
    program, given = tmp_path / "browser", tmp_path / "given"
    script = f'cat "${{1#file://}}" >{given}.new; echo " $#" >>{given}.new; mv {given}.new {given}'
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    url, process = served(project, "--open", BROWSER=str(program))
    try:
        base, port = url.partition("?")[0], urlsplit(url).port
        assert port
        eventually(given.exists)
        found = re.fullmatch(r".* content=\"0;url=(\S+)\"> 1\n", given.read_text())
        assert found
        assert found[1].partition("?")[0] == base
        status, cookie = asked(found[1])
        assert (status, asked(found[1])[0]) == (303, 403)
        with forwarded(port) as other:
            there = base.replace(str(port), str(other))
            for host, wanted in (("", 200), (f"localhost:{other}", 200), (f"evil.example.com:{other}", 403)):
                assert asked(there, host, cookie)[0] == wanted
            assert asked(base, "192.0.2.1", cookie)[0] == 403
        words = [*UI, "--port", str(port)]
        taken = subprocess.run(words, cwd=project, capture_output=True, text=True, check=False)
        assert (taken.returncode, taken.stdout) == (2, "")
        assert taken.stderr == (
            f"error: port {port} of 127.0.0.1 cannot be had: Address already in use\n  name another: --port\n"
        )
    finally:
        ended(process)


def test_for_everybody(page: Page) -> None:
    """Everything is readable, light or dark, and fits on a phone; every control has a name and is reachable by
    keyboard."""
    try:
        for path in ("", "tasks", "images", "health"):
            page.open(path)
            for width, scheme in ((1300, "light"), (360, "dark")):
                shown_as(page.driver, width, 900, scheme)
                assert page.driver.execute_script("return document.documentElement.scrollWidth") <= width
                assert_for_everybody(page)
        page.open()
        shown_as(page.driver, 1300, 900)
        reached = set()
        for _ in range(14):
            ActionChains(page.driver).send_keys("\ue004").perform()  # Tab
            reached.add(page.driver.switch_to.active_element.accessible_name)
        assert {"Skip to content", "Tasks", "Cache desktop build of default", "Build default"} <= reached
    finally:
        shown_as(page.driver, 1300, 900)
