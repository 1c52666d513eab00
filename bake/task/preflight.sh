#!/bin/sh
# Run the script from standard input: no process list shows it, and it may be longer than an argument. PATH is as in
# with_bash.sh. With an argument, the user may not be the task's; as in a bake, it then has neither the task's session
# nor its home.
export PATH="${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
if [ -n "${1:-}" ]; then
  owns() { [ "$(stat -c %u "$1" 2>/dev/null)" = "$(id -u)" ]; }
  owns "${XDG_RUNTIME_DIR:-/}" || unset XDG_RUNTIME_DIR DBUS_SESSION_BUS_ADDRESS
  if ! owns "${HOME:-/}"; then HOME=$(getent passwd "$(id -u)" | cut -d : -f 6) && export HOME; fi
fi
f=$(mktemp) && cat >"$f" && "$(command -v bash || command -v sh)" "$f" </dev/null
s=$?
rm -f "$f"
exit "$s"
