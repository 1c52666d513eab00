"""A served page, used as a person does: opened, clicked, waited for."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import axe_core_python
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.harness.browser import LIMIT_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from selenium import webdriver
    from selenium.webdriver.remote.webelement import WebElement


AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
UI = (sys.executable, "-m", "desktop_bake", "ui", "-q")
RUN_AXE = "axe.run({exclude: ['iframe']}).then(arguments[0])"  # noVNC's own page is not ours


@dataclass(frozen=True, kw_only=True)
class Page:
    """A served page.

    Attributes:
        driver: the browser, already let in.
        url: the printed address.
        base: the address without the token.
        config: the configuration that it shows.
        process: the server.
    """

    driver: webdriver.Remote
    url: str
    base: str
    config: Path
    process: subprocess.Popen[str]

    def open(self, path: str = "") -> None:
        """Go to one of its pages, and wait until it is live."""
        self.driver.get(self.base + path)
        self.until("#live[data-state=on]")

    def until(self, css: str, text: str = "") -> WebElement:
        """Wait for an element with a text in it."""

        def found(driver: webdriver.Remote) -> WebElement | None:
            elements = driver.find_elements(By.CSS_SELECTOR, css)
            return next((e for e in elements if text in str(e.get_property("textContent"))), None)

        try:
            element = WebDriverWait(self.driver, LIMIT_S, 0.1, [Exception]).until(found)
        except Exception as error:  # noqa: BLE001 (what is there tells more than how long nothing came)
            pytest.fail(f"no {text!r} in {css}: {error}\n{self.driver.find_element(By.TAG_NAME, 'body').text}")
        assert element
        return element

    def click(self, css: str) -> None:
        """Click an element, wherever it is, as a person who scrolls to it."""
        self.until(css)
        self.driver.execute_script(f"document.querySelector({json.dumps(css)}).scrollIntoView({{block: 'center'}})")

        def clicked(driver: webdriver.Remote) -> bool:
            driver.find_element(By.CSS_SELECTOR, css).click()
            return True

        WebDriverWait(self.driver, LIMIT_S, 0.1, [Exception]).until(clicked)


def assert_for_everybody(page: Page) -> None:
    """Check that axe-core finds nothing serious in the page as it is now."""
    page.driver.execute_script(AXE)
    found = page.driver.execute_async_script(RUN_AXE)
    assert len(found["passes"]) > 10
    serious = [v for v in found["violations"] if v["impact"] in ("serious", "critical")]
    assert [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in serious] == []


def eventually(what: Callable[[], Any]) -> None:
    """Wait until something is true."""
    end = time.monotonic() + LIMIT_S
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


def served(project: Path, *words: str, **variables: str) -> tuple[str, subprocess.Popen[str]]:
    """`desktop-bake ui` in a project, and the address that it prints."""
    process = subprocess.Popen(
        [*UI, *words],
        cwd=project,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout
    return process.stdout.readline().strip(), process


def ended(process: subprocess.Popen[str]) -> float:
    """End it by Ctrl-C, which is a good end; return how long that took."""
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    return time.monotonic() - began


def asked(url: str, host: str = "", cookie: str = "") -> tuple[int, str]:
    """The answer to a client that is not a browser: the status, and the cookie that it gets or the text.

    Args:
        url: what it asks for.
        host: the host's name in the request; by default that of the URL.
        cookie: the cookie in the request.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    with contextlib.closing(connection):
        headers = {"Host": host or parts.netloc, "Cookie": cookie}
        connection.request("GET", parts._replace(scheme="", netloc="").geturl(), headers=headers)
        answer = connection.getresponse()
        given = answer.getheader("Set-Cookie", "").partition(";")[0]
        return answer.status, given or answer.read().decode()


@contextlib.contextmanager
def forwarded(port: int) -> Iterator[int]:
    """Another loopback port that forwards to this one byte by byte, like the port of `ssh -L`."""

    def carry(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(1 << 16):
                target.sendall(piece)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client = listener.accept()[0]
                server = socket.create_connection(("127.0.0.1", port))
                for way in ((client, server), (server, client)):
                    threading.Thread(target=carry, args=way, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)


def write(page: Page, text: str) -> None:
    """Type into the desktop that a page shows, once it is connected."""
    driver = page.driver
    page.until("#desk-screen iframe")
    driver.switch_to.frame(driver.find_element(By.CSS_SELECTOR, "#desk-screen iframe"))
    connected = "return document.documentElement.classList.contains('noVNC_connected')"
    WebDriverWait(driver, LIMIT_S).until(lambda driver: driver.execute_script(connected))
    canvas = driver.find_element(By.CSS_SELECTOR, "canvas")
    ActionChains(driver).move_to_element(canvas).click().send_keys(text).perform()
    driver.switch_to.default_content()
