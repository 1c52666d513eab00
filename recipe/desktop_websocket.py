"""A WebSocket on the server's side (RFC 6455) that carries another connection; part of desktop_gate.py's text."""

import _socket
import binascii
import select

from recipe.desktop_http import PIECE_BYTES, RefusedError, head_of

try:
    from _sha1 import sha1  # type: ignore[import-not-found,unused-ignore]  # hashlib loads all of OpenSSL
except ImportError:
    from hashlib import sha1

TYPE_CHECKING = False  # of typing, which takes a while to import
if TYPE_CHECKING:
    from typing import Callable, Iterator, Mapping, Tuple

FRAME_BYTES = 1 << 24
GOOD, WRONG, TOO_LONG = 1000, 1002, 1009  # how it ends (7.4.1)
BINARY, CLOSE, PING, PONG = 2, 8, 9, 10  # what a frame is (5.2); 0 goes on with the one before


def handshake_of(method: str, headers: "Mapping[str, str]") -> bytes:
    """The head of the answer that makes a connection a WebSocket (RFC 6455, 4.2).

    Raises:
        RefusedError: it does not ask for one that we know.
    """
    key = headers.get("sec-websocket-key")
    wanted = headers.get("upgrade", "").lower(), headers.get("sec-websocket-version")
    if method != "GET" or wanted != ("websocket", "13") or not key:
        raise RefusedError(400)
    proof = sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode("latin-1")).digest()
    said = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": binascii.b2a_base64(proof).decode().strip(),
    }
    if "binary" in headers.get("sec-websocket-protocol", "").replace(" ", "").split(","):  # of old clients
        said["Sec-WebSocket-Protocol"] = "binary"
    return head_of(101, said)


def frame(kind: int, content: bytes) -> bytes:
    """A frame of ours (RFC 6455, 5.2)."""
    size = len(content)
    if size < 126:
        return bytes((0x80 | kind, size)) + content
    if size < 1 << 16:
        return bytes((0x80 | kind, 126)) + size.to_bytes(2, "big") + content
    return bytes((0x80 | kind, 127)) + size.to_bytes(8, "big") + content


class Frames:
    """The frames that a client sends, out of pieces of any size."""

    def __init__(self) -> None:
        self._raw = bytearray()

    def of(self, piece: bytes) -> "Iterator[Tuple[int, bytes]]":
        """What each frame is that is whole with this piece, and its content.

        Raises:
            RefusedError: it is no frame of a client, or too long.
        """
        raw = self._raw
        raw += piece
        while len(raw) >= 2:
            kind, size, at = raw[0] & 15, raw[1] & 127, 2
            if size > 125:
                at = 4 if size == 126 else 10
                if len(raw) < at:
                    return
                size = int.from_bytes(raw[2:at], "big")
            control = kind >= CLOSE and (size > 125 or raw[0] < 0x80)
            if raw[0] & 0x70 or raw[1] < 0x80 or kind not in (0, BINARY, CLOSE, PING, PONG) or control:
                raise RefusedError(WRONG)
            if size > FRAME_BYTES:
                raise RefusedError(TOO_LONG)
            end = at + 4 + size
            if len(raw) < end:
                return
            mask = int.from_bytes((raw[at : at + 4] * (size // 4 + 1))[:size], "big")
            content = (int.from_bytes(raw[at + 4 : end], "big") ^ mask).to_bytes(size, "big")
            del raw[:end]
            yield kind, content


def relay(viewer: _socket.socket, screen: _socket.socket, early: bytes, passed: "Callable[[bytes], bytes]") -> None:
    """Carry what the viewer sends to the screen and back, until one of them ends.

    Whoever takes nothing is sent nothing more: its screen waits, and nothing is kept for it.

    Args:
        viewer: after the handshake.
        screen: Xvnc's connection.
        early: what the viewer has sent already.
        passed: what of the viewer's next bytes goes on to the screen; raises `RefusedError` to end it.

    Raises:
        OSError: one of them went away.
    """
    frames, poll = Frames(), select.poll()
    poll.register(viewer.fileno(), select.POLLIN)
    poll.register(screen.fileno(), select.POLLIN)
    status, piece = 0, early
    while not status:
        status = _taken(frames.of(piece), viewer, screen, passed)
        piece = b""
        for descriptor, _ in poll.poll() if not status else ():
            if descriptor == screen.fileno():
                drawn = screen.recv(PIECE_BYTES)
                if not drawn:
                    status = GOOD
                    break
                viewer.sendall(frame(BINARY, drawn))
            else:
                piece = viewer.recv(PIECE_BYTES)
                if not piece:
                    return
    viewer.sendall(frame(CLOSE, status.to_bytes(2, "big")))


def _taken(
    frames: "Iterator[Tuple[int, bytes]]",
    viewer: _socket.socket,
    screen: _socket.socket,
    passed: "Callable[[bytes], bytes]",
) -> int:
    """Hand on what a viewer sent; the status with which its WebSocket ends (RFC 6455, 7.4.1), or 0."""
    try:
        for kind, content in frames:
            if kind == PING:
                viewer.sendall(frame(PONG, content))
            elif kind == CLOSE:
                return GOOD
            elif kind != PONG:
                screen.sendall(passed(content))
    except RefusedError as error:
        return error.status
    return 0
