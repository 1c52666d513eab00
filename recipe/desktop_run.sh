#!/usr/bin/env bash
# Start the desktop and stay: desktop_run.sh GATE [held [COMMAND WORD…] | alone], the main process of a container. GATE is
# the text of desktop_gate.py and its parts. Neither is baked in: changing them rebuilds nothing.
# Reads DESKTOP_GEOMETRY (1280x800), DESKTOP_DEPTH (24), DESKTOP_DISPLAY (1), DESKTOP_NOVNC_PORT (6080), DESKTOP_NAME (the
# title), DESKTOP_KEYBOARD (a layout of XKB's, such as de, or "de(nodeadkeys)"; us if it is not set), and from its
# standard input one line, "SECRET [stay]": whoever knows SECRET gets to the screen ("-": whoever reaches the port;
# without a line nobody does). The desktop ends when that input ends, that is with the program that started it, unless
# the line says "stay". If "held" is given and no line comes, that program was killed before it gave one.
# COMMAND is the text of command.sh, which reads what follows that line, and with which the desktop ends. Standard output
# is the command's; lines of our own are on standard error.
# "alone": Compose or docker run starts it, and it ends when it is stopped. SECRET is the content of the file
# DESKTOP_BAKE_SECRET_FILE (/run/secrets/desktop_bake_secret), else the variable DESKTOP_BAKE_SECRET, else that line;
# without a good one it does not start. /tmp/.X11-unix/ready is there once a browser gets to the screen.
set -uo pipefail +aex # SHELLOPTS of the environment would export or print what is read here
: "${1:?the text of desktop_gate.py}"

desktop_path=${PATH%:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin} # with_bash.sh
desktop_novnc=${NOVNC_PATH-}
export DISPLAY=:${DESKTOP_DISPLAY:-1} XAUTHORITY=/tmp/.X11-unix/cookie
# A setup script in place of the shipped one may have written neither this nor the window manager's configuration.
# shellcheck source=/dev/null
if [ -r /etc/profile.d/desktop.sh ]; then . /etc/profile.d/desktop.sh; fi
for path in /usr/share/novnc /usr/share/webapps/novnc /opt/novnc; do
  if [ -z "${NOVNC_PATH:-}" ] && [ -e "$path/vnc.html" ]; then NOVNC_PATH=$path; fi
done
[ -n "${NOVNC_PATH:-}" ] || { echo "[desktop] missing: noVNC's vnc.html" >&2; exit 1; }
unset desktop_secret desktop_stays announcer named status wm work # a variable of the environment would hand its new value on
exec 3<&0 </dev/null
refuse() { echo "[desktop] refused: $1" >&2; exit 1; }
own_secret() {
  local LC_ALL=C file=${DESKTOP_BAKE_SECRET_FILE:-/run/secrets/desktop_bake_secret}
  if [ -n "${DESKTOP_BAKE_SECRET_FILE:-}" ] || [ -e "$file" ]; then
    # Compose's file is root's; where the image runs as a user, it has sudo
    { desktop_secret=$(cat "$file" || sudo -n cat "$file"); } 2>/dev/null || refuse "cannot read the secret in $file"
  elif [ -n "${DESKTOP_BAKE_SECRET:-}" ]; then
    desktop_secret=$DESKTOP_BAKE_SECRET
  elif [ ! -t 3 ]; then
    read -r -t 60 desktop_secret <&3
  fi
  unset DESKTOP_BAKE_SECRET # programs of the desktop would have it
  [ -n "${desktop_secret:-}" ] ||
    refuse "no secret: set DESKTOP_BAKE_SECRET, or DESKTOP_BAKE_SECRET_FILE to a file that holds it"
  [[ $desktop_secret =~ ^[A-Za-z0-9._~-]{16,128}$ ]] ||
    refuse "the secret is not one line of 16 to 128 letters, digits and '-._~'; with another, start a new container"
}
if [ "${2:-}" = alone ]; then
  own_secret
  desktop_stays=stay
  [[ ${DESKTOP_GEOMETRY:-1280x800} =~ ^[1-9][0-9]{1,4}x[1-9][0-9]{1,4}$ ]] ||
    refuse "bad geometry '$DESKTOP_GEOMETRY': write WIDTHxHEIGHT in pixels, such as 1280x800"
  [ -n "${LANG:-}${LC_ALL:-}${LC_CTYPE:-}" ] || export LANG=C.UTF-8
fi
# Whoever shares the folder of X's sockets gets to the screen. In a task a file system of its own lies there, over what
# is mounted on /tmp; but a link in the image may lead another mount's target here.
sockets=/tmp/.X11-unix top='' own=0
if [ -n "${2:-}" ]; then
  folder=$(cd -P "$sockets" 2>/dev/null && pwd)/
  while read -r _ _ _ _ point _; do
    point=${point%/}/
    if [[ $folder == "$point"* ]]; then top=$point; fi
    if [ "$folder" = "$point" ]; then own=$((own + 1)); fi
  done </proc/self/mountinfo
  if [ "$folder" = / ] || [ "$top" != "$folder" ] || [ "$own" != 1 ]; then
    [ "$2" != alone ] || refuse "$sockets is no tmpfs: --mount type=tmpfs,target=$sockets,tmpfs-mode=1777"
    echo "[desktop] a mount leads to $sockets by a link in the image, and would share the screen" >&2
    exit 1
  fi
fi
[ -d "$sockets" ] || mkdir -m 1777 "$sockets"
# Only their owner gets in. On a file system of one's own nobody was there before.
if [ -n "$top" ] && mkdir -m 700 "$sockets/run" "$sockets/desktop" 2>/dev/null; then
  run=$sockets/desktop
else
  run=$(mktemp -d -p "${top:-/tmp}")
fi
if ! { [ -d ~ ] && [ -w ~ ]; }; then
  HOME=$(TMPDIR='' mktemp -d /tmp/home.XXXXXX 2>/dev/null || mktemp -d -p "$run")
  ln -sn "$HOME" "$sockets/home" # a login shell takes it for its own
fi
title=${DESKTOP_NAME:-} title=${title//[[:cntrl:]]/ }
# The cookie of X, in the form of libXau: for any host and display. Without it X would let in every user.
cookie() {
  [ ! -e "$XAUTHORITY" ] || rm "$XAUTHORITY" # of a container that is started again
  local id at bytes=''
  read -r id </proc/sys/kernel/random/uuid && id=${id//-/} || return # 122 bits by chance, without a further process
  for ((at = 0; at < 32; at += 2)); do bytes+="\\x${id:at:2}"; done
  umask 077 && set -C && printf '\377\377\0\0\0\0\0\22MIT-MAGIC-COOKIE-1\0\20%b' "$bytes" >"$XAUTHORITY"
}
(cookie) || { echo "[desktop] cannot write $XAUTHORITY" >&2; exit 1; }
depth=(-depth "${DESKTOP_DEPTH:-24}")
# The Composite extension adds a visual of 32 bits to those of 16: some programs take the deepest, and paint nothing.
[ "${DESKTOP_DEPTH:-24}" != 16 ] || depth+=(-extension Composite)
# X has no port, only a socket, and asks for the cookie beside it.
# There is no password to guess, and a few that only look for the banner would have Xvnc turn away the next.
coproc X { exec Xvnc "$DISPLAY" -displayfd 1 -geometry "${DESKTOP_GEOMETRY:-1280x800}" "${depth[@]}" \
  -auth "$XAUTHORITY" -nolisten tcp -nolisten local -rfbport -1 -rfbunixpath "$run/vnc" -rfbunixmode 384 \
  -SecurityTypes None -BlacklistThreshold 1000000000 -AlwaysShared -desktop "${title:-desktop}" 2>"$run/Xvnc"; }
x=$! up=${X[0]:-} # bash takes X and X_PID away once it has ended

# What is not the task's secret need not wait for it.
if [ "${2:-}" != alone ] && ! { [ -t 3 ] || read -r -t 60 desktop_secret desktop_stays; } <&3; then
  [ "${2:-}" != held ] || { echo "[desktop] the program that started it is gone" >&2; exit 1; }
  desktop_stays=stay
fi
# Whatever installed the desktop, websockify came with a Python, and its own script names that. Isolated: what lies in the
# working directory is not imported.
python= && hash websockify && read -r python <"${BASH_CMDS[websockify]}"
case $python in
  '#!'*python*) read -ra python <<<"${python#\#!}" ;;
  *) python=(python3) ;;
esac

# The program that started it may be gone when somebody asks for the address: whoever may run programs here as its user
# gets the secret. It lies in memory, in a file system of the container's own.
if [ "${2:-}" = held ]; then
  (umask 077 && set -C && printf '%s\n' "${desktop_secret:-}" >"$sockets/secret") || exit 1
fi

# Its modules one after the other: read at once, they would take another megabyte for good.
modules='import sys
for module in sys.argv.pop(1).split("# the next module\n"): exec(module)'
"${python[@]}" -I -S -c "$modules" "$1" "${DESKTOP_NOVNC_PORT:-6080}" "$NOVNC_PATH" "$run/vnc" \
  "${DISPLAY#:}" "$XAUTHORITY" <<<"${desktop_secret:-}" >&2 2>"$run/gate" &
web=$!
unset desktop_secret

# A folder for sockets, which a program expects to be its user's alone, and the session's bus in it.
runtime=$sockets/run
[ -O "${XDG_RUNTIME_DIR:-/}" ] && [ "${XDG_RUNTIME_DIR:-/}" != / ] && [ -w "$XDG_RUNTIME_DIR" ] || {
  [ -d "$runtime" ] || mkdir -m 700 "$runtime" 2>/dev/null
  XDG_RUNTIME_DIR=$runtime
}
bus=unix:path=$XDG_RUNTIME_DIR/bus
if [ "${DBUS_SESSION_BUS_ADDRESS:-$bus}" = "$bus" ] && hash dbus-daemon 2>/dev/null; then
  DBUS_SESSION_BUS_ADDRESS=$bus
  dbus-daemon --session --nofork --nopidfile --nosyslog --address="$bus" >"$run/dbus" 2>&1 3<&- &
fi
export HOME XDG_RUNTIME_DIR ${DBUS_SESSION_BUS_ADDRESS:+DBUS_SESSION_BUS_ADDRESS}
export QT_QPA_PLATFORM=${QT_QPA_PLATFORM:-xcb} XAPPLRESDIR=${XAPPLRESDIR:-/etc/desktop-bake/app-defaults}

# shellcheck disable=SC2329
stop() { # the command may take its time, as in docker
  trap '' TERM INT
  if [ -n "${work:-}" ]; then kill -TERM "$work" && wait "$work"; status=$?; fi 2>/dev/null
  kill 0
  exit "${status:-143}"
}
trap stop TERM INT
if [ -n "${3:-}" ]; then
  set -m # else what runs in the background ignores SIGINT
  (
    PATH=$desktop_path
    if [ -z "$desktop_novnc" ]; then unset NOVNC_PATH; fi
    exec /bin/sh -c "$3" command "${@:4}"
  ) <&3 &
  work=$!
  set +m
elif [ "${desktop_stays:-}" != stay ]; then
  { read -r _ <&3; kill -TERM $$; } &
fi

if [ -e /etc/desktop-bake/fluxbox/init ]; then
  [ -e ~/.fluxbox/init ] || named=${title//[,\\]/ } # in fluxbox's list of names
  cp -rnT /etc/desktop-bake/fluxbox ~/.fluxbox # a base's own configuration wins
  # between spaces that it does not cut off
  [ -z "${named:-}" ] || printf 'session.screen0.workspaceNames: \302\240%s\302\240,\n' "$named" >>~/.fluxbox/init
elif [ ! -e ~/.fluxbox/overlay ] && [ -z "$(type -P Esetroot feh hsetroot wmsetbg)" ] && mkdir -p ~/.fluxbox; then
  # The distribution's style has a wallpaper. ImageMagick would set it, on a part of the screen, and fail in a window.
  echo 'background: unset' >~/.fluxbox/overlay
fi
if [ -n "$up" ] && read -r _ 2>/dev/null <&"$up"; then # Xvnc says that it takes clients
  if [ -n "${DESKTOP_KEYBOARD:-}" ]; then
    setxkbmap "$DESKTOP_KEYBOARD" 2>/dev/null || refuse "no keyboard layout '$DESKTOP_KEYBOARD': write one of XKB's, such as de"
  fi
  # It tells when the window manager is up: asked again and again, many desktops at once would cost more than starting.
  exec 4< <(exec xprop -root -spy 2>/dev/null)
  spy=$!
  fluxbox >"$run/fluxbox" 2>&1 4<&- & # its menu starts programs, which would hold that pipe
  wm=$!
  for folder in /usr/share/applications /usr/local/share/applications ~/.local/share/applications; do
    if [ "$folder" -nt /etc/desktop-bake/menu ] && [ -x /etc/desktop-bake/menu.sh ]; then
      menu=$(readlink -m ~/.fluxbox/menu)
      [ -w "${menu%/*}" ] || { rm -f ~/.fluxbox/menu; menu=~/.fluxbox/menu; }
      /etc/desktop-bake/menu.sh "$menu" 4<&- &
      break
    fi
  done 2>/dev/null
  {
    pause=0.2
    while true; do
      while read -r -t "$pause" line <&4; do
        if [[ $line == "_NET_SUPPORTING_WM_CHECK(WINDOW)"* ]]; then break 2; fi
      done
      # what changed just before it listened it does not tell; "no such atom on any window" is no window manager's
      if [[ $(xprop -root _NET_SUPPORTING_WM_CHECK 2>/dev/null) == *"window id"* ]]; then break; fi
      pause=1 # on a busy machine, this program is a part of what keeps it busy
    done
    echo "[desktop] ready" >&2
    kill "$spy"
    notes=/etc/desktop-bake/agent-notes.md # layers may have added programs
    if [ -w "$notes" ] && { [ /usr/bin -nt "$notes" ] || [ /usr/local/bin -nt "$notes" ]; } && hash agent-notes 2>/dev/null; then
      agent-notes >"$notes"
    fi
    if [ "${2:-}" = alone ]; then
      until (exec 5<>"/dev/tcp/127.0.0.1/${DESKTOP_NOVNC_PORT:-6080}") 2>/dev/null; do sleep 0.1; done
      mkdir "$sockets/ready" # unlike a file, it is never made through a link
      page="vnc.html#autoconnect=1&resize=remote&path=websockify%3Ftoken%3DSECRET"
      echo "[desktop] open http://127.0.0.1:${DESKTOP_BAKE_PORT:-PORT}/$page (docker port tells PORT; no log has SECRET)"
    fi
  } &
  announcer=$!
  exec 4<&-
fi

# wait -n knows nothing of one that had ended before some other command did
if kill -0 "$x" && kill -0 "$web" && kill -0 "${wm:-$x}" && kill -0 "${work:-$x}"; then
  wait -n "$x" "$web" "${wm:-$x}" "${work:-$x}"
fi 2>/dev/null
if [ -n "${work:-}" ] && ! kill -0 "$work" 2>/dev/null; then
  wait "$work" 2>/dev/null
  exit
fi
if [ -n "${announcer:-}" ]; then kill "$announcer" && wait "$announcer"; fi 2>/dev/null # the reason is the last word
for name in Xvnc gate fluxbox; do
  case $name in Xvnc) pid=$x ;; gate) pid=$web ;; *) pid=${wm:-} ;; esac
  if [ -n "$pid" ] && ! kill -0 "$pid" 2>/dev/null; then
    wait "$pid"
    status=$?
    echo "[desktop] $name exited with status $status: $(tail -n 1 "$run/$name" 2>/dev/null)" >&2
  fi
done
exit "$((${status:-0} ? status : 1))"
