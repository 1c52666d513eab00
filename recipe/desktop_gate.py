"""The gate: noVNC's pages for everyone, the screen only with the secret, and never for a page of another site.

desktop_run.sh runs it as `python3 -I -S -c … TEXT PORT PAGES SOCKET DISPLAY COOKIE`, with the secret on standard input.
TEXT begins with desktop_http.py, desktop_onlooker.py, desktop_websocket.py and desktop_ground.py, which it imports; no
file of it lies in the image, whose Python (3.6 or newer) it uses. SOCKET is Xvnc's; it paints the ground of the display
with the number DISPLAY, which the file COOKIE opens.

It imports what is part of the interpreter alone. http.server and socket, which other servers are made of, take five
times the processor at every start, and more than twice the memory for as long as the task runs.
"""

import _socket
import _thread
import sys
import time
from _operator import _compare_digest as compare_digest

from recipe.desktop_ground import painted
from recipe.desktop_http import PATIENCE_S, RefusedError, answer_page, head_of, request_of
from recipe.desktop_onlooker import Onlooker, onlooker_secret
from recipe.desktop_websocket import handshake_of, relay

TYPE_CHECKING = False  # of typing, which takes a while to import
if TYPE_CHECKING:
    from typing import Callable, Dict, Iterable, Mapping, Optional, Set, Tuple

    Address = Tuple[str, int]

NO_SECRET = "-"
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
MOST = 100  # connections, of those that watch, of those that may only look on, and of the others


def is_of_this_machine(address: str, own: str, routes: "Iterable[str]") -> bool:
    """Whether a connection comes from within the container, or from its gateway and not from its neighbours.

    Docker brings whoever comes from this machine from the gateway.

    Args:
        address: whence it comes.
        own: the address that it came to.
        routes: the lines of /proc/net/route.
    """
    fields = [line.split() for line in routes]
    gateways = [bytes.fromhex(f[2])[::-1] for f in fields if f[1] == f[7] == "00000000"]
    return address in ("127.0.0.1", "::1", own, *map(_socket.inet_ntoa, gateways))


def is_loopback(host: str) -> bool:
    """Whether a Host header names this machine, at any port."""
    host = host.lower()
    return any(host == name or (host.startswith(name + ":") and host[len(name) + 1 :].isdigit()) for name in LOOPBACK)


def token_of(target: str) -> str:
    """The secret that a request gives; it is made of signs that nobody has to quote."""
    for pair in target.partition("#")[0].partition("?")[2].split("&"):
        name, _, value = pair.partition("=")
        if name == "token":
            return value
    return ""


class Gate:
    """Who gets to the screen, and which connections there are.

    Args:
        secret: whoever knows it gets in, and whoever knows the one made of it may look on. If it is "-", whoever comes
            from this machine gets in; if it is empty, nobody.

    Attributes:
        idle: the connections that do not watch the screen, the oldest first.
        watching: those that do, and may touch it.
        looking_on: those that do, and may not; counted apart, so that they never keep out who may.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._guard = _thread.allocate_lock()
        self.idle: Dict[_socket.socket, bool] = {}
        self.watching: Set[_socket.socket] = set()
        self.looking_on: Set[_socket.socket] = set()

    def refusal(self, target: str, headers: "Mapping[str, str]", is_local: "Callable[[], bool]") -> "Optional[int]":
        """The HTTP status that refuses the screen to a request, or None if it is welcome.

        Args:
            target: what it asks for, with the query.
            headers: its own. A browser sends the Origin of the page, and the Host that it believes to speak to.
            is_local: whether it comes from this machine; asked if there is no secret.
        """
        host, origin = headers.get("host", ""), headers.get("origin")
        of_our_page = is_loopback(host) and origin in (None, "http://" + host, "https://" + host)
        if not of_our_page:
            return 403
        if self._knows_the_secret(target, is_local):
            return 503 if len(self.watching) >= MOST else None
        if self.looks_on(target):
            return 503 if len(self.looking_on) >= MOST else None
        return 403

    def _knows_the_secret(self, target: str, is_local: "Callable[[], bool]") -> bool:
        if self._secret == NO_SECRET:
            return is_local()
        return self._secret != "" and compare_digest(token_of(target).encode("latin-1"), self._secret.encode())

    def looks_on(self, target: str) -> bool:
        """Whether who asks for this may only look."""
        if self._secret in ("", NO_SECRET):
            return False
        return compare_digest(token_of(target).encode("latin-1"), onlooker_secret(self._secret).encode())

    def arrived(self, connection: _socket.socket) -> None:
        """Count a connection in; the oldest makes room, so that nobody keeps the others out."""
        with self._guard:
            if len(self.idle) >= MOST:
                oldest = next(iter(self.idle))
                del self.idle[oldest]
                try:
                    oldest.shutdown(_socket.SHUT_RDWR)
                except OSError:  # it has gone by itself
                    pass
            self.idle[connection] = True
        connection.settimeout(PATIENCE_S)

    def watches(self, connection: _socket.socket, *, looks_on: bool = False) -> None:
        """Note that it has the screen now, to look on or to touch it, and may say nothing for as long as it likes."""
        with self._guard:
            self.idle.pop(connection, None)
            (self.looking_on if looks_on else self.watching).add(connection)
        connection.settimeout(None)

    def left(self, connection: _socket.socket) -> None:
        """Count it out."""
        with self._guard:
            self.idle.pop(connection, None)
            self.watching.discard(connection)
            self.looking_on.discard(connection)


# --- the screen ----------------------------------------------------------------------------------------------


def screen_at(path: str) -> _socket.socket:
    """A connection to Xvnc, which may still be starting.

    Raises:
        RefusedError: it does not listen in time.
    """
    end = time.monotonic() + PATIENCE_S
    while True:
        screen = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            screen.connect(path)
            return screen
        except OSError as error:
            screen.close()
            if time.monotonic() > end:
                raise RefusedError(503) from error
        time.sleep(0.01)


# --- the server ------------------------------------------------------------------------------------------------


class Server:
    """Gives each connection a thread.

    Args:
        gate: counts the connections.
        pages: the folder of noVNC's files.
        vnc: Xvnc's socket.
    """

    def __init__(self, gate: Gate, pages: str, vnc: str) -> None:
        self._gate, self._pages, self._vnc = gate, pages, vnc

    def accept(self, listener: _socket.socket) -> None:
        """Wait for a connection."""
        try:
            descriptor, address = listener._accept()  # type: ignore[attr-defined]  # noqa: SLF001
        except OSError:  # it has gone again, or there are too many
            time.sleep(0.01)
        else:
            self.accepted(_socket.socket(_socket.AF_INET, _socket.SOCK_STREAM, 0, descriptor), address)

    def accepted(self, connection: _socket.socket, address: "Address") -> None:
        """Count a connection in, and serve it."""
        self._gate.arrived(connection)
        try:
            _thread.start_new_thread(self.serve, (connection, address))
        except RuntimeError:  # the container may have no more threads
            self._over(connection)

    def serve(self, connection: _socket.socket, address: "Address") -> None:
        """Answer one request; its connection is over then."""
        try:
            try:
                self._answer(connection, address)
            except RefusedError as error:
                about = {"Connection": "close", "Content-Length": "0"}
                connection.sendall(head_of(error.status, about))
        except OSError:  # it is gone, or too slow
            pass
        finally:
            self._over(connection)

    def _over(self, connection: _socket.socket) -> None:
        self._gate.left(connection)
        connection.close()

    def _answer(self, connection: _socket.socket, address: "Address") -> None:
        method, target, headers, early = request_of(connection)
        if "upgrade" not in headers:
            answer_page(connection, method, target, headers, self._pages)
            return

        def is_local() -> bool:
            with open("/proc/net/route") as routes:
                return is_of_this_machine(address[0], connection.getsockname()[0], routes)

        status = self._gate.refusal(target, headers, is_local)
        if status:
            raise RefusedError(status)
        hello, looks_on = handshake_of(method, headers), self._gate.looks_on(target)
        self._gate.watches(connection, looks_on=looks_on)
        screen = screen_at(self._vnc)
        try:
            connection.sendall(hello)
            relay(connection, screen, early, Onlooker().passed if looks_on else bytes)
        finally:
            screen.close()


def main() -> None:
    """Serve for good."""
    port, pages, vnc, display, cookie = sys.argv[1:]
    server = Server(Gate(sys.stdin.readline().rstrip("\n")), pages, vnc)
    listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
    listener.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)  # for what it accepts, too
    listener.bind(("", int(port)))
    listener.listen(MOST)
    ground = painted(display, cookie)  # noqa: F841 (it is there as long as this connection is)
    print("[desktop] noVNC listens", flush=True)
    while True:
        server.accept(listener)


if __name__ == "__main__":
    main()
