#!/bin/sh
# A task's command that its program runs by exec: with_logs.sh WORD…. Its output goes to its caller, and also to the
# container's own output, which process 1 has open and docker logs shows. The two streams stay separate; input and
# status are the command's. Without bash or tee, or if this user may not write there, only the caller gets the output.
if ! command -v "$1" >/dev/null; then
  said="[desktop] command not found in the image: $1; install it in the setup script or the base"
  echo "$said" >&2
  (echo "$said" >>/proc/1/fd/2) 2>/dev/null
  exit 127
fi
if ! (: >>/proc/1/fd/1 && : >>/proc/1/fd/2) 2>/dev/null || ! command -v bash >/dev/null || ! command -v tee >/dev/null; then
  exec "$@"
fi
# bash ends with the command: a program that the command leaves behind may keep its output open, and tee with it. What
# bash itself prints, such as that a command was killed, is not part of the command's output.
# shellcheck disable=SC2016
exec bash -c 'exec 3>&2 2>/dev/null
exec 4> >(exec tee -a /proc/1/fd/1 3>&-)
exec 5> >(exec tee -a /proc/1/fd/2 >&3 3>&- 4>&-)
(exec "$@" >&4 2>&5 3>&- 4>&- 5>&-)' command "$@"
