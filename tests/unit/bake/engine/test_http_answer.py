"""HTTP answers as an engine, a proxy before it, or something else gives them."""

from __future__ import annotations

import io

import pytest

from desktop_bake.bake.engine.http_answer import NoAnswerError, read_body, read_head
from tests.harness.every import every

LIMIT = 20


def read(said: bytes) -> tuple[int, bytes]:
    """Status and body of what was said."""
    stream = io.BytesIO(said)
    head = read_head(stream)
    return head.status, read_body(stream, head, LIMIT)


@every(
    ("said", "wanted"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabcd", (200, b"ab")),
        (b"HTTP/1.0 200\r\n\r\nto the end", (200, b"to the end")),
        (b"HTTP/1.1 200 OK\ncontent-length:2\n\nab", (200, b"ab")),
        (b"HTTP/1.1 204 No Content\r\n\r\nnext", (204, b"")),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", (304, b"")),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\na", (201, b"a")),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", (200, b"abcde")),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (200, b"")),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nContent-Length: 1\r\n\r\n2\r\nab\r\n0\r\n\r\n",
            (200, b"ab"),
        ),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 50, (200, b"x" * LIMIT)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + b"x" * 50, (200, b"x" * LIMIT)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 9\r\n\r\nab", (200, b"a")),
    ],
)
def test_answers(said: bytes, wanted: tuple[int, bytes]) -> None:
    """The body is as long as it says, in pieces or whole, and bounded if it does not say."""
    assert read(said) == wanted


@every(
    ("said", "says"),
    [
        (b"", "it hung up without an answer"),
        (b"SSH-2.0-OpenSSH\r\n", "it speaks no HTTP: 'SSH-2.0-OpenSSH'"),
        (b"HTTP/2 200\r\n\r\n", "it speaks no HTTP"),
        (b"HTTP/1.1 20 X\r\n\r\n", "it speaks no HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2", "the answer broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na", "the answer broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n", "an answer of 21 bytes is too long"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "an answer of -1 bytes is too long"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "the answer broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", "the answer broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", "the answer broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", "the answer broke off"),
        (b"HTTP/1.1 200 " + b"x" * 70_000, "a line without an end"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n", "too many headers"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 3, "it hung up without an answer"),
    ],
)
def test_what_is_none(said: bytes, says: str) -> None:
    """An answer that breaks off, never ends or is not HTTP is reported as such."""
    with pytest.raises(NoAnswerError, match=says):
        read(said)


def test_not_a_byte_more() -> None:
    """After the head of a stream stands what is the stream's."""
    stream = io.BytesIO(b"HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\nstream")
    assert read_head(stream).headers == {"upgrade": "tcp"}
    assert stream.read() == b"stream"
