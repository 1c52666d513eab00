#!/bin/sh
# A task's command on its own terminal: on_terminal.sh WITH_PYTHON TEXT WORD…, with the texts of with_python.sh and
# task_terminal.py. The command gets the PATH of this process, not Python's.
with_python=$1 text=$2
shift 2
if ! command -v "$1" >/dev/null; then
  echo "[desktop] command not found in the image: $1; install it in the setup script or the base" >&2
  exit 127
fi
PATH="${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" /bin/sh -c \
  'command -v websockify || command -v python3' >/dev/null ||
  { echo "[desktop] no Python for a terminal of the command; install python3 in the image, or leave out -t" >&2; exit 126; }
exec /bin/sh -c "$with_python" python -I -S -c "$text" "${PATH-}" "$@"
