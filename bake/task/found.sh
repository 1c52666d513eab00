#!/bin/sh
# A further command in a task's container: found.sh FOLDER WORD…, in that folder unless it is empty. If the image lacked
# the command or the folder, docker would say so on standard output.
folder=$1
shift
if [ -n "$folder" ] && ! cd -- "$folder" >/dev/null 2>&1; then
  echo "[desktop] cannot change to the folder $folder; name another: --workdir DIR" >&2
  exit 126
fi
if ! command -v "$1" >/dev/null; then
  echo "[desktop] command not found in the image: $1; install it in the setup script or the base" >&2
  exit 127
fi
exec "$@"
