#!/usr/bin/env bash
# Configure the desktop: where noVNC lies, what every shell knows, what the window manager shows.
set -euo pipefail

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
write() { as_root mkdir -p "$(dirname "$1")" && as_root tee "$1" >/dev/null; }

for path in /usr/share/novnc /usr/share/webapps/novnc /opt/novnc; do
  if [ -e "$path/vnc.html" ]; then novnc=$path && break; fi
done
[ -n "${novnc:-}" ] || { echo "[desktop] missing after install: noVNC's vnc.html" >&2; exit 1; }

write /etc/profile.d/desktop.sh <<X
# Written by desktop_setup.sh: for login shells, and through the bash.bashrc for others.
export NOVNC_PATH=$novnc
export DISPLAY=\${DISPLAY:-:1}
if [ -z "\${XAUTHORITY:-}" ] && [ -r /tmp/.X11-unix/cookie ]; then export XAUTHORITY=/tmp/.X11-unix/cookie; fi
if [ -z "\${LANG:-}\${LC_ALL:-}\${LC_CTYPE:-}" ]; then export LANG=C.UTF-8; fi
X
for rc in /etc/bash.bashrc /etc/bash/bashrc; do
  if [ -e "$rc" ] && ! grep -q profile.d/desktop.sh "$rc"; then
    line='[ -r /etc/profile.d/desktop.sh ] && . /etc/profile.d/desktop.sh'
    { echo "$line"; cat "$rc"; } | write "$rc.desktop" && as_root mv "$rc.desktop" "$rc"
  fi
done

write /etc/desktop-bake/fluxbox/init <<'X'
session.configVersion: 13
session.screen0.toolbar.visible: true
session.screen0.toolbar.widthPercent: 100
session.screen0.toolbar.tools: workspacename, iconbar, clock
session.screen0.workspaces: 1
session.styleFile: /usr/share/fluxbox/styles/zimek_darkblue
session.styleOverlay: ~/.fluxbox/overlay
session.menuFile: ~/.fluxbox/menu
X
write /etc/desktop-bake/fluxbox/overlay <<'X'
background: unset
X
write /etc/desktop-bake/fluxbox/menu <<'X'
[begin] (Desktop)
  [exec] (Terminal) {xterm}
  [workspaces] (Workspaces)
[end]
X
# What of these a user lacks, fluxbox copies at start, and then has the kernel write all disks of the machine (sync).
for folder in /usr/share/fluxbox /etc/X11/fluxbox; do # Arch's, Debian's
  for name in keys apps windowmenu window.menu; do
    if [ -e "$folder/$name" ]; then write "/etc/desktop-bake/fluxbox/${name/window.menu/windowmenu}" <"$folder/$name"; fi
  done
done
echo "[desktop] configured"
