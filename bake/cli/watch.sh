#!/bin/sh
# Stay with a desktop that has no command, in the place of the program that started it, which holds fifty times the
# memory: watch.sh NUMBER WORD…. Standard input is the connection to the desktop's main process, which ends with it.
# Descriptor NUMBER has a line for standard error, which is printed once signals are heeded. In the end WORD… take this
# process's place, with "interrupted" as a further word if a signal ended it, else "ended" and what the desktop said.
trap 'trap "" INT TERM; exec "$@" interrupted' INT TERM
read -r line <"/dev/fd/$1"
shift
[ -z "$line" ] || printf '%s\n' "$line" >&2
said=''
while read -r line; do # with the heads of the engine's frames
  case $line in
    *'[desktop] '*' exited with status '*) [ "${#said}" -gt 4000 ] || said="$said$line
" ;;
  esac
done
trap '' INT TERM
exec "$@" ended "$said"
