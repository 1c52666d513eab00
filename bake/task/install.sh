#!/usr/bin/env bash
# Install what a task's image lacks: install.sh FOLDER SCRIPT…, as another user than the task's. As in a bake, there is
# no desktop, and no home of another user.
set -e
exec >&2
unset DISPLAY XAUTHORITY XDG_RUNTIME_DIR DBUS_SESSION_BUS_ADDRESS
if ! [ -O "${HOME:-/}" ]; then unset HOME && export HOME=~; fi
for script in "${@:2}"; do bash "$1/$script" </dev/null; done
echo "[desktop] installed"
