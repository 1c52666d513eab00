"""The page's server: only on the loopback, until Ctrl-C."""

from __future__ import annotations

import os
import secrets
import socket
import sys
import tempfile
import threading
import time
import webbrowser
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from ...generator.errors import ConfigurationError
from .app import App
from .keys import Keys
from .porch import Porch
from .site import Site

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from .source import Source


_ADDRESS = "127.0.0.1"
_CANCELLING_S = 0.7  # builds that are still being cancelled then end with the process
_SWITCH_S = 0.0005  # threads that compute keys make way for requests; Python's default is ten times as long


class _Server(uvicorn.Server):
    """Disconnects listening pages as soon as it must end, since they would keep it running."""

    def __init__(self, config: uvicorn.Config, ending: Callable[[], None]) -> None:
        super().__init__(config)
        self._ending = ending

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End."""
        self._ending()
        super().handle_exit(sig, frame)


def serve(source: Source, port: int, told: Callable[[str], None], *, opened: bool) -> None:
    """Serve the page until a signal ends it.

    Args:
        source: where answers come from.
        port: of the loopback; 0 for one that is free.
        told: gets the address once the page can be opened.
        opened: whether to open it in this user's browser.

    Raises:
        ConfigurationError: the port is taken.
    """
    sys.setswitchinterval(_SWITCH_S)
    keys = Keys()
    site = Site(source)
    with _bound(port) as listener, ExitStack() as left:
        site.world.start()
        base = f"http://{_ADDRESS}:{listener.getsockname()[1]}{keys.place}"
        config = uvicorn.Config(
            App(site).guarded(keys),
            access_log=False,
            log_config=None,
            log_level="critical",
            lifespan="off",
            http=Porch().protocol(),
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        server = _Server(config, site.hub.close)
        told(f"{base}?token={keys.token}")
        if opened:
            left.enter_context(_opening(f"{base}?token={keys.one_more()}"))
        try:
            server.run(sockets=[listener])
        finally:
            site.hub.close()
            site.builds.cancel_all()
            end = time.monotonic() + _CANCELLING_S
            while site.builds.any_runs and time.monotonic() < end:
                time.sleep(0.02)


def _bound(port: int) -> socket.socket:
    try:
        listener = socket.create_server((_ADDRESS, port), backlog=64)
        # Connections inherit it; asyncio sets it only on a socket whose protocol is named. Without it, the body of an
        # answer waits for the acknowledgement of its head, which the other side delays by 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except (OSError, OverflowError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else error
        raise ConfigurationError(f"port {port} of {_ADDRESS} cannot be had: {why}", "name another: --port") from error


class _opening:  # noqa: N801 (it is used as a function)
    """Open an address in this user's browser through a private file: other users can see a program's arguments."""

    def __init__(self, url: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="desktop-bake-", dir=os.environ.get("XDG_RUNTIME_DIR"))
        self._file = Path(self._folder.name) / f"open-{secrets.token_hex(4)}.html"
        self._url = url

    def __enter__(self) -> None:
        self._file.write_text(
            f'<!doctype html><meta http-equiv="refresh" content="0;url={self._url}">', encoding="utf-8"
        )
        threading.Thread(target=webbrowser.open, args=(self._file.as_uri(),), daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()
