#!/usr/bin/env bash
# Start the desktop and stay: the main process of a task's container. Not baked in: changing it rebuilds nothing.
# Reads DESKTOP_GEOMETRY (1280x800), DESKTOP_DEPTH (24), DESKTOP_DISPLAY (1), DESKTOP_NOVNC_PORT (6080).
set -uo pipefail

export DISPLAY=:${DESKTOP_DISPLAY:-1}
# shellcheck source=/dev/null
. /etc/profile.d/desktop.sh
rfb=$((5900 + ${DISPLAY#:}))
logs=$(mktemp -d)

# shellcheck disable=SC2329
stop() { trap - TERM INT; kill 0; exit 143; }
trap stop TERM INT

coproc X { exec Xvnc "$DISPLAY" -displayfd 1 -geometry "${DESKTOP_GEOMETRY:-1280x800}" -depth "${DESKTOP_DEPTH:-24}" \
  -rfbport "$rfb" -localhost -SecurityTypes None -AlwaysShared 2>"$logs/Xvnc"; }
x=$X_PID
websockify --web "$NOVNC_PATH" "${DESKTOP_NOVNC_PORT:-6080}" "127.0.0.1:$rfb" >"$logs/websockify" 2>&1 &
web=$!

if read -r _ <&"${X[0]}"; then # Xvnc says that it takes clients
  mkdir -p ~/.fluxbox && cp -n /etc/desktop-bake/fluxbox/* ~/.fluxbox/ # a base's own configuration wins
  fluxbox >"$logs/fluxbox" 2>&1 &
  wm=$!
  fbsetroot -solid '#2e4057'
  until xprop -root _NET_SUPPORTING_WM_CHECK 2>/dev/null | grep -q window; do kill -0 "$wm" 2>/dev/null || break; done
  echo "[desktop] ready"
fi

wait -n "$x" "$web" "${wm:-$x}"
status=$?
for name in Xvnc websockify fluxbox; do
  case $name in Xvnc) pid=$x ;; websockify) pid=$web ;; *) pid=${wm:-} ;; esac
  if [ -n "$pid" ] && ! kill -0 "$pid" 2>/dev/null; then
    echo "[desktop] $name exited with status $status: $(tail -n 1 "$logs/$name" 2>/dev/null)" >&2
  fi
done
exit "$((status ? status : 1))"
