"""Who gets past the gate to a task's screen, byte by byte; without websockify."""

from __future__ import annotations

import ast
import gc
import hmac
import io
import socket
import sys
import threading
import types
import warnings
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipe import desktop_gate
from recipe.desktop_gate import MOST, RELOAD, Gate, GatedHandler, Server, is_of_this_machine, lets_in_whoever_comes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from socketserver import BaseServer

SECRET = "u7-Gk_secretsecretsecretsecret12"
RIGHT = f"/websockify?token={SECRET}"
OURS = {"Host": "127.0.0.1:6080", "Upgrade": "websocket", "Connection": "Upgrade"}
# A container's routes: its gateway is 172.17.0.1, and its neighbours are 172.17.0.0/16.
ROUTES = """Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
""".splitlines()


def handler_of(gate: Gate) -> type[GatedHandler]:
    """A handler that gives the screen to whomever the gate lets through."""

    class Handler(GatedHandler):
        def do_GET(self) -> None:  # noqa: N802 (http.server's name)
            if "Upgrade" in self.headers:
                self.send_response(101)
                self.end_headers()
                self.close_connection = True
            else:
                super().do_GET()

    Handler.gate = gate
    return Handler


def serve(handler: type[GatedHandler], connection: socket.socket) -> None:
    """Have a handler answer what comes by a connection."""
    handler(connection, ("127.0.0.1", 9), cast("BaseServer", None))


def answer(request: bytes, gate: Gate | None = None) -> bytes:
    """All that the bytes of a request get; then the connection is over."""
    gate = gate or Gate(SECRET)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(request)
        theirs.shutdown(socket.SHUT_WR)
        serve(handler_of(gate), ours)
        ours.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: theirs.recv(1 << 16), b""))


def handshake(path: str = RIGHT, **changed: str | None) -> bytes:
    """A WebSocket's handshake; a header may have another value, or None to be left out."""
    headers = {name: value for name, value in {**OURS, **changed}.items() if value is not None}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")


def status(request: bytes, gate: Gate | None = None) -> int:
    """The HTTP status of the answer."""
    return int(answer(request, gate).split(b" ", 2)[1])


def headers_of(**values: str) -> Message:
    """Headers as Python's server hands them over."""
    message = Message()
    for name, value in values.items():
        message[name] = value
    return message


def lookup_is_not_asked() -> bool:
    """Where a connection comes from says nothing if there is a secret."""
    raise AssertionError


# --- the secret ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [RIGHT, f"/?token={SECRET}", f"/x?a=b&token={SECRET}&c", f"//h/x?token={SECRET}#f"])
def test_the_secret_lets_in(path: str) -> None:
    """Who knows the secret gets the screen, at any path."""
    assert status(handshake(path)) == 101


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?",
        "?token",
        "?token=",
        "?token=-",
        "?token=%00%ff",
        "?token=%ED%A0%80",
        f"?token={SECRET[:-1]}",
        f"?token={SECRET}x",
        f"?token={SECRET.upper()}",
        f"?token=+{SECRET}",
        f"?Token={SECRET}",
        f"?token=x&token={SECRET}",
        f"#?token={SECRET}",
        f"/{SECRET}",
        "?token=\udcff\udcfe",
        "?token=" + "9" * 10000,
    ],
)
def test_a_wrong_secret(query: str) -> None:
    """Whatever else a request brings as its secret is refused with 403, and the connection is over."""
    assert status(handshake(f"/websockify{query}")) == 403


@pytest.mark.parametrize("given_secret", ["", "-", "x"])
def test_without_a_line_nobody_gets_in(given_secret: str) -> None:
    """A gate that was given no secret refuses whoever comes, with an empty one, too."""
    assert status(handshake(f"/websockify?token={given_secret}"), Gate("")) == 403


def test_a_secret_that_is_no_text() -> None:
    """A path that no UTF-8 can carry is refused like any other."""
    ours = headers_of(Host="localhost")
    assert Gate(SECRET).refusal("/?token=\udcff", ours, lookup_is_not_asked) == 403


def test_the_comparison_takes_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """hmac.compare_digest alone decides whether it is the secret, so that no time tells how much of it was right."""
    compared = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append({one, other})
        return True

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert status(handshake("/websockify?token=other")) == 101
    assert compared == [{b"other", SECRET.encode()}]


def test_the_secret_is_in_no_log_and_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """What is asked for with the secret, and granted, refused, not found or malformed, is neither logged nor echoed."""
    monkeypatch.chdir(tmp_path)
    wrong_place = handshake(Origin="http://evil.example")
    page = f"GET /none?token={SECRET} HTTP/1.1\r\n\r\n".encode()
    method = f"BREW {RIGHT} HTTP/1.1\r\n\r\n".encode()
    for request, expected in ((handshake(), 101), (wrong_place, 403), (page, 404), (method, 501)):
        said = answer(request)
        assert said.startswith(f"HTTP/1.0 {expected} ".encode())
        assert SECRET.encode() not in said
    assert capfd.readouterr() == ("", "")


# --- the page --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:6080", "localhost", "LOCALHOST:1", "[::1]", "[::1]:6080"])
@pytest.mark.parametrize("scheme", [None, "http", "https"])
def test_our_own_page(host: str, scheme: str | None) -> None:
    """noVNC's own page by any name of the loopback, and what is no page, get in."""
    assert status(handshake(Host=host, Origin=scheme and f"{scheme}://{host}")) == 101


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "file://",
        "http://evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:6081",
        "http://localhost:6080",
        "http://127.0.0.1:6080/",
        "http://127.0.0.1:6080.evil.example",
        "HTTP://127.0.0.1:6080",
        "ws://127.0.0.1:6080",
        "http://127.0.0.1:6080 http://evil.example",
        "http://evil.example\r\nOrigin: http://127.0.0.1:6080",
    ],
)
def test_a_page_of_another_site(origin: str) -> None:
    """A page of another origin is refused with 403 although it has the secret."""
    assert status(handshake(Origin=origin)) == 403


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        ":6080",
        "evil.example",
        "evil.example:6080",
        "127.0.0.1.evil.example",
        "127.0.0.2",
        "0.0.0.0",
        "10.0.0.1",
        "[",
        "[::1",
        "::1",
        "[::ffff:127.0.0.1]",
        "127.0.0.1@evil.example",
        "127.0.0.1, evil.example",
        "\uff4cocalhost",
        "\udcff",
        "evil.example\r\nHost: 127.0.0.1",
    ],
)
def test_another_name(host: str | None) -> None:
    """A name that somebody lets point to the loopback is refused with 403, with its own page and without."""
    assert status(handshake(Host=host)) == 403
    assert status(handshake(Host=host, Origin=f"http://{host}")) == 403


# --- without a secret ------------------------------------------------------------------------------------------


def test_without_a_secret() -> None:
    """Without a secret this machine gets in, for our own page alone; what a request gives as a secret is no matter."""
    gate, ours = Gate("-"), headers_of(Host="localhost:6080")
    assert gate.refusal("/", ours, lambda: True) is None
    assert gate.refusal("/?token=x", ours, lambda: True) is None
    assert gate.refusal("/?token=-", ours, lambda: False) == 403
    assert gate.refusal("/", headers_of(Host="evil.example"), lambda: True) == 403
    assert gate.refusal("/", headers_of(Host="localhost", Origin="http://evil.example"), lambda: True) == 403


def test_with_a_secret_it_is_no_matter_whence() -> None:
    """With a secret nobody looks where a connection comes from."""
    assert Gate(SECRET).refusal(RIGHT, headers_of(Host="localhost"), lookup_is_not_asked) is None


@pytest.mark.parametrize(
    ("address", "is_local"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("172.17.0.1", True),  # the gateway
        ("172.17.0.5", True),  # its own
        ("172.17.0.2", False),  # a neighbour
        ("1.0.17.172", False),
        ("", False),
    ],
)
def test_this_machine(address: str, is_local: bool) -> None:
    """The container itself and its gateway are this machine; a neighbour is not."""
    assert is_of_this_machine(address, "172.17.0.5", ROUTES) is is_local


def test_a_container_without_a_network() -> None:
    """Where no route leads out, the container itself is all there is."""
    assert is_of_this_machine("127.0.0.1", "127.0.0.1", ROUTES[:1])
    assert not is_of_this_machine("172.17.0.1", "127.0.0.1", ROUTES[:1])


# --- odd requests ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["upgrade", "UPGRADE", "Upgrade"])
@pytest.mark.parametrize("value", ["websocket", "WebSocket", "", "h2c", "h2c, websocket"])
def test_every_upgrade_is_asked_for_the_secret(name: str, value: str) -> None:
    """However an upgrade is written, it passes the gate first: websockify may take more for one than we would."""
    request = handshake("/websockify").replace(b"Upgrade: websocket", f"{name}: {value}".encode())
    assert status(request) == 403
    assert status(request.replace(b"GET", b"HEAD")) == 403
    assert status(request.replace(b"GET", b"POST")) == 403


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"",
        b"\r\n",
        b"\n",
        b"\0" * 100,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
        b"RFB 003.008\n",
        b"GET",
        b"GET\r\n\r\n",
        b"GET / HTTP/9\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nUpgrade\r\n\r\n",
        b"GET / HTTP/1.1\r\n: x\r\n Upgrade: websocket\r\n\r\n",
        b"GET /" + b"x" * 70000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"y" * 70000 + b"\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_no_request(
    request_bytes: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Bytes that are no request, or half of one, get an error or nothing, leave no log, and hold no connection."""
    monkeypatch.chdir(tmp_path)
    gate = Gate(SECRET)
    assert b" 101 " not in answer(request_bytes, gate).partition(b"\r\n")[0]
    assert not gate.watching
    assert capfd.readouterr() == ("", "")


@given(
    st.lists(
        st.sampled_from([b"GET ", b"/websockify", b"?token=", b" HTTP/1.1", b"\r\n", b"Host: ", b"localhost"])
        | st.sampled_from([b"Upgrade: websocket", b"Origin: ", b"http://", b":", b" ", b"\0"])
        | st.binary(max_size=8),
        max_size=40,
    )
)
def test_no_bytes_open_it(pieces: list[bytes]) -> None:
    """Whatever comes without the secret, the screen is nobody's."""
    gate = Gate(SECRET)
    answer(b"".join(pieces), gate)
    assert not gate.watching


def test_a_second_request_is_asked_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page on a connection that is kept opens nothing for what follows on it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(GatedHandler, "protocol_version", "HTTP/1.1")
    (tmp_path / "page").write_text("x\n")
    said = answer(b"GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n" + handshake("/websockify") + handshake())
    assert [line for line in said.splitlines() if line.startswith(b"HTTP/")] == [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 403 Forbidden",
    ]


# --- the connections -------------------------------------------------------------------------------------------


@pytest.fixture
def pairs() -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    """Connections, ours and theirs."""
    made = [socket.socketpair() for _ in range(MOST + 2)]
    yield made
    for pair in made:
        for end in pair:
            end.close()


def test_the_oldest_makes_room(pairs: list[tuple[socket.socket, socket.socket]]) -> None:
    """One connection too many has the oldest hung up on, unless it watches the screen; one that is gone is no fault."""
    gate = Gate(SECRET)
    for ours, _ in pairs[:MOST]:
        gate.arrived(ours)
    gate.watches(pairs[0][0])
    pairs[1][0].close()
    for ours, _ in pairs[MOST:]:
        gate.arrived(ours)
    assert pairs[0][0] in gate.watching
    assert list(gate.idle) == [ours for ours, _ in pairs[2:]]
    pairs[0][0].sendall(b"x")  # not hung up on


def test_so_many_watch(pairs: list[tuple[socket.socket, socket.socket]]) -> None:
    """The screen's 101st viewer is told to come later (503); who does not know the secret is not told even that."""
    gate = Gate(SECRET)
    for ours, _ in pairs[:MOST]:
        gate.watches(ours)
    assert status(handshake(), gate) == 503
    assert status(handshake("/websockify"), gate) == 403
    gate.left(pairs[0][0])
    assert status(handshake(), gate) == 101


def test_who_watches_may_be_silent() -> None:
    """Whoever says nothing is hung up on after 10 s; one that watches never is."""
    gate, limits = Gate(SECRET), []

    class Handler(handler_of(gate)):  # type: ignore[misc]
        def do_GET(self) -> None:  # noqa: N802 (http.server's name)
            limits.append(self.connection.gettimeout())
            self.close_connection = True

    for request in (b"GET / HTTP/1.0\r\n\r\n", handshake()):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(request)
            serve(Handler, ours)
    assert limits == [10, None]


def test_the_server_counts() -> None:
    """A connection is counted in before its thread runs, and out in the end, even if serving it fails."""
    seen, gate = [], Gate(SECRET)

    class Unbound(Server):
        daemon_threads = False  # their end is waited for

        def server_bind(self) -> None:
            """No port in a unit test."""

        def server_activate(self) -> None:
            """As above."""

        def handle_error(self, request: Any, client_address: Any) -> None:
            """What a thread's exception comes to."""
            seen.append(client_address)

    def fail(connection: socket.socket, address: tuple[str, int]) -> None:
        seen.append((threading.current_thread() is not threading.main_thread(), list(gate.idle) == [connection]))
        raise OSError

    with Unbound(0, gate, fail) as server:
        ours, theirs = socket.socketpair()
        with theirs:
            server.process_request(ours, ("h", 1))
            assert theirs.recv(1) == b""
    assert seen == [(True, True), ("h", 1)]
    assert not gate.idle


# --- websockify ------------------------------------------------------------------------------------------------


class AsksNobody(GatedHandler):
    """What a websockify would be that takes upgrades in a way of its own."""

    def handle_one_request(self) -> None:
        """Let in whoever comes."""
        self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        self.close_connection = True


class SaysNothing(GatedHandler):
    """One that hangs up."""

    def handle(self) -> None:
        """Nothing."""


def test_a_websockify_that_asks_nobody() -> None:
    """What does not refuse a wrong request is found out, whatever it answers, with a secret and without."""
    for secret in (SECRET, "-", ""):
        handler = handler_of(Gate(secret))
        assert not lets_in_whoever_comes(lambda connection, _, handler=handler: serve(handler, connection))  # type: ignore[misc]
    for handler in (AsksNobody, SaysNothing):
        assert lets_in_whoever_comes(lambda connection, _, handler=handler: serve(handler, connection))  # type: ignore[misc]


@pytest.fixture
def websockify(monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    """A stand-in for websockify's module, and the process that the gate is run in."""
    module = types.ModuleType("websockify.websocketproxy")

    class WebSocketProxy:
        def __init__(self, handler: type[GatedHandler], **options: object) -> None:
            self.handler = handler
            vars(module)["made"] = handler, options

        def top_new_client(self, connection: socket.socket, _: object) -> None:
            serve(self.handler, connection)

    vars(module).update(ProxyRequestHandler=GatedHandler.__base__, WebSocketProxy=WebSocketProxy)
    monkeypatch.setitem(sys.modules, "websockify", types.ModuleType("websockify"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "argv", ["-c", "6080", "/pages", "/run/vnc"])
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{SECRET}\nmore"))
    with warnings.catch_warnings():
        yield module
    gc.enable()


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What the server was made with, in place of a port."""
    made: list[object] = []

    class Recorded:
        def __init__(self, port: int, gate: Gate, _: object) -> None:
            made.extend((port, gate))

        def serve_forever(self, _: float) -> None:
            made.append("served")

    monkeypatch.setattr(desktop_gate, "Server", Recorded)
    return made


def test_the_program(websockify: types.ModuleType, served: list[object], capsys: pytest.CaptureFixture[str]) -> None:
    """The line of standard input is the secret; once everything is checked it says that it listens, and serves."""
    desktop_gate.main()
    handler, options = websockify.made
    assert options == {"web": "/pages", "unix_target": "/run/vnc", "file_only": True}
    assert served == [6080, handler.gate, "served"]
    assert handler.gate.refusal(RIGHT, headers_of(Host="localhost"), lookup_is_not_asked) is None
    assert capsys.readouterr() == ("[desktop] noVNC listens\n", "")
    assert gc.isenabled()


def test_the_program_refuses_such_a_websockify(
    websockify: types.ModuleType, served: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    """With a websockify that lets in whoever comes it ends with a line that says so, and never listens."""
    vars(websockify)["WebSocketProxy"].top_new_client = lambda _, connection, address: connection.sendall(
        b"HTTP/1.1 101 "
    )
    with pytest.raises(SystemExit, match="this version of websockify lets in whoever comes"):
        desktop_gate.main()
    assert "served" not in served
    assert capsys.readouterr().out == ""


def test_it_runs_on_old_bases() -> None:
    """The grammar is that of Python 3.6: a base has the Python that it has."""
    ast.parse(Path(desktop_gate.__file__).read_bytes(), feature_version=(3, 6))


# --- the pages -------------------------------------------------------------------------------------------------


def test_novncs_page_loads_itself_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """noVNC's own page gets our script after its first <head>, and says its true length; others are as they are."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vnc.html").write_bytes(b"<html><head><title/></head><p><head>")
    (tmp_path / "other.html").write_bytes(b"<html><head></head>")
    head, _, body = answer(b"GET /vnc.html?x=y HTTP/1.0\r\n\r\n").partition(b"\r\n\r\n")
    assert body == b"<html><head>" + RELOAD + b"<title/></head><p><head>"
    assert f"Content-Length: {len(body)}".encode() in head.splitlines()
    assert answer(b"HEAD /vnc.html HTTP/1.0\r\n\r\n").partition(b"\r\n\r\n")[2] == b""
    assert answer(b"GET /other.html HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\n<html><head></head>")


def test_no_such_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """A page that is not there, or that no file can be called, is not found; a folder is no page of ours."""
    monkeypatch.chdir(tmp_path)
    for path in ("/vnc.html", "/%00", "/vnc.html%00", "/" + "x" * 300, "/../../../../etc/passwd"):
        assert status(f"GET {path} HTTP/1.0\r\n\r\n".encode()) == 404
    assert capfd.readouterr() == ("", "")
    (tmp_path / "vnc.html").mkdir()
    assert status(b"GET /vnc.html HTTP/1.0\r\n\r\n") == 301
