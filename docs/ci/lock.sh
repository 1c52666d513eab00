#!/usr/bin/env bash
# Update the lock, render ci/ again, bake it, and take a picture of each desktop before and after:
#   lock.sh OUT    in the folder of desktop-bake.toml
# OUT gets `words`, a text of what changed (empty if nothing did), and the pictures in `before/` and `after/`.
set -euo pipefail
mkdir -p "${1:?usage: lock.sh OUT}"
out=$(realpath "$1")

pictures() {
  rm -rf "${out:?}/$1" ci/pictures
  (cd ci && docker buildx bake -f docker-bake.hcl desktop-check --progress plain)
  mv ci/pictures "$out/$1"
}

desktop-bake lock --upgrade --max-age "${MAX_AGE:-30d}" >"$out/words"
if [ ! -s "$out/words" ]; then
  echo "nothing moved"
  exit
fi
[ ! -e ci ] || pictures before || echo "no picture from before: the former desktop cannot be baked any more"
desktop-bake render -o ci
pictures after
