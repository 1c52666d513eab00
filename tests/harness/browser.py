"""A real Chromium, from the image with a browser that tasks use, in a container on this machine's loopback."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from typing import TYPE_CHECKING

from selenium import webdriver

if TYPE_CHECKING:
    from collections.abc import Iterator

FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --user-data-dir=/tmp/profile --window-size=1300,900"""
LIMIT_S = 90  # several workers share the machine
_CDP = ("POST", "/session/$sessionId/goog/cdp/execute")


@contextlib.contextmanager
def chromium(image: str) -> Iterator[webdriver.Remote]:
    """Start Chromium, and end it afterwards.

    Args:
        image: an image with Chromium, made for tasks.
    """
    port = free_port()
    run = ["docker", "run", "-d", "--rm", "--init", "--network", "host", "--shm-size", "512m"]
    words = [*run, "--entrypoint", "chromedriver", image, f"--port={port}"]
    name = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
    try:
        options = webdriver.ChromeOptions()
        for flag in FLAGS.split():
            options.add_argument(flag)
        end = time.monotonic() + LIMIT_S
        while not _listens(port):
            assert time.monotonic() < end
            time.sleep(0.05)
        driver = webdriver.Remote(f"http://127.0.0.1:{port}", options=options)
        try:
            yield driver
        finally:
            driver.quit()
    finally:
        subprocess.run(["docker", "rm", "-f", name], capture_output=True, check=False)


def shown_as(driver: webdriver.Remote, width: int, height: int, scheme: str = "light") -> None:
    """Give the browser a screen of this size, and a preference for light or dark."""
    assert not isinstance(driver.command_executor, str)
    driver.command_executor.add_command("executeCdpCommand", *_CDP)  # type: ignore[no-untyped-call]
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    preferences = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
    features = [{"name": name, "value": value} for name, value in preferences.items()]
    for command, values in (
        ("Emulation.setDeviceMetricsOverride", metrics),
        ("Emulation.setEmulatedMedia", {"features": features}),
    ):
        driver.execute("executeCdpCommand", {"cmd": command, "params": values})


def free_port() -> int:
    """An unused port of this machine's loopback."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
