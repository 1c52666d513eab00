"""Access through the gate to a task's screen, byte by byte; Xvnc is a socket of ours."""

from __future__ import annotations

import _socket
import ast
import io
import socket
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_bake.bake.config.shipped import gate_text
from desktop_bake.bake.task.novnc import onlooker_secret
from recipe import desktop_gate
from recipe.desktop_gate import MOST, Gate, Server, is_of_this_machine
from tests.harness.every import every

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "u7-Gk_secretsecretsecretsecret12"
RIGHT = f"/websockify?token={SECRET}"
OURS = {
    "Host": "127.0.0.1:6080",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
# A container's routes: its gateway is 172.17.0.1, and its neighbours are 172.17.0.0/16.
ROUTES = """Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
""".splitlines()


@pytest.fixture(autouse=True)
def screen(monkeypatch: pytest.MonkeyPatch) -> list[socket.socket]:
    """The screen's own ends of the connections to it, each closed at once; nobody listens where Xvnc would."""
    made: list[socket.socket] = []

    def screen_at(path: str) -> socket.socket:
        theirs, ours = socket.socketpair()
        theirs.shutdown(socket.SHUT_WR)
        made.append(theirs)
        return ours

    monkeypatch.setattr(desktop_gate, "screen_at", screen_at)
    return made


def answer(request: bytes, gate: Gate | None = None, pages: str = "/nowhere") -> bytes:
    """All that the bytes of a request get; then the connection is over."""
    ours, theirs = socket.socketpair()
    gate = gate or Gate(SECRET)
    gate.arrived(ours)
    with ours, theirs:
        theirs.sendall(request)
        theirs.shutdown(socket.SHUT_WR)
        Server(gate, pages, "/nowhere").serve(ours, ("127.0.0.1", 9))
        said = b""
        with suppress(ConnectionResetError):  # it does not read all of what is too long
            while piece := theirs.recv(1 << 16):
                said += piece
        return said


def handshake(path: str = RIGHT, **changed: str | None) -> bytes:
    """A WebSocket's handshake; a header may have another value, or None to be left out."""
    headers = {name: value for name, value in {**OURS, **changed}.items() if value is not None}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")


def status(request: bytes, gate: Gate | None = None) -> int:
    """The HTTP status of the answer."""
    return int(answer(request, gate).split(b" ", 2)[1])


def lookup_is_not_asked() -> bool:
    """A connection's origin does not matter if there is a secret."""
    raise AssertionError


# --- the secret ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [RIGHT, f"/?token={SECRET}", f"/x?a=b&token={SECRET}&c", f"//h/x?token={SECRET}#f"])
def test_the_secret_lets_in(path: str) -> None:
    """A client that knows the secret gets the screen, at any path."""
    assert status(handshake(path)) == 101


@every(
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


def test_the_comparison_takes_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """compare_digest alone decides whether it is the secret, so that no time tells how much of it was right."""
    compared = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append({one, other})
        return True

    monkeypatch.setattr(desktop_gate, "compare_digest", compare)
    assert status(handshake("/websockify?token=other")) == 101
    assert compared[0] == {b"other", SECRET.encode()}


def test_the_secret_is_in_no_log_and_no_answer(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """What is asked for with the secret, and granted, refused, not found or malformed, is neither logged nor echoed."""
    wrong_place = handshake(Origin="http://evil.example")
    page = f"GET /none?token={SECRET} HTTP/1.1\r\n\r\n".encode()
    method = f"BREW {RIGHT} HTTP/1.1\r\n\r\n".encode()
    for request, expected in ((handshake(), 101), (wrong_place, 403), (page, 404), (method, 501)):
        said = answer(request)
        assert said.startswith(f"HTTP/1.1 {expected} ".encode())
        assert SECRET.encode() not in said
    assert capfd.readouterr() == ("", "")


# --- the page --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:6080", "localhost", "LOCALHOST:1", "[::1]", "[::1]:6080"])
@pytest.mark.parametrize("scheme", [None, "http", "https"])
def test_our_own_page(host: str, scheme: str | None) -> None:
    """noVNC's own page by any name of the loopback, and anything that is no page, get in."""
    assert status(handshake(Host=host, Origin=scheme and f"{scheme}://{host}")) == 101


@every(
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


@every(
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
        "evil.example@127.0.0.1",
        "127.0.0.1:x",
        "evil.example, localhost",
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
    gate, ours = Gate("-"), {"host": "localhost:6080"}
    assert gate.refusal("/", ours, lambda: True) is None
    assert gate.refusal("/?token=x", ours, lambda: True) is None
    assert gate.refusal("/?token=-", ours, lambda: False) == 403
    assert gate.refusal("/", {"host": "evil.example"}, lambda: True) == 403
    assert gate.refusal("/", {"host": "localhost", "origin": "http://evil.example"}, lambda: True) == 403


def test_with_a_secret_it_is_no_matter_whence() -> None:
    """With a secret nobody looks where a connection comes from."""
    assert Gate(SECRET).refusal(RIGHT, {"host": "localhost"}, lookup_is_not_asked) is None


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
    """If no route leads out, the container itself is all there is."""
    assert is_of_this_machine("127.0.0.1", "127.0.0.1", ROUTES[:1])
    assert not is_of_this_machine("172.17.0.1", "127.0.0.1", ROUTES[:1])


# --- odd requests ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["upgrade", "UPGRADE", "Upgrade"])
@pytest.mark.parametrize("value", ["websocket", "WebSocket", "", "h2c", "h2c, websocket"])
def test_every_upgrade_is_asked_for_the_secret(name: str, value: str) -> None:
    """However an upgrade is written, and by whatever method it comes, it passes the gate first."""
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
def test_what_is_no_request(request_bytes: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    """Bytes that are no request, or half of one, get an error or nothing, leave no log, and hold no connection."""
    gate = Gate(SECRET)
    assert b" 101 " not in answer(request_bytes, gate).partition(b"\r\n")[0]
    assert not gate.watching
    assert not gate.idle
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
    assert not gate.watching | gate.looking_on


def test_a_second_request_is_not_answered() -> None:
    """A connection is over after one answer: nothing that follows on it is a request."""
    said = answer(b"GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n" + handshake())
    assert [line for line in said.splitlines() if line.startswith(b"HTTP/")] == [b"HTTP/1.1 404 Not Found"]


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


def test_so_many_look_on(pairs: list[tuple[socket.socket, socket.socket]]) -> None:
    """Viewers that may only look are counted separately: a hundred of them keep out one more of their kind, and nobody
    who may touch the screen; nor do the latter keep out a first viewer."""
    gate, looking = Gate(SECRET), f"/websockify?token={onlooker_secret(SECRET)}"
    for ours, _ in pairs[:MOST]:
        gate.watches(ours, looks_on=True)
    assert (status(handshake(looking), gate), status(handshake(), gate)) == (503, 101)
    gate.left(pairs[0][0])
    assert status(handshake(looking), gate) == 101
    for ours, _ in pairs[:MOST]:
        gate.left(ours)
        gate.watches(ours)
    assert (status(handshake(looking), gate), status(handshake(), gate)) == (101, 503)


def test_who_watches_may_be_silent(pairs: list[tuple[socket.socket, socket.socket]]) -> None:
    """Whoever says nothing is hung up on after 10 s; one that watches never is."""
    gate, (ours, _) = Gate(SECRET), pairs[0]
    gate.arrived(ours)
    assert ours.gettimeout() == 10
    gate.watches(ours)
    assert ours.gettimeout() is None


def test_the_screen_is_carried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is welcome has the screen from its first word on, and what came with the handshake gets there."""
    theirs, ours = socket.socketpair()
    monkeypatch.setattr(desktop_gate, "screen_at", lambda _: ours)
    connection, viewer = socket.socketpair()
    gate = Gate(SECRET)
    with theirs, viewer:
        viewer.sendall(handshake() + b"\x82\x84" + bytes(4) + b"echo")
        theirs.sendall(b"RFB 003.008\n")
        server = Server(gate, "/nowhere", "/nowhere")
        thread = threading.Thread(target=server.serve, args=(connection, ("127.0.0.1", 9)))
        thread.start()
        assert theirs.recv(100) == b"echo"
        assert gate.watching == {connection}
        theirs.shutdown(socket.SHUT_WR)
        said = b"".join(iter(lambda: viewer.recv(1 << 16), b""))
        thread.join(10)
    assert said.startswith(b"HTTP/1.1 101 ")
    assert said.endswith(b"\r\n\r\n\x82\x0cRFB 003.008\n\x88\x02\x03\xe8")
    assert not gate.watching


@pytest.mark.parametrize(
    ("token", "carried"), [(SECRET, b"RFB 003.008\n\1\1\4key....\7"), (onlooker_secret(SECRET), b"RFB 003.008\n\1\1")]
)
def test_who_looks_on(token: str, carried: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second secret carries the screen, but no key, and ends at what nobody knows; the first carries all."""
    theirs, ours = socket.socketpair()
    monkeypatch.setattr(desktop_gate, "screen_at", lambda _: ours)
    connection, viewer = socket.socketpair()
    with theirs, viewer:
        viewer.sendall(handshake(f"/websockify?token={token}"))
        for said in (b"RFB 003.008\n\1", b"\1\4key", b"....", b"\7"):
            viewer.sendall(bytes([0x82, 0x80 | len(said)]) + bytes(4) + said)
        viewer.shutdown(socket.SHUT_WR)
        Server(Gate(SECRET), "/nowhere", "/nowhere").serve(connection, ("127.0.0.1", 9))
        assert b"".join(iter(lambda: theirs.recv(1 << 16), b"")) == carried
        answered = b"".join(iter(lambda: viewer.recv(1 << 16), b""))
    assert answered.endswith(b"\x88\x02\x03\xf0") is (token != SECRET)


def test_the_second_secret_of_none() -> None:
    """A gate without a secret has no second one; the second is refused from another page, as the first is."""
    for secret in ("", "-"):
        assert not Gate(secret).looks_on(f"/?token={onlooker_secret(secret)}")
    second = f"/websockify?token={onlooker_secret(SECRET)}"
    assert status(handshake(second)) == 101
    assert status(handshake(second, Origin="http://evil.example")) == 403
    assert status(handshake(f"/websockify?token={onlooker_secret('another')}")) == 403


class Unready:
    """Xvnc's socket, which takes no connection until it was tried a few times."""

    AF_UNIX, SOCK_STREAM = socket.AF_UNIX, socket.SOCK_STREAM

    def __init__(self, tries: float) -> None:
        self.tries, self.closed = tries, 0

    def socket(self, *_: int) -> Unready:
        """As the module's."""
        return self

    def connect(self, _: str) -> None:
        """As a socket's."""
        self.tries -= 1
        if self.tries > 0:
            raise ConnectionRefusedError

    def close(self) -> None:
        """As a socket's."""
        self.closed += 1


def test_a_screen_that_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Xvnc is waited for while it starts; if it does not listen in time, the answer is 503."""
    monkeypatch.undo()  # the stand-in of this module
    late = Unready(3)
    monkeypatch.setattr("recipe.desktop_gate._socket", late)
    assert desktop_gate.screen_at("vnc") is cast("_socket.socket", late)
    assert late.closed == 2
    monkeypatch.setattr("recipe.desktop_gate._socket", Unready(float("inf")))
    monkeypatch.setattr(desktop_gate, "PATIENCE_S", 0.05)
    assert status(handshake()) == 503


def test_the_server_counts(pairs: list[tuple[socket.socket, socket.socket]], monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection is counted in before its thread runs, and out in the end, even if there is no thread for it."""
    gate, counted, over = Gate(SECRET), [], threading.Event()

    class Recorded(Server):
        def serve(self, connection: _socket.socket, address: tuple[str, int]) -> None:
            counted.append((threading.current_thread() is not threading.main_thread(), list(gate.idle)))
            super().serve(connection, address)
            over.set()

    server = Recorded(gate, "/nowhere", "/nowhere")
    (ours, theirs), (other, more) = pairs[:2]
    theirs.sendall(b"\r\n\r\n")
    server.accepted(ours, ("h", 1))
    assert over.wait(10)
    assert counted == [(True, [ours])]
    assert not gate.idle

    def none_left(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("recipe.desktop_gate._thread.start_new_thread", none_left)
    server.accepted(other, ("h", 1))
    assert not gate.idle
    assert more.recv(1) == b""


# --- the program -----------------------------------------------------------------------------------------------


class Listener:
    """A port that one connection comes to, then one that has gone again, then nobody."""

    def __init__(self) -> None:
        self.said: list[tuple[object, ...]] = []
        self._comes = iter((OSError, KeyboardInterrupt))

    def __getattr__(self, name: str) -> object:
        return lambda *words: self.said.append((name, *words))

    def _accept(self) -> object:
        raise next(self._comes)


def test_the_program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The line of standard input is the secret; the program says that it listens, and outlives a connection's end."""
    made: list[object] = []

    class Recorded(Server):
        def __init__(self, gate: Gate, pages: str, vnc: str) -> None:
            super().__init__(gate, pages, vnc)
            made.extend((gate, pages, vnc))

    listener = Listener()
    monkeypatch.setattr(desktop_gate, "Server", Recorded)
    monkeypatch.setattr("recipe.desktop_gate._socket.socket", lambda *_: listener)
    painted: list[object] = []
    monkeypatch.setattr(desktop_gate, "painted", lambda *words: painted.append((*words, capsys.readouterr().out)))
    monkeypatch.setattr(sys, "argv", ["-c", "6080", "/pages", "/run/vnc", "1", "/cookie"])
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{SECRET}\nmore"))
    with pytest.raises(KeyboardInterrupt):
        desktop_gate.main()
    gate, *rest = made
    assert rest == ["/pages", "/run/vnc"]
    assert isinstance(gate, Gate)
    assert painted == [("1", "/cookie", "")]  # before it says that it listens
    assert gate.refusal(RIGHT, {"host": "localhost"}, lookup_is_not_asked) is None
    assert [words for words in listener.said if words[0] in ("bind", "listen")] == [
        ("bind", ("", 6080)),
        ("listen", 100),
    ]
    assert capsys.readouterr() == ("[desktop] noVNC listens\n", "")


def test_it_runs_on_old_bases() -> None:
    """The grammar is that of Python 3.6: a base has the Python that it has. Nothing of ours is imported."""
    tree = ast.parse(gate_text(), feature_version=(3, 6))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert imported == {
        *(
            "_operator",
            "_sha1",
            "_sha2",
            "_sha256",
            "_socket",
            "_thread",
            "binascii",
            "hashlib",
            "posix",
            "select",
            "sys",
            "time",
            "typing",
        )
    }
