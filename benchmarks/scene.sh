#!/usr/bin/env bash
# The demonstration's task: a terminal that shows the base and its tools.
# shellcheck disable=SC2016
xterm -geometry 78x18+60+70 -fa DejaVuSansMono -fs 11 -T "a task with a desktop" \
  -e bash -c 'cat /etc/os-release; echo
    for t in Xvnc fluxbox xterm websockify import xdotool; do command -v $t; done; sleep 60' &
until xdotool search --name "a task with a desktop" >/dev/null; do :; done
xdotool search --sync --onlyvisible --name "a task with a desktop" >/dev/null
sleep 1
wmctrl -l
