"""An engine's HTTP/1.1 answer, read from a stream (RFC 9112).

Loading `http.client`, with the mail parsers that it uses for headers, takes a tenth of the time of a hit.
"""

from __future__ import annotations

import re
from typing import IO, NamedTuple

_LONGEST_LINE, _MOST_HEADERS = 1 << 16, 100
_STATUS = re.compile(rb"HTTP/1\.[0-9] ([1-9][0-9]{2})(?: [^\r\n]*)?")
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")
_NO_BODY = (204, 304)


class NoAnswerError(ValueError):
    """What came is not an HTTP answer, or not a complete one."""


class Head(NamedTuple):
    """The head of an answer.

    Attributes:
        status: HTTP status.
        headers: by name in lower case.
    """

    status: int
    headers: dict[str, str]


def read_head(stream: IO[bytes]) -> Head:
    """Read up to the empty line, and not a byte more if the stream has no buffer; interim answers are skipped.

    Raises:
        NoAnswerError: what came is not an HTTP answer.
        OSError: from the stream.
    """
    while True:
        first = _line(stream)
        if not first:
            raise NoAnswerError("it hung up without an answer")
        status = _STATUS.fullmatch(first.rstrip(b"\r\n"))
        if not status:
            raise NoAnswerError(f"it speaks no HTTP: {first[:60].decode('ascii', 'replace').strip()!r}")
        head = Head(int(status[1]), _headers(stream))
        if head.status >= 200 or head.status == 101:
            return head


def read_body(stream: IO[bytes], head: Head, limit_bytes: int) -> bytes:
    """Read what follows the head; if a body does not state its length beforehand, read at most up to the limit.

    Raises:
        NoAnswerError: it breaks off, or its length exceeds the limit.
        OSError: from the stream.
    """
    if head.status in _NO_BODY:
        return b""
    if head.headers.get("transfer-encoding", "").lower().endswith("chunked"):
        return _chunked(stream, limit_bytes)
    length = head.headers.get("content-length")
    if length is None:
        return _read(stream, limit_bytes)
    if not (length.isascii() and length.isdigit()) or int(length) > limit_bytes:
        raise NoAnswerError(f"an answer of {length[:40]} bytes is too long")
    body = _read(stream, int(length))
    if len(body) < int(length):
        raise NoAnswerError("the answer broke off")
    return body


def _headers(stream: IO[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(_MOST_HEADERS + 1):
        line = _line(stream)
        if not line.endswith(b"\n"):
            raise NoAnswerError("the answer broke off")
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon and not name.strip():
            return headers
        headers.setdefault(name.strip().lower(), value.strip())
    raise NoAnswerError("the answer has too many headers")


def _line(stream: IO[bytes]) -> bytes:
    line = stream.readline(_LONGEST_LINE + 1)
    if len(line) > _LONGEST_LINE:
        raise NoAnswerError("the answer has a line without an end")
    return line


def _chunked(stream: IO[bytes], limit_bytes: int) -> bytes:
    """Read a chunked body (RFC 9112, 7.1); trailers are not read, since nothing follows on this connection."""
    body = bytearray()
    while len(body) < limit_bytes:
        size = _line(stream).partition(b";")[0].strip()
        if not _SIZE.fullmatch(size):
            raise NoAnswerError("the answer broke off")
        wanted = int(size, 16)
        if not wanted:
            break
        piece = _read(stream, min(wanted, limit_bytes - len(body)))
        body += piece
        if len(body) < limit_bytes and (len(piece) < wanted or _line(stream).strip()):
            raise NoAnswerError("the answer broke off")
    return bytes(body)


def _read(stream: IO[bytes], count: int) -> bytes:
    """Read this many bytes, or what there is; a stream without a buffer returns them in pieces."""
    pieces = []
    while count > 0 and (piece := stream.read(min(count, 1 << 20))):
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)
