#!/usr/bin/env bash
# Start the desktop, see that a window manager lives and that something is to be seen, and save the picture:
# desktop_check.sh RUN_SCRIPT GATE PICTURE. Needs no network. Reads DESKTOP_CHECK_TIMEOUT_S (30), a build argument.
set -uo pipefail

export DISPLAY=:${DESKTOP_DISPLAY:-1} XAUTHORITY=/tmp/.X11-unix/cookie
log=$(mktemp)
deadline=$((SECONDS + ${DESKTOP_CHECK_TIMEOUT_S:-30}))
fail() { echo "[desktop-check] FAILED: $*" >&2; exit 1; }
# what the desktop itself said last, where it said something
said() { grep -vE '\[desktop\] (ready|noVNC listens)$' "$log" | tail -n 1 | sed 's/^\[desktop\] /: /'; }
wait_for() { # WHAT COMMAND…
  local what=$1
  shift
  until "$@"; do
    kill -0 "$desktop" 2>/dev/null || fail "the desktop ended$(said)"
    [ "$SECONDS" -lt "$deadline" ] || fail "$what"
    sleep 0.1
  done
}
ready() { grep -q '\[desktop\] ready$' "$log"; } # others may have begun that line
managed() { manager=$(timeout 5 wmctrl -m 2>/dev/null | sed -n 's/^Name: //p') && [ -n "$manager" ]; }
colours() { timeout 20 import -silent -window root -format %k info:- 2>/dev/null; }
visible() { count=$(colours) && [ "${count:-0}" -gt 1 ]; }

setsid bash "$1" "$(cat "$2")" </dev/null >"$log" 2>&1 & # it ends its whole process group, which ours must not be in
desktop=$!
trap 'kill "$desktop" 2>/dev/null' EXIT

wait_for "the desktop did not come up in time$(said)" ready
wait_for "no window manager answers" managed
wait_for "the screen is blank: one colour from edge to edge" visible
timeout 20 import -silent -window root "png:$3" || fail "no screenshot can be taken"
kill -0 "$desktop" 2>/dev/null || fail "the desktop ended$(said)"
echo "[desktop-check] ok: $manager, $(xwininfo -root | sed -n 's/^ *-geometry \([0-9x]*\).*/\1/p'), $count colours"
