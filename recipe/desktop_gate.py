"""The gate: noVNC's pages for everyone, the screen only with the secret, and never for a page of another site.

desktop_run.sh runs this text as `python3 -I -c TEXT PORT PAGES SOCKET`, with the secret on standard input; no file of
it lies in the image, whose Python (3.6 or newer) and websockify (0.8 or newer) it uses. SOCKET is Xvnc's.
"""

import collections
import contextlib
import gc
import hmac
import http.server
import io
import os
import socket
import socketserver
import sys
import urllib.parse
import warnings

TYPE_CHECKING = False  # of typing, which takes a while to import
if TYPE_CHECKING:
    from email.message import Message
    from typing import Any, Callable, Iterable, Optional, OrderedDict, Set, Tuple

    Serve = Callable[[socket.socket, Tuple[str, int]], object]

NO_SECRET = "-"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
MOST = 100  # connections, of those that watch and of the others
# A browser drops the files that are on their way when a network appears, which is what a container is that starts.
RELOAD = b"""<script>addEventListener("error", e => {
  const tries = history.state || 0;
  if (e.target.tagName === "SCRIPT" && tries < 20) {
    history.replaceState(tries + 1, "");
    setTimeout(() => location.reload(), 300);
  }
}, true)</script>"""
WRONG_REQUEST = (
    b"GET / HTTP/1.1\r\nHost: elsewhere\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


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
    return address in (*LOOPBACK, own, *map(socket.inet_ntoa, gateways))


class Gate:
    """Who gets to the screen, and which connections there are.

    Args:
        secret: whoever knows it gets in; if it is "-", whoever comes from this machine, and if it is empty, nobody.

    Attributes:
        idle: the connections that do not watch the screen, the oldest first.
        watching: those that do.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self.idle: OrderedDict[socket.socket, bool] = collections.OrderedDict()
        self.watching: Set[socket.socket] = set()

    def refusal(self, path: str, headers: "Message", is_local: "Callable[[], bool]") -> "Optional[int]":
        """The HTTP status that refuses the screen to a request, or None if it is welcome.

        Args:
            path: what it asks for, with the query.
            headers: its own. A browser sends the Origin of the page, and the Host that it believes to speak to.
            is_local: whether it comes from this machine; asked if there is no secret.
        """
        if not (self._is_of_our_page(headers) and self._knows_the_secret(path, is_local)):
            return 403
        return 503 if len(self.watching) >= MOST else None

    def _is_of_our_page(self, headers: "Message") -> bool:
        host, origin = headers.get("Host", ""), headers.get("Origin")
        try:
            is_loopback = urllib.parse.urlsplit("//" + host).hostname in LOOPBACK
        except ValueError:
            return False
        return is_loopback and origin in (None, "http://" + host, "https://" + host)

    def _knows_the_secret(self, path: str, is_local: "Callable[[], bool]") -> bool:
        if self._secret == NO_SECRET:
            return is_local()
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(path).query)
        given = query.get("token", [""])[0].encode("utf-8", "replace")
        return self._secret != "" and hmac.compare_digest(given, self._secret.encode())

    def arrived(self, connection: socket.socket) -> None:
        """Count a connection in; the oldest makes room, so that nobody keeps the others out."""
        if len(self.idle) >= MOST:
            oldest, _ = self.idle.popitem(last=False)
            with contextlib.suppress(OSError):  # it has gone by itself
                oldest.shutdown(socket.SHUT_RDWR)
        self.idle[connection] = True

    def watches(self, connection: socket.socket) -> None:
        """Note that it has the screen now, and may say nothing for as long as it likes."""
        self.idle.pop(connection, None)
        self.watching.add(connection)
        connection.settimeout(None)

    def left(self, connection: socket.socket) -> None:
        """Count it out."""
        self.idle.pop(connection, None)
        self.watching.discard(connection)


class GatedHandler(http.server.SimpleHTTPRequestHandler):
    """What stands before websockify's own handler, whatever its version.

    Attributes:
        gate: whom it asks; set by a subclass.
        timeout: seconds, after which who says nothing is hung up on.
    """

    gate: Gate
    timeout = 10

    def parse_request(self) -> bool:
        """Refuse the screen: Python asks this before it answers any request, whatever websockify then makes of it."""
        if not super().parse_request():
            return False
        if "Upgrade" not in self.headers:
            return True
        status = self.gate.refusal(self.path, self.headers, self._is_local)
        if status:
            self.close_connection = True
            self.send_error(status)
            return False
        self.gate.watches(self.connection)
        return True

    def _is_local(self) -> bool:
        with open("/proc/net/route") as routes:
            return is_of_this_machine(self.client_address[0], self.connection.getsockname()[0], routes)

    def send_head(self) -> "Any":
        """Send the head of a page; noVNC's own loads itself again if one of its files did not come."""
        path = self.translate_path(self.path)
        if "\0" in path:  # Python's own would not know what to say
            self.send_error(404)
            return None
        if os.path.basename(path) != "vnc.html" or not os.path.isfile(path):
            return super().send_head()
        with open(path, "rb") as page:
            content = page.read().replace(b"<head>", b"<head>" + RELOAD, 1)
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        return io.BytesIO(content)

    def log_message(self, *_: "Any") -> None:
        """Say nothing: request lines hold the secret."""


class Server(socketserver.ThreadingTCPServer):
    """Gives each connection a thread.

    websockify gives it a process of its own, which costs ten times as much: a page is forty of them.

    Args:
        port: where it listens, at every address.
        gate: counts the connections.
        serve: what a thread does with its connection.
    """

    allow_reuse_address = daemon_threads = True
    request_queue_size = 100

    def __init__(self, port: int, gate: Gate, serve: "Serve") -> None:
        self._gate = gate
        self._serve = serve
        super().__init__(("", port), socketserver.BaseRequestHandler)

    def process_request(self, request: "Any", client_address: "Any") -> None:
        """Count a connection in, and serve it."""
        self._gate.arrived(request)
        super().process_request(request, client_address)

    def finish_request(self, request: "Any", client_address: "Any") -> None:
        """Serve a connection, in its thread."""
        self._serve(request, client_address)

    def close_request(self, request: "Any") -> None:
        """Count it out."""
        self._gate.left(request)
        super().close_request(request)


def lets_in_whoever_comes(serve: "Serve") -> bool:
    """Whether a wrong request is not refused: this websockify has another way to the screen than past our gate."""
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            theirs.sendall(WRONG_REQUEST)
            theirs.shutdown(socket.SHUT_WR)
            serve(ours, ("127.0.0.1", 0))
        try:
            return theirs.recv(12)[9:] != b"403"
        except ConnectionError:  # it read nothing
            return True


def main() -> None:
    """Serve for good."""
    gc.disable()  # until all is loaded
    warnings.simplefilter("ignore")
    sys.path.append("/opt/websockify")  # where it was taken from its project
    from websockify.websocketproxy import ProxyRequestHandler, WebSocketProxy

    port, pages, vnc = sys.argv[1:]
    secret = sys.stdin.readline().rstrip("\n")

    class Handler(GatedHandler, ProxyRequestHandler):  # type: ignore[misc]
        gate = Gate(secret)

    serve = WebSocketProxy(Handler, web=pages, unix_target=vnc, file_only=True).top_new_client
    server = Server(int(port), Handler.gate, serve)
    if lets_in_whoever_comes(serve):
        sys.exit("this version of websockify lets in whoever comes")
    gc.enable()
    print("[desktop] noVNC listens", flush=True)
    server.serve_forever(86400)  # seconds, after which it looks whether it is to end


if __name__ == "__main__":
    main()
