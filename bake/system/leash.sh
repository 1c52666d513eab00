#!/bin/sh
# Run a command; then, or once the pipe $0 ends since whoever holds it was killed, end all that the command started. A
# shell tells the end of a pipe on every system, and whichever thread of ours started it.
trap : INT
(read -r _; kill -KILL 0) <"$0" >/dev/null 2>&1 &
"$@"
status=$?
trap '' TERM
kill -TERM 0
wait
exit $status
