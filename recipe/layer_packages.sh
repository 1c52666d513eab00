#!/usr/bin/env bash
# Install packages by the package manager that the base has: layer_packages.sh NAME…
# Runs while a layer is baked and, as the fallback, when a task starts. DESKTOP_KEEP_DOWNLOADS=1 leaves package lists and
# archives where they are: they lie in cache mounts.
set -euo pipefail

say() { printf '[layer] %s\n' "$*"; }
refuse() { say "$*" >&2; exit 1; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n -E "$@"; fi; }
# How package managers say that there is no such package; and what else trying again does not mend.
UNKNOWN="Unable to locate package|no installation candidate|any package by|was not found|target not found|No AUR package found"
UNKNOWN+='|\(Target\)'
LASTING='unmet dependencies|broken packages|Unable to correct|not have a Release file|not signed|NO_PUBKEY|dpkg: error'
LASTING+='|error code|No space|enough free space|ermission denied|could not satisfy|unresolvable|conflict|corrupted|unknown trust'
ERRORS='^(E: |error: |==> ERROR|dpkg: error)'
give_up() { # FILE: why, on the last line: the packages that there are not, or what was said first
  local name words unknown=''
  if ! grep -m 1 'Failed to fetch' "$1" >&2; then
    words=" $(grep -E "$UNKNOWN" "$1" | tr "\"'()\t\n" ' ' || true) "
    for name in "${NAMES[@]}"; do
      if [[ $words == *" ${name%%=*} "* ]]; then unknown+=", $name"; fi
    done
    if [ -n "$unknown" ]; then refuse "the package sources have no ${unknown#, }"; fi
    grep -m 1 -E "$ERRORS" "$1" >&2 || tail -n 1 "$1" >&2
  fi
  exit 1
}
retry() { # standard error comes when the command has ended
  local try errors
  errors=$(mktemp)
  for try in 1 2 3; do
    if "$@" </dev/null 2>"$errors"; then
      cat "$errors" >&2
      rm "$errors"
      return
    fi
    cat "$errors" >&2
    if [ "$try" = 3 ] || { ! grep -q 'Failed to fetch' "$errors" && grep -qE "$UNKNOWN|$LASTING" "$errors"; }; then break; fi
    say "attempt $try failed" >&2
    sleep $((try * 2))
  done
  say "gave up after attempt $try" >&2
  give_up "$errors"
}

# --- Debian and Ubuntu -----------------------------------------------------------------------------------------
apt() {
  as_root env LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 \
    -o APT::Keep-Downloaded-Packages=true "$@"
}
fetch_apt() { # a name is a name, and no pattern; a file that a script put below /etc stays
  apt update || return
  apt install -y --no-install-recommends -o APT::Cmd::Pattern-Only=true \
    -o DPkg::Options::=--force-confdef -o DPkg::Options::=--force-confold -- "${NAMES[@]}"
}
install_apt() {
  local kept
  kept=$(mktemp -d)
  # docker-clean deletes what the cache mount is there to keep
  if [ -n "${DESKTOP_KEEP_DOWNLOADS:-}" ] && [ -e /etc/apt/apt.conf.d/docker-clean ]; then
    as_root mv /etc/apt/apt.conf.d/docker-clean "$kept/docker-clean"
  fi
  retry fetch_apt
  if [ -e "$kept/docker-clean" ]; then as_root mv "$kept/docker-clean" /etc/apt/apt.conf.d/docker-clean; fi
  rmdir "$kept"
  if [ -z "${DESKTOP_KEEP_DOWNLOADS:-}" ]; then
    apt clean
    as_root find /var/lib/apt/lists -mindepth 1 -delete
  fi
}

# --- Arch ------------------------------------------------------------------------------------------------------
install_arch() {
  local name lacking
  # packages signed by keys newer than the base; distributions made from Arch may have no such package
  as_root pacman -Sy --noconfirm --needed archlinux-keyring || true
  if command -v yay >/dev/null && [ "$(id -u)" != 0 ]; then
    retry yay -Syu --noconfirm --needed --removemake --cleanafter -- "${NAMES[@]}"
    lacking=$(pacman -T -- "${NAMES[@]##*/}" || true) # a yay may call it a success
    for name in $lacking; do
      pacman -Sg -- "$name" >/dev/null 2>&1 || refuse "the package sources have no $name" # else a group
    done
  else
    retry as_root pacman -Syu --noconfirm --needed -- "${NAMES[@]}"
  fi
  [ -n "${DESKTOP_KEEP_DOWNLOADS:-}" ] || as_root find /var/cache/pacman/pkg -type f -delete
}

NAMES=("$@")
unset ID ID_LIKE PRETTY_NAME # of the environment
# shellcheck disable=SC1091
. /etc/os-release 2>/dev/null || refuse "unsupported base: no /etc/os-release; packages need Debian, Ubuntu (apt) or Arch (pacman or yay)"
case " ${ID:-} ${ID_LIKE:-} " in
  *" debian "* | *" ubuntu "*) family=apt manager=apt-get ;;
  *" arch "*) family=arch manager=pacman ;;
  *) refuse "unsupported base: ${PRETTY_NAME:-${ID:-unknown}}; packages need Debian, Ubuntu (apt) or Arch (pacman or yay)" ;;
esac
command -v "$manager" >/dev/null || refuse "unsupported base: it has no $manager; take one that has it"
if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
  refuse "the base runs as user $(id -un) and has no sudo; install sudo in the base or let it run as root"
fi
say "installing ${NAMES[*]} ($family)"
"install_$family"
say "packages installed"
