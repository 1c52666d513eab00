"""noVNC's address, and the banner as a browser would get it."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from desktop_bake import TaskError, TimeLimitError
from desktop_bake.bake.task import novnc
from desktop_bake.bake.task.novnc import NO_SECRET, banner, novnc_url, view_only_url, wait_for_banner
from recipe.desktop_gate import Gate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
BANNER = b"\x82\x0cRFB 003.008\n"
URL = novnc_url(6080, "s3cret")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[bytes]]]:
    """`server(*pieces)`: who is connected to says these and hangs up, or says nothing more for a None; the requests."""
    requests: list[bytes] = []
    pieces: list[bytes | None] = []
    servers: list[threading.Thread] = []

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        assert address == ("127.0.0.1", 6080)
        ours, theirs = socket.socketpair()
        ours.settimeout(timeout)
        servers.append(threading.Thread(target=serve, args=(theirs,), daemon=True))
        servers[-1].start()
        return ours

    def serve(theirs: socket.socket) -> None:
        with theirs:
            requests.append(theirs.recv(1 << 16))
            with suppress(ConnectionError):  # who has seen enough hangs up, be it amid a piece
                for piece in pieces:
                    if piece is None:
                        theirs.recv(1)
                        return
                    theirs.sendall(piece)

    def start(*said: bytes | None) -> list[bytes]:
        pieces.extend(said)
        return requests

    monkeypatch.setattr(novnc, "connected", connect)
    yield start
    for thread in servers:
        thread.join()


def test_url() -> None:
    """The secret stands in the fragment, quoted, and nowhere that a browser sends; without one there is none."""
    url = novnc_url(6080, "a&b=c/d")
    parts = urlsplit(url)
    assert (parts.netloc, parts.path, parts.query) == ("127.0.0.1:6080", "/vnc.html", "")
    assert parse_qs(parts.fragment)["path"] == ["websockify?token=a&b=c/d"]
    assert novnc_url(6080, NO_SECRET) == "http://127.0.0.1:6080/vnc.html#autoconnect=1&resize=remote"
    assert novnc_url(6080, NO_SECRET, follows=False).endswith("&resize=scale")


def test_url_to_look_on() -> None:
    """It has its own secret, the one that the gate makes of the task's, and cannot change the size."""
    parts = urlsplit(view_only_url(novnc_url(6081, "s3cret-secret")) or "")
    fragment = parse_qs(parts.fragment)
    (token,) = parse_qs(urlsplit(fragment["path"][0]).query)["token"]
    assert (parts.netloc, fragment["view_only"], fragment["resize"]) == ("127.0.0.1:6081", ["1"], ["scale"])
    assert "s3cret" not in parts.geturl()
    gate = Gate("s3cret-secret")
    assert (gate.looks_on(f"/?token={token}"), gate.looks_on("/?token=s3cret-secret")) == (True, False)
    assert view_only_url(novnc_url(6081, NO_SECRET)) is None


@pytest.mark.parametrize(
    ("pieces", "wanted"),
    [
        ([UPGRADED + BANNER], "RFB 003.008"),
        ([UPGRADED, BANNER], "RFB 003.008"),
        ([bytes([byte]) for byte in UPGRADED + BANNER], "RFB 003.008"),
        ([UPGRADED + b"\x82\x0cRFB 003.0"], None),
        ([UPGRADED], None),
        ([UPGRADED + b"\x88\x00"], None),
        ([b"HTTP/1.1 101 RFB 003.008\n"], None),
        ([b"HTTP/1.1 101 Switching Protocols\r\nServer: x\r\n", BANNER], None),
        ([b"HTTP/1.1 101 RFB 003.007\r\n", b"\r\n", BANNER], "RFB 003.008"),
        ([b"HTTP/1.1 403 Forbidden\r\n\r\nRFB 003.008\n"], None),
        ([b"RFB 003.008\n"], None),
        ([UPGRADED + b"x" * 5000], None),
        ([], None),
    ],
)
def test_banner(server: Callable[..., list[bytes]], pieces: list[bytes], wanted: str | None) -> None:
    """The banner counts within a WebSocket that was opened, in whatever pieces it comes, and nothing else does."""
    server(*pieces)
    assert banner(URL, 5) == wanted


def test_a_refusal_is_not_waited_for(server: Callable[..., list[bytes]]) -> None:
    """An answer that is no upgrade is one at its first bytes, be the rest never sent."""
    server(b"HTTP/1.1 4", None)
    assert banner(URL, 60) is None


def test_silence(server: Callable[..., list[bytes]]) -> None:
    """A server that says no more is one that is not ready."""
    server(UPGRADED, None)
    assert banner(URL, 0.02) is None


@pytest.mark.parametrize(
    ("url", "path"), [(URL, "websockify?token=s3cret"), (novnc_url(6080, NO_SECRET), "websockify")]
)
def test_the_request(server: Callable[..., list[bytes]], url: str, path: str) -> None:
    """It is a browser's, with the secret, from the desktop's own page."""
    requests = server(UPGRADED + BANNER)
    assert banner(url)
    lines = requests[0].decode().split("\r\n")
    assert lines[0] == f"GET /{path} HTTP/1.1"
    assert {"Host: 127.0.0.1:6080", "Origin: http://127.0.0.1:6080", "Upgrade: websocket"} <= set(lines)
    assert [line for line in lines if re.fullmatch(r"Sec-WebSocket-Key: [A-Za-z0-9+/]{22}==", line)]
    assert requests[0].endswith(b"\r\n\r\n")


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is refused is no banner, and no error."""

    def refuse(*_: Any, **__: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(novnc, "connected", refuse)
    assert banner(URL) is None


def test_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried until it comes; between two tries somebody looks whether that makes sense."""
    answers = iter([None, None, "RFB 003.008"])
    looked: list[int] = []
    monkeypatch.setattr(novnc, "banner", lambda _: next(answers))
    assert wait_for_banner(URL, 10, lambda: looked.append(1)) == "RFB 003.008"
    assert len(looked) == 2


def test_wait_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends at the limit, or with whatever has made it pointless."""
    monkeypatch.setattr(novnc, "banner", lambda _: None)
    with pytest.raises(TimeLimitError, match=r"^the desktop did not answer through noVNC within 0\.02 s$"):
        wait_for_banner(URL, 0.02, lambda: None)

    def gone() -> None:
        raise TaskError("the container ended")

    with pytest.raises(TaskError, match=r"^the container ended$"):
        wait_for_banner(URL, 60, gone)
