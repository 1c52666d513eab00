#!/bin/sh
# The main process of a task whose desktop is installed at start: at_start.sh PROGRAM WORD…. Once a line says that
# everything is installed, it becomes that program, which reads the rest. If none comes, the starter is gone.
read -r _ || exit 1
exec "$@"
