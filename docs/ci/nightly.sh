#!/usr/bin/env bash
# Render, bake and publish the desktops of the desktop-bake.toml in a folder: nightly.sh FOLDER
# Everything goes to FOLDER/nightly/log; if a step fails, the log's end goes to standard error too.
set -euo pipefail
cd "${1:?usage: nightly.sh FOLDER}"
umask 077 # anyone who can open the lock file can hold the lock; the log shows what changed
mkdir -p nightly
chmod 700 nightly

exec 9>nightly/lock
if ! flock --nonblock 9; then
  echo "error: the last run has not ended, nothing was done" >&2
  exit 1
fi

[ ! -e nightly/log ] || mv -f nightly/log nightly/log.1
exec 3>&2 >nightly/log 2>&1
finish() {
  status=$?
  [ "$status" = 0 ] || { echo "error: exit status $status; the end of $PWD/nightly/log:" && tail -n 20 nightly/log; } >&3
}
trap finish EXIT

date --iso-8601=seconds
desktop-bake render -o nightly/ci --check || [ $? = 1 ] # 1: something changed; the log says what
desktop-bake render -o nightly/ci
export DESKTOP_BAKE_OUTPUT=type=image,compression=zstd,oci-mediatypes=true
(cd nightly/ci && docker buildx bake -f docker-bake.hcl desktop --push --progress plain)
