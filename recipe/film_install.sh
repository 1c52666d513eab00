#!/usr/bin/env bash
# Install what films a task's screen: ffmpeg and Python, in an image of their own, never in a desktop's. Nobody installs
# anything else there: libraries that ffmpeg does not load, such as GL drivers with their compiler, are removed again.
set -eu

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n -E "$@"; fi; }
mark=$(mktemp)
if command -v apt-get >/dev/null; then
  as_root apt-get -q -o Acquire::Retries=3 update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 install \
    --no-install-recommends ffmpeg python3 </dev/null
  as_root apt-get clean
  as_root find /var/lib/apt/lists -mindepth 1 -delete
elif command -v pacman >/dev/null; then
  as_root pacman -Syu --noconfirm --needed ffmpeg python
  as_root find /var/cache/pacman/pkg -type f -delete
else
  echo "unsupported base: films need apt or pacman" >&2
  exit 1
fi
for tool in ffmpeg python3; do ldd "$(command -v "$tool")"; done |
  sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | xargs readlink -f | sort -u >"$mark.loaded"
find /usr/lib /usr/lib64/ -xdev -type f -name '*.so*' -size +500k -cnewer "$mark" ! -path '*/python3*' 2>/dev/null |
  sort -u | comm -23 - "$mark.loaded" | as_root xargs -r rm -f
rm -f "$mark" "$mark.loaded"
ffmpeg -hide_banner -loglevel error -f lavfi -i color=size=16x16:duration=1 -c:v libx264 -f null -
