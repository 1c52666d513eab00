#!/bin/sh
# Run the script that comes over standard input: no process list shows it, and it may be longer than an argument.
# PATH is as in with_bash.sh.
export PATH="${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
f=$(mktemp) && cat >"$f" && "$(command -v bash || command -v sh)" "$f" </dev/null
s=$?
rm -f "$f"
exit "$s"
