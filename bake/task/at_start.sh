#!/bin/sh
# The main process of a task whose desktop is installed at start: at_start.sh PROGRAM WORD…. It becomes that program,
# which reads what follows, once a line says that all is installed. If none comes, who started it is gone.
read -r _ || exit 1
exec "$@"
