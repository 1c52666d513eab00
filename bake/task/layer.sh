#!/bin/sh
# Install a layer that is not baked, as the steps of recipe/layer.Dockerfile do. The layer's context and the names of
# its packages, one per line, are beside it. PATH is as in with_bash.sh.
set -e
export PATH="${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
folder=${0%/*}
if [ -e "$folder/packages" ]; then
  command -v bash >/dev/null || { echo '[layer] unsupported base: it has no bash; install it in the base' >&2; exit 1; }
  # shellcheck disable=SC2046 # names of packages have no blanks
  bash "$folder/layer_packages.sh" $(cat "$folder/packages")
fi
[ -e "$folder/layer.sh" ] || exit 0
work=/tmp/desktop-bake-layer
mkdir "$work"
[ ! -d "$folder/files" ] || cp -R "$folder/files/." "$work"
cp "$folder/layer.sh" "$work"
cd "$work"
status=0
"$(command -v bash || command -v sh)" ./layer.sh || status=$?
cd /
rm -rf "$work" 2>/dev/null || sudo -n rm -rf "$work"
exit "$status"
