#!/bin/sh
# A further command in a task's container: found.sh WORD…. If the image lacked it, docker would say so on standard output.
if ! command -v "$1" >/dev/null; then
  echo "[desktop] command not found in the image: $1; install it in the setup script or the base" >&2
  exit 127
fi
exec "$@"
