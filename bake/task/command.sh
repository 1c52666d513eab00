#!/bin/sh
# A task's command, and when the task ends: command.sh [WORD…]. Standard input comes from the program that started the
# task. If it ends before it has written a line, the command never runs. The line is one of these:
#   go           the command replaces this process: its output and its status are the container's, and it outlives that
#                program, as in docker run -d
#   exit STATUS  that program ran the command itself, which ended with this status
unset action status
read -r action status || exit 143
if [ "$action" = exit ]; then exit "$status"; fi
if [ "$action" != go ]; then exit 143; fi
if ! command -v "$1" >/dev/null; then
  echo "[desktop] command not found in the image: $1; install it in the setup script or the base" >&2
  exit 127
fi
exec "$@" </dev/null
