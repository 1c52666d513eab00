"""Requests to the gate, and the answers that are noVNC's files."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from recipe.desktop_http import HEAD_BYTES, RELOAD, RefusedError, answer_page, head_of, request_of
from tests.harness.every import every

if TYPE_CHECKING:
    from pathlib import Path


def request(raw: bytes) -> tuple[str, str, dict[str, str], bytes]:
    """What the gate makes of these bytes."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(raw)
        theirs.shutdown(socket.SHUT_WR)
        return request_of(ours)


def page(pages: Path, target: str, method: str = "GET", **headers: str) -> tuple[bytes, list[bytes], bytes]:
    """The answer for a file: its first line, its headers and its body."""
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            answer_page(ours, method, target, headers, str(pages))
        said = b"".join(iter(lambda: theirs.recv(1 << 16), b""))
    head, _, body = said.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    return first, lines, body


def test_a_request() -> None:
    """The method, the target, the headers by lower case, and what comes after the head."""
    raw = b"GET /a?b=c HTTP/1.1\r\nHost: \tlocalhost \r\nX-Y:z:z\r\n\r\nmore\r\n\r\n"
    assert request(raw) == ("GET", "/a?b=c", {"host": "localhost", "x-y": "z:z"}, b"more\r\n\r\n")


def test_a_header_that_comes_twice() -> None:
    """It has both values, which are no Host and no Origin of ours, whichever comes first."""
    _, _, headers, _ = request(b"GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n")
    assert headers == {"host": "a, b"}


@every(
    "raw",
    [
        b"GET\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1 x\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
        b"GET http://localhost/ HTTP/1.1\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost\r\n\r\n",
        b"GET / HTTP/1.1\r\n: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\r\n Host: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\rHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
    ],
)
def test_what_is_none(raw: bytes) -> None:
    """What two programs might read in two ways is refused, and so is half of a request."""
    with pytest.raises(RefusedError) as refused:
        request(raw)
    assert refused.value.status == 400


def test_nothing() -> None:
    """A connection that ends before it has asked gets no answer."""
    with pytest.raises(ConnectionError):
        request(b"")


def test_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """A head has its limit; all of it has to come within the seconds that one word has."""
    with pytest.raises(RefusedError) as refused:
        request(b"GET / HTTP/1.1\r\nX: " + b"y" * HEAD_BYTES + b"\r\n")
    assert refused.value.status == 431
    monkeypatch.setattr("recipe.desktop_http.PATIENCE_S", 0.05)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"GET / HTTP/1.1\r\n")
        with pytest.raises(TimeoutError):
            request_of(ours)


def test_a_head() -> None:
    """The status in digits and words, and a line for each header."""
    assert head_of(404, {"A": "b"}) == b"HTTP/1.1 404 Not Found\r\nA: b\r\n\r\n"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.html", b"text/html; charset=utf-8"), ("a.JS", b"text/javascript"), ("a", b"application/octet-stream")],
)
def test_a_page(tmp_path: Path, name: str, kind: bytes) -> None:
    """A file as it is, of any length, with the kind by which a browser runs it, and the time of its last change."""
    content = os.urandom(200000)
    (tmp_path / name).write_bytes(content)
    os.utime(tmp_path / name, (784111777, 784111777))
    first, lines, body = page(tmp_path, f"/{name}?x=y#z")
    assert (first, body) == (b"HTTP/1.1 200 OK", content)
    changed = "Sun, 06 Nov 1994 08:49:37 GMT"
    assert lines == [
        b"Connection: close",
        b"Content-Type: " + kind,
        b"Content-Length: 200000",
        b"Last-Modified: " + changed.encode(),
    ]
    assert page(tmp_path, f"/{name}", "HEAD") == (first, lines, b"")
    first, _, body = page(tmp_path, f"/{name}", **{"if-modified-since": changed})
    assert (first, body) == (b"HTTP/1.1 304 Not Modified", b"")


def test_novncs_page_loads_itself_again(tmp_path: Path) -> None:
    """noVNC's own page gets our script after its first <head>, and says its true length, whatever the browser has."""
    (tmp_path / "vnc.html").write_bytes(b"<html><head><title/></head><p><head>")
    first, lines, body = page(tmp_path, "/vnc.html?x=y")
    assert body == b"<html><head>" + RELOAD + b"<title/></head><p><head>"
    assert f"Content-Length: {len(body)}".encode() in lines
    assert not any(line.startswith(b"Last-Modified") for line in lines)
    assert page(tmp_path, "/vnc.html", "HEAD") == (first, lines, b"")


@pytest.mark.parametrize(
    "path",
    ["/", "/none", "/folder", "/folder/", "/page/", "/\0", "/%00", "/page\0", "/" + "x" * 300, "/\xff", "/pipe"],
)
def test_no_such_page(tmp_path: Path, path: str) -> None:
    """Anything that is no file, or what no file can be called, is not found; a pipe is not waited for."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "page").touch()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RefusedError) as refused:
        page(tmp_path, path)
    assert refused.value.status == 404


@pytest.mark.parametrize("path", ["/../secret", "/folder/../../secret", "//../secret", "/./../secret", "/.."])
def test_nothing_outside(tmp_path: Path, path: str) -> None:
    """No path leads out of the folder, however it is written."""
    (tmp_path / "secret").touch()
    (tmp_path / "pages" / "folder").mkdir(parents=True)
    with pytest.raises(RefusedError) as refused:
        page(tmp_path / "pages", path)
    assert refused.value.status == 404


def test_another_method(tmp_path: Path) -> None:
    """Files are read, and nothing else."""
    for method in ("POST", "PUT", "BREW", "get"):
        with pytest.raises(RefusedError) as refused:
            page(tmp_path, "/", method)
        assert refused.value.status == 501
