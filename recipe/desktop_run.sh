#!/usr/bin/env bash
# Start the desktop and stay: the main process of a task's container. Not baked in: changing it rebuilds nothing.
# Reads DESKTOP_GEOMETRY (1280x800), DESKTOP_DEPTH (24), DESKTOP_DISPLAY (1), DESKTOP_NOVNC_PORT (6080), and from its
# standard input one line, "SECRET [stay]": whoever knows SECRET gets to the screen ("-": whoever reaches the port;
# without a line nobody does). The desktop ends when that input ends, that is with the program that started it, unless
# the line says "stay". Where the first argument is "held" and no line comes, that program was killed before it gave one.
set -uo pipefail +aex # SHELLOPTS of the environment would export or print what is read here

export DISPLAY=:${DESKTOP_DISPLAY:-1} XAUTHORITY=/tmp/.X11-unix/cookie
# A setup script in place of the shipped one may have written neither this nor the window manager's configuration.
# shellcheck source=/dev/null
if [ -r /etc/profile.d/desktop.sh ]; then . /etc/profile.d/desktop.sh; fi
for path in /usr/share/novnc /usr/share/webapps/novnc /opt/novnc; do
  if [ -z "${NOVNC_PATH:-}" ] && [ -e "$path/vnc.html" ]; then NOVNC_PATH=$path; fi
done
[ -n "${NOVNC_PATH:-}" ] || { echo "[desktop] missing: noVNC's vnc.html" >&2; exit 1; }
unset desktop_secret desktop_stays announcer status wm # a variable of the environment would hand its new value on
exec 3<&0 </dev/null
if ! { [ -t 3 ] || read -r -t 60 desktop_secret desktop_stays; } <&3; then
  [ "${1:-}" != held ] || { echo "[desktop] the program that started it is gone" >&2; exit 1; }
  desktop_stays=stay
fi
# Whoever shares the folder of X's sockets gets to the screen. In a task a file system of its own lies there, over whatever
# is mounted on /tmp; but a link in the image may lead another mount's target here.
sockets=/tmp/.X11-unix top='' own=0
if [ "${1:-}" = held ]; then
  folder=$(cd -P "$sockets" && pwd)/
  while read -r _ _ _ _ point _; do
    point=${point%/}/
    if [[ $folder == "$point"* ]]; then top=$point; fi
    if [ "$folder" = "$point" ]; then own=$((own + 1)); fi
  done </proc/self/mountinfo
  if [ "$top" != "$folder" ] || [ "$own" != 1 ]; then
    echo "[desktop] a mount leads to $sockets by a link in the image, and would share the screen" >&2
    exit 1
  fi
fi
run=$(mktemp -d -p "${top:-/tmp}") # only its owner gets in
[ -w ~ ] || HOME=$(mktemp -d) && export HOME

# shellcheck disable=SC2329
stop() { trap - TERM INT; kill 0; exit 143; }
trap stop TERM INT
if [ "${desktop_stays:-}" != stay ]; then { read -r _ <&3; kill -TERM $$; } & fi

# noVNC's pages for everyone, the screen only with the secret, and never for a page of another site: a browser sends
# the Origin of the page, and the Host that it believes to speak to. Without a secret, only for who comes from this
# machine: Docker brings them from the gateway. X has no port, only a socket, and asks for the cookie beside it.
# shellcheck disable=SC2016
GATE='
import gc, sys
gc.disable()  # until all is loaded
import collections, hmac, io, os, socket, socketserver, urllib.parse, warnings
warnings.simplefilter("ignore")
sys.path.append("/opt/websockify")  # where it was taken from its project
from websockify.websocketproxy import ProxyRequestHandler, WebSocketProxy

SECRET = sys.stdin.readline().rstrip("\n")
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


def is_of_this_machine(address, own):
    """Whether a connection comes from within the container, or from its gateway and not from its neighbours."""
    with open("/proc/net/route") as table:
        routes = [line.split() for line in table]
    gateways = [bytes.fromhex(r[2])[::-1] for r in routes if r[1] == r[7] == "00000000"]
    return address in (*LOOPBACK, own, *map(socket.inet_ntoa, gateways))


class Handler(ProxyRequestHandler):
    timeout = 10  # seconds, after which who says nothing is hung up on

    def parse_request(self):
        """Python asks this before it answers any request, whatever websockify then makes of it."""
        if not super().parse_request():
            return False
        if "Upgrade" not in self.headers:
            return True
        refusal = 403 if not self.is_welcome() else 503 if len(server.watching) >= MOST else None
        if refusal:
            self.close_connection = True
            self.send_error(refusal)
            return False
        server.idle.pop(self.connection, None)
        server.watching.add(self.connection)
        self.connection.settimeout(None)
        return True

    def is_welcome(self):
        host, origin = self.headers.get("Host", ""), self.headers.get("Origin")
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        given = query.get("token", [""])[0].encode("utf-8", "replace")
        try:
            local = urllib.parse.urlsplit("//" + host).hostname in LOOPBACK
        except ValueError:
            local = False
        if not local or origin not in (None, "http://" + host, "https://" + host):
            return False
        if SECRET == "-":
            return is_of_this_machine(self.client_address[0], self.connection.getsockname()[0])
        return SECRET != "" and hmac.compare_digest(given, SECRET.encode())

    def send_head(self):
        path = self.translate_path(self.path)
        if os.path.basename(path) != "vnc.html" or not os.path.isfile(path):
            return super().send_head()
        with open(path, "rb") as page:
            content = page.read().replace(b"<head>", b"<head>" + RELOAD, 1)
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        return io.BytesIO(content)

    def log_message(self, *_):  # request lines hold the secret
        pass


# websockify gives each connection a process of its own, which costs ten times as much: a page is forty of them.
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 100
    idle, watching = collections.OrderedDict(), set()

    def process_request(self, request, client_address):
        if len(self.idle) >= MOST:  # the oldest makes room, so that nobody keeps the others out
            self.hang_up(self.idle.popitem(last=False)[0])
        self.idle[request] = True
        super().process_request(request, client_address)

    def hang_up(self, connection):
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:  # it has gone by itself
            pass

    def finish_request(self, request, client_address):
        proxy.top_new_client(request, client_address)

    def close_request(self, request):
        self.idle.pop(request, None)
        self.watching.discard(request)
        super().close_request(request)


proxy = WebSocketProxy(Handler, web=sys.argv[2], unix_target=sys.argv[3], file_only=True)
server = Server(("", int(sys.argv[1])), None)
# Is a wrong request refused by this websockify, too?
ours, theirs = socket.socketpair()
theirs.sendall(b"GET / HTTP/1.1\r\nHost: elsewhere\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
theirs.shutdown(socket.SHUT_WR)
server.finish_request(ours, ("127.0.0.1", 0))
ours.close()
if theirs.recv(12)[9:] != b"403":
    sys.exit("this version of websockify lets in whoever comes")
gc.enable()
print("[desktop] noVNC listens", flush=True)
server.serve_forever(None)
'
# The Python of websockify's own script has the library. Isolated: what lies in the working directory is not imported.
python= && hash websockify && read -r python <"${BASH_CMDS[websockify]}"
case $python in
  '#!'*python*) read -ra python <<<"${python#\#!}" ;;
  *) python=(python3) ;;
esac

# The cookie of X, in the form of libXau: for any host and display. Without it X would let in every user.
cookie() {
  [ -d /tmp/.X11-unix ] || mkdir -m 1777 /tmp/.X11-unix
  [ ! -e "$XAUTHORITY" ] || rm "$XAUTHORITY" # of a container that is started again
  umask 077 && set -C && {
    printf '\377\377\0\0\0\0\0\22MIT-MAGIC-COOKIE-1\0\20' && head -c 16 /dev/urandom
  } >"$XAUTHORITY"
}
(cookie) || { echo "[desktop] cannot write $XAUTHORITY" >&2; exit 1; }

depth=(-depth "${DESKTOP_DEPTH:-24}")
# The Composite extension adds a visual of 32 bits to those of 16: fbsetroot takes the deepest, and paints nothing.
[ "${DESKTOP_DEPTH:-24}" != 16 ] || depth+=(-extension Composite)
# There is no password to guess, and a few that only look for the banner would have Xvnc turn away the next.
coproc X { exec Xvnc "$DISPLAY" -displayfd 1 -geometry "${DESKTOP_GEOMETRY:-1280x800}" "${depth[@]}" \
  -auth "$XAUTHORITY" -nolisten tcp -nolisten local -rfbport -1 -rfbunixpath "$run/vnc" -rfbunixmode 384 \
  -SecurityTypes None -BlacklistThreshold 1000000000 -AlwaysShared 2>"$run/Xvnc"; }
x=$! up=${X[0]:-} # bash takes X and X_PID away once it has ended
"${python[@]}" -I -c "$GATE" "${DESKTOP_NOVNC_PORT:-6080}" "$NOVNC_PATH" "$run/vnc" \
  <<<"${desktop_secret:-}" 2>"$run/websockify" &
web=$!
unset desktop_secret

if [ -n "$up" ] && read -r _ 2>/dev/null <&"$up"; then # Xvnc says that it takes clients
  if [ -d /etc/desktop-bake/fluxbox ]; then
    cp -rnT /etc/desktop-bake/fluxbox ~/.fluxbox # a base's own configuration wins
  fi
  # It tells when the window manager is up: asked again and again, many desktops at once would cost more than starting.
  exec 4< <(exec xprop -root -spy 2>/dev/null)
  spy=$!
  fluxbox >"$run/fluxbox" 2>&1 4<&- & # its menu starts programs, which would hold that pipe
  wm=$!
  LC_ALL=C fbsetroot -solid '#2e4057' # it has no messages in C.UTF-8, and says so
  {
    while true; do
      while read -r -t 0.2 line <&4; do
        if [[ $line == "_NET_SUPPORTING_WM_CHECK(WINDOW)"* ]]; then break 2; fi
      done
      # what changed just before it listened it does not tell; "no such atom on any window" is no window manager's
      if [[ $(xprop -root _NET_SUPPORTING_WM_CHECK 2>/dev/null) == *"window id"* ]]; then break; fi
    done
    echo "[desktop] ready"
    kill "$spy"
  } &
  announcer=$!
  exec 4<&-
fi

# wait -n knows nothing of one that had ended before some other command did
if kill -0 "$x" && kill -0 "$web" && kill -0 "${wm:-$x}"; then wait -n "$x" "$web" "${wm:-$x}"; fi 2>/dev/null
if [ -n "${announcer:-}" ]; then kill "$announcer" && wait "$announcer"; fi 2>/dev/null # the reason is the last word
for name in Xvnc websockify fluxbox; do
  case $name in Xvnc) pid=$x ;; websockify) pid=$web ;; *) pid=${wm:-} ;; esac
  if [ -n "$pid" ] && ! kill -0 "$pid" 2>/dev/null; then
    wait "$pid"
    status=$?
    echo "[desktop] $name exited with status $status: $(tail -n 1 "$run/$name" 2>/dev/null)" >&2
  fi
done
exit "$((${status:-0} ? status : 1))"
