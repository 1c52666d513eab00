#!/usr/bin/env bash
# Copy a shell, the programs that tests' scripts call, and what these need into a folder that becomes a base image.
set -euo pipefail
small=$1
programs="base64 basename bash cat chmod chown cp cut dash date dd df dirname du echo env false find getent grep gzip head
  hostname id install ln ls mkdir mktemp mv nproc od printf readlink rm rmdir sed seq sh sha256sum sleep sort stat tail
  tar tee test touch tr true uname uniq wc whoami xargs yes"

mkdir -p "$small"/{etc,home,proc,root,run,sys,tmp,usr/bin,usr/lib,usr/lib64,usr/sbin,var/tmp}
chmod 1777 "$small/tmp" "$small/var/tmp"
for folder in bin lib lib64 sbin; do ln -s "usr/$folder" "$small/$folder"; done
for program in $programs; do
  path=/usr/bin/$program
  cp -a "$path" "$small/usr/bin/"
  ldd "$path" | grep -o '/lib[^ ]*' | xargs -I {} cp -L --parents {} "$small" || true # none for a script
done
cp -a /etc/{passwd,group,shadow,debian_version,nsswitch.conf} "$small/etc/"
cp -a /usr/lib/os-release "$small/usr/lib/"
ln -s ../usr/lib/os-release "$small/etc/os-release"
