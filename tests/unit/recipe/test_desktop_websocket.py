"""The gate's WebSocket: its handshake, its frames, and what it carries."""

from __future__ import annotations

import socket
import threading
from contextlib import closing, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipe.desktop_http import RefusedError
from recipe.desktop_websocket import BINARY, CLOSE, FRAME_BYTES, PING, PONG, Frames, frame, handshake_of, relay

ASKED = {"upgrade": "websocket", "sec-websocket-version": "13", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="}
GOODBYE = b"\x88\x02\x03\xe8"


def masked(kind: int, content: bytes, mask: bytes = b"\x01\x02\x03\x04", first: int = 0x80) -> bytes:
    """A frame as clients send it (RFC 6455, 5.3)."""
    size = len(content)
    if size < 126:
        head = bytes((first | kind, 0x80 | size))
    elif size < 1 << 16:
        head = bytes((first | kind, 0x80 | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first | kind, 0x80 | 127)) + size.to_bytes(8, "big")
    return head + mask + bytes(byte ^ mask[number % 4] for number, byte in enumerate(content))


# --- the handshake ---------------------------------------------------------------------------------------------


def test_a_handshake() -> None:
    """The proof is the one of the RFC's own example (1.3); a client that offers a protocol called binary gets it."""
    said = handshake_of("GET", ASKED).split(b"\r\n")
    assert said[0] == b"HTTP/1.1 101 Switching Protocols"
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in said
    assert not any(line.startswith(b"Sec-WebSocket-Protocol") for line in said)
    offered = {**ASKED, "upgrade": "WebSocket", "sec-websocket-protocol": "base64, binary"}
    assert b"\r\nSec-WebSocket-Protocol: binary\r\n" in handshake_of("GET", offered)


@pytest.mark.parametrize(
    ("method", "changed"),
    [
        ("POST", {}),
        ("GET", {"upgrade": "h2c"}),
        ("GET", {"sec-websocket-version": "8"}),
        ("GET", {"sec-websocket-version": ""}),
        ("GET", {"sec-websocket-key": ""}),
    ],
)
def test_what_is_no_handshake(method: str, changed: dict[str, str]) -> None:
    """Another upgrade, version or method is refused."""
    with pytest.raises(RefusedError) as refused:
        handshake_of(method, {**ASKED, **changed})
    assert refused.value.status == 400


# --- frames ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
def test_our_frames(size: int) -> None:
    """The length stands in one, three or nine bytes, and nothing of ours is masked (5.2)."""
    made = frame(BINARY, bytes(size))
    head = len(made) - size
    assert head == (2 if size < 126 else 4 if size < 65536 else 10)
    assert made[1] < 0x80
    assert int.from_bytes(made[1:2] if head == 2 else made[2:head], "big") == size


@given(st.lists(st.tuples(st.sampled_from([BINARY, 0]), st.binary(max_size=300)), max_size=5), st.integers(1, 50))
def test_frames_in_pieces(sent: list[tuple[int, bytes]], size: int) -> None:
    """Frames are the same however the network cuts them."""
    raw, frames = b"".join(masked(*one) for one in sent), Frames()
    found = [one for at in range(0, len(raw), size) for one in frames.of(raw[at : at + size])]
    assert found == sent


def test_a_long_frame() -> None:
    """One of 200,000 bytes is one."""
    content = bytes(range(250)) * 800
    assert list(Frames().of(masked(BINARY, content))) == [(BINARY, content)]


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"\x82\x01x", 1002),  # not masked
        (masked(1, b"text"), 1002),
        (masked(3, b""), 1002),
        (masked(BINARY, b"", first=0xC0), 1002),  # an extension's bit
        (masked(PING, b"", first=0), 1002),  # in parts
        (masked(CLOSE, bytes(126)), 1002),
        (b"\x82\xff" + (FRAME_BYTES + 1).to_bytes(8, "big"), 1009),
    ],
)
def test_what_is_no_frame(raw: bytes, status: int) -> None:
    """What no client may send is refused before it is read to its end."""
    with pytest.raises(RefusedError) as refused:
        list(Frames().of(raw))
    assert refused.value.status == status


# --- what is carried -------------------------------------------------------------------------------------------


class Carried:
    """A relay in a thread: the viewer's end and the screen's."""

    def __init__(self, early: bytes = b"") -> None:
        viewer, self.viewer = socket.socketpair()
        screen, self.screen = socket.socketpair()

        def carry() -> None:
            with closing(viewer), closing(screen):
                relay(viewer, screen, early, bytes)

        for end in (self.viewer, self.screen):
            end.settimeout(10)
        threading.Thread(target=carry, daemon=True).start()


def received(connection: socket.socket, size: int) -> bytes:
    """So many bytes."""
    content = b""
    while len(content) < size:
        piece = connection.recv(size - len(content))
        assert piece
        content += piece
    return content


def test_both_ways() -> None:
    """What either sends gets to the other, and a ping is answered with what it brought."""
    both = Carried(masked(BINARY, b"ear") + masked(0, b"ly"))
    assert received(both.screen, 5) == b"early"
    both.viewer.sendall(masked(PING, b"?") + masked(PONG, b"") + masked(BINARY, b"!"))
    assert received(both.screen, 1) == b"!"
    assert received(both.viewer, 3) == b"\x8a\x01?"
    both.screen.sendall(b"drawn")
    assert received(both.viewer, 7) == b"\x82\x05drawn"


@pytest.mark.parametrize(
    ("said", "answer"), [(masked(CLOSE, b"\x03\xe9"), GOODBYE), (b"\x82\x01x", b"\x88\x02\x03\xea"), (b"", b"")]
)
def test_a_viewer_that_goes(said: bytes, answer: bytes) -> None:
    """A viewer that says goodbye is answered, and one that says what it may not is told so; the screen is left."""
    both = Carried()
    if said:
        both.viewer.sendall(said)
    else:
        both.viewer.shutdown(socket.SHUT_WR)
    assert both.screen.recv(1) == b""
    assert b"".join(iter(lambda: both.viewer.recv(10), b"")) == answer


def test_a_screen_that_goes() -> None:
    """If the screen ends, its viewer's WebSocket does."""
    both = Carried()
    both.screen.close()
    assert b"".join(iter(lambda: both.viewer.recv(10), b"")) == GOODBYE


def test_a_viewer_that_takes_nothing() -> None:
    """The screen waits for a viewer that does not read, and nothing is kept for it; once it reads it gets all."""
    both = Carried()
    both.screen.settimeout(0.2)
    sent = 0
    with suppress(TimeoutError):
        while sent < 1 << 24:
            sent += both.screen.send(bytes(1 << 16))
    assert sent < 1 << 22
    both.screen.shutdown(socket.SHUT_WR)
    got = b"".join(iter(lambda: both.viewer.recv(1 << 16), b""))
    assert got.endswith(GOODBYE)
    assert len(got) > sent
