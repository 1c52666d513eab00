#!/bin/sh
# Stay with a desktop that has no command, in the place of the program that started it, which holds fifty times the
# memory: watch.sh NUMBER WORD…. Standard input is the connection to the desktop's main process, which ends with it.
# Descriptor NUMBER has a line for standard error, which is printed once signals are heeded. In the end WORD… take a
# shell's place, with "interrupted" as a further word if a signal ended it, else "ended" and what the desktop said.
#
# A second shell reads: a shell that begins to read at that moment loses a signal, but one that waits for another does not.

watch() {
  said=''
  while read -r line; do # with the heads of the engine's frames
    case $line in
      *'[desktop] '*' exited with status '*) [ "${#said}" -gt 4000 ] || said="$said$line
" ;;
    esac
  done
  trap '' INT TERM
  exec "$@" ended "$said"
}

exec 3<"/dev/fd/$1" 4<&0
shift
watch "$@" <&4 3<&- 4<&- & # without a descriptor, its standard input would be /dev/null
watcher=$!
exec 4<&-
trap 'trap "" INT TERM; kill -KILL "$watcher" 2>/dev/null; exec "$@" interrupted' INT TERM
read -r line <&3
[ -z "$line" ] || printf '%s\n' "$line" >&2
wait "$watcher"
