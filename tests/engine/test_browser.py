"""A real Chromium at the printed URL: it connects, types, and is refused when it must be."""

from __future__ import annotations

import functools
import http.server
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image as Picture
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.support.ui import WebDriverWait

from tests.harness.browser import LIMIT_S
from tests.harness.compose import SECRET, bake, composed, shipped_desktops
from tests.harness.machines import system

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium import webdriver

    from tests.harness.project import Run


CONNECTED = "return document.documentElement.classList.contains('noVNC_connected')"
STATUS = "return document.getElementById('noVNC_status').textContent"
STATE = """return {url: location.href, ready: document.readyState, page: document.documentElement.className,
    status: document.getElementById('noVNC_status')?.textContent,
    came: performance.getEntriesByType('resource').map(e => [e.name.split('/').pop(), e.responseStatus])}"""
THERE, BACK = "hin: äß 日本語 🎉😀", "her: öü 中文 한국어 🚀☕"
# a page of another origin that knows the port, and even the secret
EVIL = """<script>
window.said = 'waiting';
const socket = new WebSocket('ws://' + location.hash.slice(1), 'binary');
socket.onopen = () => { window.said = 'open'; };
socket.onmessage = () => { window.said = 'message'; };
socket.onclose = () => { if (window.said === 'waiting') window.said = 'refused'; };
</script>"""


@pytest.fixture
def printed(project: Path, base: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """`desktop-bake run` of an xterm that records what is typed into it, and the printed URL."""
    (project / "desktop-bake.toml").write_text(
        f'[environments.browser]\nbase_image = "{base}"\nheadless_desktop_enabled = true\ncache_desktop_build = true\n'
    )
    script = "read -r line; echo $line >/tmp/typed; echo; echo You wrote: $line; sleep 100"
    command = ["xterm", "-geometry", "60x12+200+200", "-fa", "DejaVuSansMono", "-fs", "14", "-e", "bash", "-c", script]
    process = subprocess.Popen(
        [sys.executable, "-m", "desktop_bake", "run", "--name", f"browser-{os.getpid()}", "--", *command],
        cwd=project,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    try:
        assert process.stderr
        # if this test comes first, a build's own lines contain URLs too
        said = (line.decode() for line in process.stderr)
        url = next(line.split()[1] for line in said if line.startswith("[desktop] http://127.0.0.1:"))
        yield url, process
    finally:
        process.terminate()
        process.communicate(timeout=60)


def in_task(*command: str) -> subprocess.CompletedProcess[bytes]:
    """Run something in the task."""
    return subprocess.run(["docker", "exec", f"browser-{os.getpid()}", *command], capture_output=True, check=False)


def connected(browser: webdriver.Remote) -> None:
    """Wait until noVNC's page shows the screen."""
    try:
        WebDriverWait(browser, LIMIT_S).until(lambda driver: driver.execute_script(CONNECTED))
    except TimeoutException:
        pytest.fail(f"not connected: {browser.execute_script(STATE)}")


def exchange_clipboards(browser: webdriver.Remote) -> None:
    """What noVNC's clipboard gets can be pasted in the task, and what the task copies appears in noVNC's."""
    browser.execute_script(
        "const t = document.getElementById('noVNC_clipboard_text'); t.value = arguments[0];"
        "t.dispatchEvent(new Event('change'))",
        THERE,
    )
    until = 'until [ "$(timeout 5 xclip -o -selection clipboard)" = "$1" ]; do sleep 0.1; done'
    assert in_task("timeout", "30", "sh", "-c", until, "sh", THERE).returncode == 0
    assert in_task("sh", "-c", f"printf '{BACK}' | xclip -selection clipboard").returncode == 0
    WebDriverWait(browser, LIMIT_S).until(
        lambda driver: driver.execute_script(
            "return document.getElementById('noVNC_clipboard_text').value === arguments[0]", BACK
        )
    )


def test_typing(browser: webdriver.Remote, printed: tuple[str, subprocess.Popen[bytes]], tmp_path: Path) -> None:
    """The printed URL is enough: the browser connects by itself, and what is typed arrives in the xterm."""
    browser.get(printed[0])
    connected(browser)
    assert in_task("sh", "-c", "xdotool search --sync --onlyvisible --class xterm").returncode == 0
    before = tmp_path / "before.png"
    browser.save_screenshot(str(before))
    canvas = browser.find_element("css selector", "canvas")
    ActionChains(browser).move_to_element(canvas).click().send_keys("hello from a browser\n").perform()
    end = time.monotonic() + LIMIT_S
    while in_task("cat", "/tmp/typed").stdout != b"hello from a browser\n":
        assert time.monotonic() < end, in_task("cat", "/tmp/typed")
        time.sleep(0.1)
    exchange_clipboards(browser)
    time.sleep(0.5)  # until the browser has drawn it
    after = tmp_path / "after.png"
    browser.save_screenshot(str(after))
    one, two = (Picture.open(file).convert("RGB") for file in (before, after))
    assert one.size == two.size
    assert one.tobytes() != two.tobytes()
    saved = os.environ.get("DESKTOP_BAKE_TEST_PICTURES")
    if saved:
        Path(saved, "browser.png").write_bytes(after.read_bytes())


def test_the_size(browser: webdriver.Remote, printed: tuple[str, subprocess.Popen[bytes]]) -> None:
    """The desktop takes the size of the browser's window, but not that of a browser that may only look."""

    def has(size: str) -> bool:
        return f"-geometry {size}+0+0" in in_task("xwininfo", "-root").stdout.decode()

    window = (
        "const r = document.getElementById('noVNC_container').getBoundingClientRect();"
        "return `${Math.floor(r.width)}x${Math.floor(r.height)}`"
    )
    before = browser.get_window_size()
    try:
        browser.set_window_size(900, 700)
        browser.get(printed[0])
        connected(browser)
        size = browser.execute_script(window)
        WebDriverWait(browser, LIMIT_S).until(lambda _: has(size))
        browser.get("about:blank")
        browser.set_window_size(1100, 800)
        browser.get(printed[0] + "&view_only=1")
        connected(browser)
        drawn = "return document.querySelector('canvas').width"
        WebDriverWait(browser, LIMIT_S).until(lambda driver: driver.execute_script(drawn) == int(size.split("x")[0]))
        assert has(size)
    finally:
        browser.set_window_size(before["width"], before["height"])


def test_networks_that_come_and_go(browser: webdriver.Remote, printed: tuple[str, subprocess.Popen[bytes]]) -> None:
    """Chromium drops requests whenever an address comes or goes, as when a container starts: the page recovers."""
    done = threading.Event()

    def change() -> None:
        system("ip", "link", "add", "changes0", "type", "veth", "peer", "name", "changes1")
        try:
            system("ip", "link", "set", "changes0", "up")
            while not done.wait(0.05):
                for verb in ("add", "delete"):
                    system("ip", "address", verb, "198.51.100.1/32", "dev", "changes0")
        finally:
            system("ip", "link", "delete", "changes0")

    changes = threading.Thread(target=change)
    changes.start()
    try:
        browser.get(printed[0])
        lost = "return performance.getEntriesByType('resource').some(e => e.responseStatus === 0)"
        WebDriverWait(browser, LIMIT_S).until(lambda driver: driver.execute_script(lost))
    finally:
        done.set()
        changes.join()
    connected(browser)


def test_without_the_secret(browser: webdriver.Remote, printed: tuple[str, subprocess.Popen[bytes]]) -> None:
    """The same page without the secret, or with a wrong one, does not connect."""
    page, fragment = printed[0].split("#")
    for tried in ("autoconnect=1", fragment[:-1], fragment + "x"):
        browser.get("about:blank")
        browser.get(f"{page}#{tried}")
        said = WebDriverWait(browser, LIMIT_S).until(lambda driver: driver.execute_script(STATUS))
        assert "Failed to connect" in said or "closed" in said or "wrong" in said, said
        assert not browser.execute_script(CONNECTED)


def test_another_origin(
    browser: webdriver.Remote, printed: tuple[str, subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    """A page of another origin gets nothing, not even with the secret; noVNC's own page does, in the same way."""
    (tmp_path / "evil.html").write_text(EVIL)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    page, fragment = printed[0].split("#")
    token = fragment.split("token%3D")[1]
    where = f"{page.split('/')[2]}/websockify?token={token}"
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name in ("127.0.0.1", "localhost"):
            browser.get("about:blank")
            browser.get(f"http://{name}:{server.server_port}/evil.html#{where}")
            said = WebDriverWait(browser, LIMIT_S).until(
                lambda driver: driver.execute_script("return window.said !== 'waiting' && window.said")
            )
            assert said == "refused"
        server.shutdown()
    browser.get(printed[0])
    connected(browser)


def test_started_by_compose(browser: webdriver.Remote, cli: Run, project: Path, tmp_path: Path) -> None:
    """The page of a desktop that plain Docker baked and Compose started connects with the secret, and shows what runs
    in it; with another secret it does not."""
    shipped_desktops(project, "office")
    assert cli("render", "-o", "ci").returncode == 0
    bake(project / "ci", "office")
    with composed(project / "ci", DESKTOP_BAKE_SECRET=SECRET) as compose:
        done = compose.up("office")
        assert done.returncode == 0, done.stderr
        xterm = [
            "xterm",
            "-geometry",
            "60x12+200+200",
            "-fa",
            "DejaVuSansMono",
            "-fs",
            "14",
            "-hold",
            "-e",
            "uname",
            "-a",
        ]
        assert compose.run("exec", "-d", "office", *xterm).returncode == 0
        shown = compose.run("exec", "-T", "office", "xdotool", "search", "--sync", "--onlyvisible", "--class", "xterm")
        assert shown.returncode == 0, shown.stderr
        browser.get("about:blank")
        browser.get(compose.url("office", SECRET[:-1]))
        said = WebDriverWait(browser, LIMIT_S).until(lambda driver: driver.execute_script(STATUS))
        assert not browser.execute_script(CONNECTED), said
        browser.get("about:blank")
        browser.get(compose.url("office"))
        connected(browser)
        time.sleep(0.5)  # until the browser has drawn it
        picture = tmp_path / "compose.png"
        browser.save_screenshot(str(picture))
    colours = Picture.open(picture).convert("RGB").getcolors(1 << 24)
    assert colours
    assert len(colours) > 10
    saved = os.environ.get("DESKTOP_BAKE_TEST_PICTURES")
    if saved:
        Path(saved, "compose.png").write_bytes(picture.read_bytes())
