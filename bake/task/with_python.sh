#!/bin/sh
# Run websockify's Python, which every desktop has, with these arguments. PATH is as in with_bash.sh.
export PATH="${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
first=
file=$(command -v websockify) && read -r first <"$file"
case $first in
  '#!'*python*) first=${first#'#!'} ;;
  *) first=python3 ;;
esac
# shellcheck disable=SC2086
exec $first "$@"
