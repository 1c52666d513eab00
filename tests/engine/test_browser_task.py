"""A browser in a task, as docs/browser.md describes: Chromium as a user, in its sandbox, on a page as people use it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

from tests.harness.browser import LIMIT_S, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from desktop_bake import Environment


NAME = f"browser-task-{os.getpid()}"
# What Docker documents as blocked by its own profile, except what Chromium's sandbox makes its namespaces with.
BLOCKED = """acct add_key bpf clock_adjtime clock_settime delete_module finit_module init_module ioperm iopl kcmp
    kexec_file_load kexec_load keyctl mount move_pages open_by_handle_at perf_event_open pivot_root process_vm_readv
    process_vm_writev quotactl reboot request_key settimeofday swapoff swapon umount2 userfaultfd"""
PROFILE = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{"names": BLOCKED.split(), "action": "SCMP_ACT_ERRNO"}],
}
PAGE = """<!doctype html><meta charset="utf-8"><title>a page</title>
<a id="get" href="grüße.txt" download>download</a>
<button id="choose" onclick="this.blur(); file.click()">choose</button><input id="file" type="file" hidden>
<canvas id="canvas" width="60" height="60"></canvas>
<script>
file.onchange = async () => { document.title = await file.files[0].text(); };
function drawn(text) {
  const paper = canvas.getContext('2d');
  paper.clearRect(0, 0, 60, 60);
  paper.font = '40px sans-serif';
  paper.fillText(text, 5, 45);
  const pixels = paper.getImageData(0, 0, 60, 60).data;
  let ink = 0, colour = 0;
  for (let i = 0; i < pixels.length; i += 4) {
    ink += pixels[i + 3] > 99;
    colour += pixels[i + 3] > 99 && Math.max(...pixels.slice(i, i + 3)) - Math.min(...pixels.slice(i, i + 3)) > 50;
  }
  return {ink, colour, picture: canvas.toDataURL()};
}
</script>"""
# The browser's processes, as the engine's administrator sees them: command, user, user namespace, seccomp filters.
PROCESSES = r"""
import json, os
found = []
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        command = open(f"/proc/{pid}/cmdline").read().replace("\0", " ")
        status = dict(line.split(":", 1) for line in open(f"/proc/{pid}/status"))
        space = os.readlink(f"/proc/{pid}/ns/user")
    except OSError:
        continue
    if command.startswith("/usr/lib/chromium/chromium "):
        found.append([command, int(status["Uid"].split()[0]), space, int(status["Seccomp_filters"])])
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory, web: Environment, web_image: str) -> Iterator[webdriver.Remote]:
    """Chromium on the desktop of a task whose configuration alone sets user and profile, driven from here."""
    assert web_image
    folder, port = tmp_path_factory.mktemp("web"), free_port()
    (folder / "browser.json").write_text(json.dumps(PROFILE))
    (folder / "page").mkdir()
    for name, text in (("index.html", PAGE), ("grüße.txt", "Grüße"), ("wähl mich.txt", "gewählt: ä 日")):
        (folder / "page" / name).write_text(text)
    (folder / "desktop-bake.toml").write_text(
        f"""repository = "desktop-bake"
[environments.web]
base_image = "{web.base_image}"
headless_desktop_enabled = true
cache_desktop_build = true
packages = {json.dumps(web.packages)}
user = "1000"
security_opt = ["seccomp=browser.json"]
shm_size = "512m"
ports = ["127.0.0.1:{port}:9515"]
extra_mounts = ["{folder}/page:/page:ro"]
"""
    )
    serve = "python3 -m http.server -b 127.0.0.1 -d /page 8000 & exec chromedriver --port=9515 --allowed-ips="
    words = ["run", "--no-fallback", "--name", NAME, "--geometry", "1440x900", "web", "--", "sh", "-c", serve]
    process = subprocess.Popen(
        [sys.executable, "-m", "desktop_bake", *words], cwd=folder, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/status", process)
        remote = webdriver.Remote(f"http://127.0.0.1:{port}", options=webdriver.ChromeOptions())
        try:
            yield remote
        finally:
            remote.quit()
    finally:
        process.terminate()
        process.communicate(timeout=60)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until something answers; the engine's own proxy of a port accepts connections earlier."""
    end = time.monotonic() + LIMIT_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                answer.read()
            return
        except OSError:
            assert process.poll() is None, process.communicate()[1].decode()
            assert time.monotonic() < end
            time.sleep(0.05)


def in_task(*words: str) -> str:
    """The output of a program in the task."""
    done = subprocess.run(["docker", "exec", *words], capture_output=True, text=True, check=False, timeout=LIMIT_S)
    assert done.returncode == 0, done.stderr
    return done.stdout


def processes() -> list[list[Any]]:
    """The browser's processes."""
    found: list[list[Any]] = json.loads(in_task("--privileged", "-u", "0", NAME, "python3", "-c", PROCESSES))
    return found


def test_a_browser(driver: webdriver.Remote) -> None:
    """With `packages`, a user and a profile, a task has Chromium with its sandbox on: pages show text in every script,
    a download ends up in `~/Downloads`, and the dialog chooses a file."""
    driver.get("http://127.0.0.1:8000/")
    check_sandbox()
    check_fonts(driver)
    driver.find_element("id", "get").click()
    until = 'until [ "$(cat ~/Downloads/grüße.txt)" = Grüße ]; do sleep 0.1; done'
    in_task(NAME, "timeout", "30", "sh", "-c", f"{until} 2>/dev/null")
    assert in_task(NAME, "sh", "-c", "echo ~ $(df --output=size -BM /dev/shm | tail -1)") == "/home/desktop 512M\n"
    choose(driver)


def check_sandbox() -> None:
    """Every process of the browser is sandboxed; pages have their own user namespace and their own filter."""
    found = processes()
    assert {user for _, user, _, _ in found} == {1000}
    assert not [command for command, *_ in found if "--no-sandbox" in command]
    main = next(one for one in found if "--type=" not in one[0])
    pages = [one for one in found if "--type=renderer" in one[0]]
    assert pages
    for _, _, space, filters in pages:
        assert space != main[2]
        assert filters > main[3]


def check_fonts(driver: webdriver.Remote) -> None:
    """No text shows the box of a missing glyph, and emoji have colours."""
    texts = ("\U0010fffd", "\U0010fffc", *"äß日語か한🚀🦊😀☕")  # no font has the first two
    box, other_box, *glyphs = (driver.execute_script("return drawn(arguments[0])", text) for text in texts)
    assert box["ink"]
    assert box == other_box
    pictures = {box["picture"], *(glyph["picture"] for glyph in glyphs)}
    assert len(pictures) == 1 + len(glyphs)
    assert all(glyph["ink"] for glyph in glyphs)
    assert [glyph["colour"] > 50 for glyph in glyphs] == [False] * 6 + [True] * 4


def choose(driver: webdriver.Remote) -> None:
    """Choose a file in the dialog by the keyboard, and wait until the page has read it."""
    driver.find_element("id", "choose").click()
    dialog = "--onlyvisible --name '^Open File$'"
    # Return does nothing in Chromium's dialog
    close = f"while xdotool search {dialog} >/dev/null; do xdotool key alt+o; sleep 0.2; done"
    begin = f"xdotool search --sync {dialog} windowactivate --sync && xdotool type '/page/wähl mich.txt'"
    in_task(NAME, "timeout", "30", "sh", "-c", f"{begin} && {close}")
    WebDriverWait(driver, LIMIT_S).until(lambda one: one.title == "gewählt: ä 日")
