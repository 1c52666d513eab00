#!/usr/bin/env bash
# Configure the desktop: where noVNC lies, what every shell knows, what the window manager shows.
set -euo pipefail

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
write() { # [-a | -x] FILE: from standard input; -a appends, -x makes it executable
  local flag=''
  case $1 in -*) flag=$1 && shift ;; esac
  as_root mkdir -p "$(dirname "$1")"
  if [ "$flag" = -a ]; then as_root tee -a "$1" >/dev/null; else as_root tee "$1" >/dev/null; fi
  if [ "$flag" = -x ]; then as_root chmod 755 "$1"; fi
}

for path in /usr/share/novnc /usr/share/webapps/novnc /opt/novnc; do
  if [ -e "$path/vnc.html" ]; then novnc=$path && break; fi
done
[ -n "${novnc:-}" ] || { echo "[desktop] missing after install: noVNC's vnc.html" >&2; exit 1; }

write /etc/profile.d/desktop.sh <<X
# Written by desktop_setup.sh: for login shells, and through the bash.bashrc for others. A task has these already.
export NOVNC_PATH=$novnc
X
write -a /etc/profile.d/desktop.sh <<'X'
export DISPLAY=${DISPLAY:-:1}
if [ -z "${XAUTHORITY:-}" ] && [ -r /tmp/.X11-unix/cookie ]; then export XAUTHORITY=/tmp/.X11-unix/cookie; fi
if [ -z "${LANG:-}${LC_ALL:-}${LC_CTYPE:-}" ]; then export LANG=C.UTF-8; fi
if [ -z "${XDG_RUNTIME_DIR:-}" ] && [ -O /tmp/.X11-unix/run ]; then export XDG_RUNTIME_DIR=/tmp/.X11-unix/run; fi
if [ -z "${DBUS_SESSION_BUS_ADDRESS:-}" ] && [ -O /tmp/.X11-unix/run ]; then
  export DBUS_SESSION_BUS_ADDRESS=unix:path=/tmp/.X11-unix/run/bus
fi
export QT_QPA_PLATFORM=${QT_QPA_PLATFORM:-xcb} XAPPLRESDIR=${XAPPLRESDIR:-/etc/desktop-bake/app-defaults}
if ! [ -w "${HOME:-/}" ] && [ -w /tmp/.X11-unix/home ]; then export HOME=/tmp/.X11-unix/home; fi
# a terminal's title: environment and folder
case "$- ${TERM:-}" in
  *i*\ xterm*)
    if [ -n "${BASH_VERSION:-}" ] && [ -z "${PROMPT_COMMAND:-}" ]; then
      PROMPT_COMMAND='printf "\033]0;%s%s\007" "${DESKTOP_NAME:+$DESKTOP_NAME: }" "${PWD/#"$HOME"/\~}"'
    fi
    ;;
esac
X
for rc in /etc/bash.bashrc /etc/bash/bashrc; do
  if [ -e "$rc" ] && ! grep -q profile.d/desktop.sh "$rc"; then
    line='[ -r /etc/profile.d/desktop.sh ] && . /etc/profile.d/desktop.sh'
    { echo "$line"; cat "$rc"; } | write "$rc.desktop" && as_root mv "$rc.desktop" "$rc"
  fi
done

# --- the window manager ---------------------------------------------------------------------------------------
write /etc/desktop-bake/fluxbox/init <<'X'
session.configVersion: 13
session.screen0.toolbar.visible: true
session.screen0.toolbar.widthPercent: 100
session.screen0.toolbar.tools: workspacename, iconbar, clock
session.screen0.titlebar.left:
session.screen0.titlebar.right: Minimize Maximize Close
session.screen0.iconbar.usePixmap: false
session.screen0.iconbar.iconWidth: 200
session.screen0.iconbar.iconTextPadding: 12
session.screen0.strftimeFormat: %H:%M
session.screen0.workspaces: 1
session.styleFile: /etc/desktop-bake/fluxbox/style
session.styleOverlay: ~/.fluxbox/overlay
session.menuFile: ~/.fluxbox/menu
X
write /etc/desktop-bake/fluxbox/overlay <<'X'
background: unset
X
# One font has letters and Chinese, Japanese and Korean signs: fluxbox takes no sign from a second one.
# *color and *colorTo are its own defaults: X is asked for each name of a colour that no line has, 196 times a start.
write /etc/desktop-bake/fluxbox/style <<'X'
*font: WenQuanYi Micro Hei,DejaVu Sans-10
*color: #a9a9a9
*colorTo: #ffffff
background: unset
borderWidth: 1
borderColor: #1b2838
bevelWidth: 0
handleWidth: 0
window.bevelWidth: 3
window.justify: center
window.roundCorners:
window.title.height: 26
window.title.focus: flat solid
window.title.focus.color: #3b5068
window.title.unfocus: flat solid
window.title.unfocus.color: #d5dbe3
window.label.focus: parentrelative
window.label.focus.textColor: #f4f7fb
window.label.unfocus: parentrelative
window.label.unfocus.textColor: #6b7786
window.label.active: parentrelative
window.label.active.textColor: #f4f7fb
window.button.focus: parentrelative
window.button.focus.picColor: #dbe4ee
window.button.unfocus: parentrelative
window.button.unfocus.picColor: #8b96a5
window.button.pressed: flat solid
window.button.pressed.color: #5b7b9c
window.button.pressed.picColor: #ffffff
window.frame.focusColor: #3b5068
window.frame.unfocusColor: #d5dbe3
window.tab.borderWidth: 0
window.tab.label.focus: parentrelative
window.tab.label.unfocus: parentrelative
toolbar: flat solid
toolbar.color: #1b2838
toolbar.height: 30
toolbar.borderWidth: 0
toolbar.bevelWidth: 0
toolbar.workspace: flat solid
toolbar.workspace.color: #3b5068
toolbar.workspace.textColor: #f4f7fb
toolbar.workspace.justify: center
toolbar.workspace.borderWidth: 0
toolbar.clock: flat solid
toolbar.clock.color: #1b2838
toolbar.clock.textColor: #c9d4e0
toolbar.clock.justify: center
toolbar.clock.borderWidth: 0
toolbar.iconbar.borderWidth: 0
toolbar.iconbar.empty: flat solid
toolbar.iconbar.empty.color: #1b2838
toolbar.iconbar.focused: flat solid
toolbar.iconbar.focused.color: #2e4057
toolbar.iconbar.focused.textColor: #f4f7fb
toolbar.iconbar.focused.justify: left
toolbar.iconbar.focused.borderWidth: 0
toolbar.iconbar.unfocused: flat solid
toolbar.iconbar.unfocused.color: #1b2838
toolbar.iconbar.unfocused.textColor: #9fb0c3
toolbar.iconbar.unfocused.justify: left
toolbar.iconbar.unfocused.borderWidth: 0
menu.borderWidth: 1
menu.borderColor: #1b2838
menu.bevelWidth: 4
menu.itemHeight: 26
menu.titleHeight: 28
menu.title: flat solid
menu.title.color: #3b5068
menu.title.textColor: #f4f7fb
menu.title.justify: left
menu.frame: flat solid
menu.frame.color: #f2f5f8
menu.frame.textColor: #243447
menu.frame.disableColor: #9aa6b4
menu.frame.underlineColor: #3b5068
menu.frame.justify: left
menu.hilite: flat solid
menu.hilite.color: #4d7ea8
menu.hilite.textColor: #ffffff
menu.bullet: triangle
menu.bullet.position: right
X
# xdotool binds a sign that no key has to a spare key for the moment that it types it, and a program that looks a moment
# later finds another there; and it loses what is upper case. With a key of its own for each, text arrives as it is.
if [ -x /usr/bin/xdotool ]; then
  write -x /usr/local/bin/xdotool <<'X'
#!/bin/sh
# xdotool, whose `type` is given keys for signs beyond ASCII.
if [ -n "$(printf %s "$*" | LC_ALL=C tr -d '\0-\177')" ]; then
  python3 -I /etc/desktop-bake/keys.py "$@" || true
fi
exec /usr/bin/xdotool "$@"
X
  write /etc/desktop-bake/keys.py <<'X'
"""Give each sign beyond ASCII in these arguments a key: keys.py TEXT..."""

import ctypes
import sys
import unicodedata

SOUND = range(0x1008FF11, 0x1008FF20)
x11 = ctypes.CDLL("libX11.so.6")
x11.XOpenDisplay.restype = ctypes.c_void_p
x11.XGetKeyboardMapping.restype = ctypes.POINTER(ctypes.c_ulong)
x11.XGetKeyboardMapping.argtypes = [ctypes.c_void_p, ctypes.c_ubyte, ctypes.c_int, ctypes.POINTER(ctypes.c_int)]
display = ctypes.c_void_p(x11.XOpenDisplay(None) or sys.exit("xdotool: no display"))
signs = sorted({sign for sign in "".join(sys.argv[1:]) if ord(sign) > 126 and unicodedata.category(sign) != "Cc"})
wanted = [ord(sign) if ord(sign) < 256 else 0x1000000 | ord(sign) for sign in signs]
first, last, width = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
x11.XDisplayKeycodes(display, ctypes.byref(first), ctypes.byref(last))
count = last.value - first.value + 1
table = x11.XGetKeyboardMapping(display, first.value, count, ctypes.byref(width))
keys = [table[number * width.value : (number + 1) * width.value] for number in range(count)]
there = {symbols[level] for symbols in keys for level in (0, 1) if level < len(symbols)}
spare = [number for number, symbols in enumerate(keys) if not any(symbols)]
# then those that were given before, then a multimedia keyboard's, but not those for sound: the window manager has them
spare += [n for n, (symbol, *more) in enumerate(keys) if symbol > 0x1000000 and not {symbol, *more} & {*SOUND, *wanted}]
spare = [n for n in spare if n > 2 and n + first.value not in (160, 174, 176)]  # the first are no keys to some programs
missing = [symbol for symbol in wanted if symbol not in there]
if len(missing) > 2 * len(spare):
    print(f"xdotool: more than {2 * len(spare)} different signs: type it in parts", file=sys.stderr)
levels = 1 if len(missing) <= len(spare) else 2
for number, at in zip(spare, range(0, len(missing), levels)):
    symbols = missing[at : at + levels]
    pair = (ctypes.c_ulong * 2)(symbols[0], symbols[-1])  # the same twice, or it would be taken for a pair of cases
    x11.XChangeKeyboardMapping(display, first.value + number, 2, pair, 1)
x11.XSync(display, 0)
X
fi
# The menu is one file for all users, so that a program that is installed while the desktop runs is in it at once.
as_root ln -sfn /etc/desktop-bake/menu /etc/desktop-bake/fluxbox/menu
write -x /etc/desktop-bake/menu.sh <<'X'
#!/bin/sh
# Print fluxbox's menu of the programs that are installed, by their .desktop files (Desktop Entry Specification 1.5):
# menu.sh [FILE]. Into a file it is written whole.
set -eu
export LC_ALL=C
entries() { # CATEGORY|NAME|COMMAND of each
  echo "${XDG_DATA_DIRS:-/usr/local/share:/usr/share}:${XDG_DATA_HOME:-${HOME:-/root}/.local/share}" | tr : '\n' |
    while read -r folder; do find "$folder/applications" -name '*.desktop' -print0 || true; done | xargs -r0 awk '
    function done() {
      if (name == "" || command == "" || hidden || type != "Application" || command ~ /^u?xterm( |$)|display-im/) return
      gsub(/%[a-zA-Z]/, "", command); gsub(/%%/, "%", command); sub(/ +$/, "", command)
      gsub(/[\\()]/, "\\\\&", name); gsub(/[{}|]/, "", name)
      if (command ~ /[{}]/) return
      if (terminal) command = "/etc/desktop-bake/terminal -e " command
      print place() "|" name "|" command
    }
    function place(   i, pair) {
      for (i = 1; i <= n; i++) { split(map[i], pair, "="); if (categories ~ ";(" pair[1] ");") return pair[2] }
      return "Other"
    }
    BEGIN {
      n = split("Settings|DesktopSettings=Settings Network|WebBrowser|Email|Chat=Internet Office=Office " \
        "Development|IDE=Development Graphics=Graphics AudioVideo|Audio|Video=Media Game=Games " \
        "Education|Science=Education Utility|TextEditor|FileManager|Calculator=Accessories System=System", map, " ")
    }
    FNR == 1 { if (seen++) done(); name = command = type = categories = ""; hidden = terminal = group = 0 }
    { sub(/\r$/, "") }
    /^\[/ { group = $0 == "[Desktop Entry]"; next }
    !group { next }
    /^Name *=/ { name = $0; sub(/^[^=]*= */, "", name) }
    /^Exec *=/ { command = $0; sub(/^[^=]*= */, "", command) }
    /^Type *=/ { type = $0; sub(/^[^=]*= */, "", type) }
    /^Categories *=/ { categories = $0; sub(/^[^=]*= */, ";", categories); categories = categories ";" }
    /^(NoDisplay|Hidden) *= *true/ { hidden = 1 }
    /^OnlyShowIn *=/ { hidden = 1 }
    /^Terminal *= *true/ { terminal = 1 }
    END { if (seen) done() }'
}
menu() {
  echo '[begin] (Programs)'
  echo '  [exec] (Terminal) {/etc/desktop-bake/terminal}'
  entries 2>/dev/null | sort -u | awk -F '|' '
    { line[NR] = $0 }
    END {
      for (i = 1; i <= NR; i++) {
        split(line[i], field, "|")
        command = substr(line[i], length(field[1]) + length(field[2]) + 3)
        if (NR > 8 && field[1] != last) {
          if (last != "") print "  [end]"
          print "  [submenu] (" field[1] ")"
        }
        last = field[1]
        print (NR > 8 ? "    " : "  ") "[exec] (" field[2] ") {" command "}"
      }
      if (NR > 8) print "  [end]"
    }'
  echo '[end]'
}
if [ -n "${1:-}" ]; then
  new=$(mktemp "$1.XXXXXX")
  trap 'rm -f "$new"' EXIT
  menu >"$new"
  chmod 644 "$new"
  mv "$new" "$1"
else
  menu
fi
X
write -x /etc/desktop-bake/terminal <<'X'
#!/bin/sh
# Open a terminal: terminal [-e COMMAND…]. The next one lies a little below, and a small screen has a small one. Those
# that start at the same time have no window yet, so each takes the first place that no living terminal has.
n=0
folder=${XDG_RUNTIME_DIR:-/nowhere}
places=$folder/terminal
if [ -w "$folder" ]; then
  exec 9<"$folder"
  flock 9
  while [ $n -lt 8 ] && grep -sqxE 'xterm|terminal' "/proc/$(cat "$places.$n" 2>/dev/null)/comm"; do n=$((n + 1)); done
  n=$((n % 8))
  rm -f "$places.$n"
  echo $$ >"$places.$n"
  exec 9<&-
fi
read -r width height <<END
$(xdotool getdisplaygeometry)
END
columns=$(((width - 240) / 9)) rows=$(((height - 240) / 18))
[ "$columns" -le 100 ] || columns=100
[ "$rows" -le 30 ] || rows=30
[ "$columns" -ge 40 ] || columns=40
[ "$rows" -ge 10 ] || rows=10
exec /usr/bin/xterm -geometry "${columns}x$rows+$((60 + n * 28))+$((40 + n * 28))" "$@"
X
# The window manager puts the first window that asks for no place into the corner, and xterm asks for none.
if [ -x /usr/bin/xterm ]; then
  write -x /usr/local/bin/xterm <<'X'
#!/bin/sh
# xterm: opens like the menu's terminal, unless its arguments or its user's resources may say where and how large.
program=/etc/desktop-bake/terminal
for word in "$@"; do
  case $word in
    -e) break ;;
    -g* | -fa | -fs | -fn | -font | -fu* | -max* | -into | -name | -class | -xrm | -h | -help | -v | -version) program=/usr/bin/xterm ;;
  esac
done
if [ -e ~/.Xdefaults ] || [ -e ~/.Xresources ]; then program=/usr/bin/xterm; fi
exec "$program" "$@"
X
fi
# Programs that a layer or a task installs get into the menu by the package manager; desktop_run.sh looks for others.
if [ -d /etc/apt/apt.conf.d ]; then
  write /etc/apt/apt.conf.d/99desktop-menu <<'X'
DPkg::Post-Invoke { "[ ! -x /etc/desktop-bake/menu.sh ] || /etc/desktop-bake/menu.sh /etc/desktop-bake/menu || true"; };
X
fi
if [ -e /etc/pacman.conf ]; then
  write /etc/pacman.d/hooks/desktop-menu.hook <<'X'
[Trigger]
Operation = Install
Operation = Upgrade
Operation = Remove
Type = Path
Target = usr/share/applications/*.desktop

[Action]
When = PostTransaction
Exec = /etc/desktop-bake/menu.sh /etc/desktop-bake/menu
X
fi
as_root /etc/desktop-bake/menu.sh /etc/desktop-bake/menu

# --- the terminal: XAPPLRESDIR names the folder, and what a user has in ~/.Xdefaults comes before it ---------------
write /etc/desktop-bake/app-defaults/XTerm <<'X'
*faceName: DejaVu Sans Mono
*faceSize: 11
*VT100.geometry: 100x30
*VT100.internalBorder: 6
*VT100.saveLines: 10000
*VT100.scrollBar: false
*VT100.bellIsUrgent: false
*VT100.selectToClipboard: true
*VT100.cursorColor: #d5dbe3
*VT100.background: #1b2330
*VT100.foreground: #dfe6ee
*VT100.color0: #1b2330
*VT100.color1: #e06c75
*VT100.color2: #98c379
*VT100.color3: #e5c07b
*VT100.color4: #6aa8e8
*VT100.color5: #c792ea
*VT100.color6: #56b6c2
*VT100.color7: #c9d1d9
*VT100.color8: #6b7786
*VT100.color9: #ff8b94
*VT100.color10: #b5e08f
*VT100.color11: #ffd68a
*VT100.color12: #8cc1ff
*VT100.color13: #dcb3f7
*VT100.color14: #7fd4df
*VT100.color15: #ffffff
*termName: xterm-256color
*VT100.translations: #override \n\
  Ctrl Shift <Key>C: copy-selection(CLIPBOARD) \n\
  Ctrl Shift <Key>V: insert-selection(CLIPBOARD)
X
write /etc/desktop-bake/app-defaults/UXTerm </etc/desktop-bake/app-defaults/XTerm

# What of these a user lacks, fluxbox copies at start, and then has the kernel write all disks of the machine (sync).
for folder in /usr/share/fluxbox /etc/X11/fluxbox; do # Arch's, Debian's
  for name in keys apps windowmenu window.menu; do
    if [ -e "$folder/$name" ]; then # a left click opens the menu, too
      sed 's/^OnDesktop Mouse1 :HideMenus/OnDesktop Mouse1 :RootMenu/' "$folder/$name" |
        write "/etc/desktop-bake/fluxbox/${name/window.menu/windowmenu}"
    fi
  done
done
# What a program that works on the desktop has to know, by what is installed; desktop_run.sh has it written anew at every
# start, as layers add programs, and whoever the task runs as may write it.
write /usr/local/bin/agent-notes <<'X'
#!/bin/sh
# Print how to work on this desktop by commands; each line that begins with four spaces can be run as it stands.
has() { command -v "$1" >/dev/null 2>&1; }
cat <<'N'
# This desktop, for agents

Windows open on the X display that `DISPLAY` names, `:1`. A person may be watching it in a browser, and may change its
size unless it was given.

See the screen, its size, and which windows there are:

    import -silent -window root /tmp/screen.png
    xwininfo -root | grep -- -geometry
    xwininfo -root -tree | sed -n '/("/p'

Click (1 left, 3 right, 4 and 5 scroll), type, press keys; they go to the window under the pointer, and to the active one:

    xdotool mousemove 640 400 click 1
    xdotool type --delay 20 'Hello'
    xdotool key ctrl+a

Start a program in the background, wait for its window, and bring it to the front:

    xterm &
    xdotool search --sync --onlyvisible --class xterm
    wmctrl -x -a xterm
N
for browser in chromium google-chrome firefox firefox-esr epiphany; do
  if has $browser; then
    printf '\nOpen a page in a browser:\n\n    %s about:blank &\n' $browser
    break
  fi
done
cat <<'N'

Files: this container's are gone when the task ends. What is to stay goes to a folder that is mounted, often the working
directory, or is fetched by `desktop-bake cp` from outside:

    pwd
    cat /proc/mounts
N
X
as_root chmod 755 /usr/local/bin/agent-notes
agent-notes | write /etc/desktop-bake/agent-notes.md
as_root chmod 666 /etc/desktop-bake/agent-notes.md
echo "[desktop] configured"
