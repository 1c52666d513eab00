#!/bin/sh
# Run Python with these arguments: the one of websockify, which every desktop has. PATH is as in with_bash.sh.
export PATH="${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
first=
file=$(command -v websockify) && read -r first <"$file"
case $first in
  '#!'*python*) first=${first#'#!'} ;;
  *) first=python3 ;;
esac
# shellcheck disable=SC2086
exec $first "$@"
