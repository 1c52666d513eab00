"""A film of a task's screen for `run --record`: `python3 -I -c LOADER screen_film KIND RATE …`, beside the task.

It runs in a container of an image that has ffmpeg, in the task's network, and reads the task's secret from its standard
input; the film goes to its standard output, whole after each second. It ends with the task, or with that input.
"""

import os
import select
import socket
import struct
import subprocess
import sys
import time

from recipe.screen_rfb import BYTES_A_PIXEL, Screen

TYPE_CHECKING = False  # of typing, which takes a while to import
if TYPE_CHECKING:
    from typing import List

PORT = 6080
_EVEN = "pad=ceil(iw/2)*2:ceil(ih/2)*2"  # both codecs have a colour for each four pixels
# A key frame begins a piece that can be shown although what should follow it never comes.
_KINDS = {
    "mp4": "-c:v libx264 -preset ultrafast -tune zerolatency -crf 24 "
    "-movflags frag_keyframe+empty_moov+default_base_moof",
    "webm": "-c:v libvpx -deadline realtime -cpu-used 16 -threads 2 -crf 12 -b:v 4M -cluster_time_limit 1000",
}


class WebSocketStream:
    """The screen behind the task's gate (RFC 6455).

    Args:
        connection: to the gate.
        path: with the secret.
    """

    def __init__(self, connection: socket.socket, path: str) -> None:
        self._connection = connection
        self._rest = b""
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{PORT}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: binary\r\n\r\n".encode()
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._read(1)
        if b" 101 " not in head.partition(b"\r\n")[0]:
            raise EOFError

    @property
    def is_waiting(self) -> bool:
        """Whether bytes are here that were not taken."""
        return bool(self._rest)

    def take(self, count: int) -> bytes:
        """So many bytes."""
        pieces: List[bytes] = []
        while count:
            if not self._rest:
                self._rest = self._frame()
            pieces.append(self._rest[:count])
            self._rest = self._rest[count:]
            count -= len(pieces[-1])
        return b"".join(pieces)

    def give(self, data: bytes) -> None:
        """Send these, in a frame whose mask changes nothing."""
        length = bytes([128 | len(data)]) if len(data) < 126 else b"\xfe" + struct.pack(">H", len(data))
        self._connection.sendall(b"\x82" + length + bytes(4) + data)

    def _frame(self) -> bytes:
        first, length = self._read(2)
        if length == 126:
            length = struct.unpack(">H", self._read(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", self._read(8))[0]
        data = self._read(length)
        if first & 15 == 8:  # it closes
            raise EOFError
        return data if first & 15 < 3 else b""

    def _read(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            piece = self._connection.recv(min(count - len(data), 1 << 20))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)


def fitted(screen: Screen, width: int, height: int) -> bytes:
    """The screen in the film's size: what is larger is cut off, what is smaller has black beside it.

    Args:
        screen: as it is now.
        width, height: of the film.
    """
    if (screen.width, screen.height) == (width, height):
        return bytes(screen.pixels)
    length, line = width * BYTES_A_PIXEL, screen.width * BYTES_A_PIXEL
    rows = (bytes(screen.pixels[at * line : at * line + min(length, line)]) for at in range(min(height, screen.height)))
    return b"".join(row + bytes(length - len(row)) for row in rows).ljust(height * length, b"\0")


def encoder(kind: str, rate: int, width: int, height: int) -> "List[str]":
    """The program that reads frames and writes the film.

    Args:
        kind: `mp4` or `webm`.
        rate: frames a second.
        width, height: of the film.
    """
    read = f"-f rawvideo -pix_fmt rgb0 -video_size {width}x{height} -framerate {rate} -i pipe:0 -an -vf {_EVEN}"
    write = f"{_KINDS[kind]} -pix_fmt yuv420p -g {rate} -flush_packets 1 -f {kind} pipe:1"
    return ["ffmpeg", "-hide_banner", "-loglevel", "error", *read.split(), *write.split()]


class Reel:
    """Frames at a fixed rate, whenever they come.

    Args:
        rate: frames a second.
        begun_s: when the film begins.
    """

    def __init__(self, rate: int, begun_s: float) -> None:
        self._rate = rate
        self._begun_s = begun_s
        self._written = 0

    def due(self, now_s: float) -> int:
        """How many frames the film lacks by now; they count as written."""
        lacks = int((now_s - self._begun_s) * self._rate) + 1 - self._written
        self._written += max(0, lacks)
        return max(0, lacks)

    def wait_s(self, now_s: float) -> float:
        """How long until the next one is due."""
        return max(0.0, self._begun_s + self._written / self._rate - now_s)


def main(kind: str, rate_text: str) -> None:
    """Film until the task or the input ends."""
    rate = int(rate_text)
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 1)  # not more: what follows is the end, for which it waits
        if not piece:
            return
        line += piece
    path = line.decode().rstrip("\n")
    connection = socket.create_connection(("127.0.0.1", PORT))
    stream = WebSocketStream(connection, "/" + path)
    screen = Screen(stream)
    while screen.read() < 0:
        pass
    screen.ask()
    width, height = screen.width, screen.height
    with subprocess.Popen(encoder(kind, rate, width, height), stdin=subprocess.PIPE) as child:
        assert child.stdin
        print("begun", file=sys.stderr, flush=True)
        reel, ended, asked = Reel(rate, time.monotonic()), False, True
        while not ended:
            wait_s = 0 if stream.is_waiting else reel.wait_s(time.monotonic())
            ready = select.select([0, connection.fileno()], [], [], wait_s)[0]
            ended = 0 in ready and not os.read(0, 64)
            lacks = reel.due(time.monotonic())
            try:  # what comes first is the newest, also if the encoder is behind
                if (connection.fileno() in ready or stream.is_waiting) and screen.read() >= 0:
                    asked = False
                if lacks and not asked:
                    screen.ask()
                    asked = True
            except (EOFError, OSError):  # the task is gone
                ended = True
            frame = fitted(screen, width, height) if lacks else b""
            for _ in range(lacks):
                child.stdin.write(frame)
