#!/usr/bin/env bash
# The main process of a task that installs its desktop at start: at_start.sh FOLDER SCRIPTS RUN
# GATE MORE…. Runs the scripts of these names in FOLDER, then the text of desktop_run.sh with that of desktop_gate.py and
# more. Standard output is the command's.
# The scripts must not eat the secret, which comes by the standard input; and when that ends, so does the install.
# Nor may they be given it: a variable of the environment hands a new value on.
set -e +ax
unset desktop_line
exec 3<&0 </dev/null
read -r desktop_line <&3
[ "${desktop_line#* }" = stay ] || { while read -r _ <&3; do :; done; kill -TERM $$; } &
for script in $2; do bash "$1/$script" 3<&- >&2; done
echo "[desktop] installed" >&2
kill $! 2>/dev/null || true
exec bash -c "$3" desktop "${@:4}" < <(printf '%s\n' "$desktop_line"; exec cat <&3)
