#!/bin/sh
# Run a command. Then end all that the command started; also if the pipe $0 ends because the process that has it open
# was killed. A shell notices the end of a pipe on every system, and whichever of our threads started it.
trap : INT
(read -r _; kill -KILL 0) <"$0" >/dev/null 2>&1 &
"$@"
status=$?
trap '' TERM
kill -TERM 0
wait
exit $status
