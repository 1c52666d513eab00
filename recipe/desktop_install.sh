#!/usr/bin/env bash
# Install the desktop's packages. Runs while an image is baked and, as the fallback, when a task starts.
# DESKTOP_KEEP_DOWNLOADS=1 leaves package lists and archives where they are: they lie in cache mounts.
# DESKTOP_FONTS=none leaves out the fonts for Chinese, Japanese, Korean and emoji (21 MB).
set -euo pipefail

TOOLS="Xvnc fluxbox xterm websockify import xwininfo xprop wmctrl xdotool xauth fc-cache dbus-daemon setxkbmap xclip"

say() { printf '[desktop] %s\n' "$*"; }
refuse() { say "$*" >&2; exit 1; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n -E "$@"; fi; }
# What a command says of its failure, first of all; and what trying again does not mend.
ERRORS='^(E: |error: |==> ERROR|curl: |dpkg: error)|Failed to fetch'
LASTING='Unable to locate|no installation candidate|was not found|unmet dependencies|broken packages|Unable to correct'
LASTING+='|no Release file|not have a Release file|not signed|NO_PUBKEY|dpkg: error|error code|No space|enough free space'
LASTING+='|ermission denied|target not found|could not satisfy|unresolvable|conflict|corrupted|unknown trust'
LASTING+='|returned error: 4|have no fluxbox|SHA-256'
retry() { # standard error comes when the command has ended, and why it failed once more at the very end
  local try errors why
  errors=$(mktemp)
  for try in 1 2 3; do
    if "$@" 2>"$errors"; then
      cat "$errors" >&2
      rm "$errors"
      return
    fi
    cat "$errors" >&2
    why=$(grep -m 1 -E "$ERRORS" "$errors" || tail -n 1 "$errors")
    if [ "$try" = 3 ] || [[ $why =~ $LASTING ]]; then break; fi
    say "attempt $try failed: $*" >&2
    sleep $((try * 2))
  done
  rm "$errors"
  say "gave up after attempt $try: $*" >&2
  printf '%s\n' "${why:-$1 failed}" >&2
  exit 1
}

# --- Debian and Ubuntu -----------------------------------------------------------------------------------------
apt() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 \
    -o APT::Keep-Downloaded-Packages=true "$@"
}

# Some packages ask for far more than this desktop uses. They are packed again without that dependency, under a
# version of their own, so that the package database stays true: whoever installs the dependency later gets it.
# A program's is 1.2-3Slim: above 1.2-3, so that apt upgrade does not bring back what was left out, and below every
# update of the distribution (1.2-3+deb12u1, 1.2-3ubuntu0.1, 1.2-3.1, 1.2-3+b1: a capital sorts before small letters and
# signs), so that apt upgrade installs that, with all that it asks for. A library's is 1.2-3~slim, below 1.2-3 too: the
# same one for another architecture comes by an upgrade. It provides 1.2-3, as another package may ask for no less.
# Releases differ in names and in who asks for what: a package that is not there, or that the base has already, is
# passed over; a dependency that is not there is no fault.
#   tigervnc-standalone-server  Perl: only for the vncserver wrapper, which is not used        (60 MB)
#   libglx-mesa0, libgbm1       GL drivers with LLVM: there is no GPU; X runs without GLX      (150 MB)
#   libmagickcore-6             HEIC and AVIF, with x265 and libaom; later releases' have less  (25 MB)
#   python3-websockify          NumPy: only a faster unmasking of frames; pkg_resources: to
#                               find a program's entry, which Python can do itself              (47 MB)
#   websockify                  JSON web tokens and Redis, which are not used                   (15 MB)
#   novnc                       Node.js: only to build noVNC anew; its Python part: OpenStack's (90 MB)
#   libimlib2                   PostScript, SVG, HEIC, JPEG XL: wallpapers in those forms       (80 MB)
SLIM="
tigervnc-standalone-server perl(:any)? libfile-readbackwards-perl tigervnc-tools tigervnc-common
libglx-mesa0               libgl1-mesa-dri mesa-libgallium
libgbm1                    mesa-libgallium
python3-websockify         python3-numpy python3-jwcrypto python3-redis python3-requests python3-pkg-resources
websockify                 python3-numpy python3-jwcrypto
libimlib2                  libspectre1 librsvg2-2 libheif1 libjxl[0-9.]+
libimlib2t64               libspectre1 librsvg2-2 libheif1 libjxl[0-9.]+
libmagickcore-6.q16-6      libheif1
novnc                      nodejs net-tools python3-novnc python3-numpy
"
in_sources() { [[ $(apt-cache show "$1" 2>/dev/null) == "Package: $1"$'\n'* ]]; } # not: provided by another
lists() { # apt-get does without those that it cannot fetch, and calls that a success
  apt update || return
  in_sources fluxbox && return
  say "the base's package sources have no fluxbox; on Ubuntu, add the component universe to them" >&2
  return 1
}
installed() { dpkg-query -Wf '${Status}' "$1" 2>/dev/null | grep -q ' installed$'; }
slim() { # FOLDER PACKAGE DEPENDENCY…: pack again what was downloaded into the folder
  local folder=$1 package=$2 control dependency mark=Slim itself
  shift 2
  dpkg-deb -R "$folder/$package"_*.deb "$folder/$package"
  rm "$folder/$package"_*.deb
  control=$folder/$package/DEBIAN/control
  cp "$control" "$folder/control"
  for dependency in "$@"; do
    sed -i -E "/^(Pre-)?Depends:/ { s/(, |: )${dependency}( [^,|]*)?(\|[^,]*)*(, |\$)/\1/; s/, \$// }" "$control"
  done
  if ! cmp -s "$control" "$folder/control"; then
    if [[ $package == lib* ]]; then
      mark='~slim' itself="$package (= $(sed -n 's/^Version: //p' "$control"))"
      grep -q '^Provides: ' "$control" || echo "Provides: $itself" >>"$control"
      sed -i "/$itself/! s/^Provides: /&$itself, /" "$control"
    fi
    sed -i "s/^Version: .*/&$mark/" "$control"
    dpkg-deb --root-owner-group -Znone -b "$folder/$package" "$folder/$package.deb" >/dev/null
  fi
  rm -rf "${folder:?}/$package"
}
pack_again() { # FOLDER
  local folder=$1 line words asked=() lines=()
  while read -r line; do
    read -ra words <<<"$line"
    if [ -z "$line" ] || installed "${words[0]}" || ! in_sources "${words[0]}"; then continue; fi
    asked+=("${words[0]}") lines+=("$line")
  done <<<"$SLIM"
  [ "${#asked[@]}" != 0 ] || return 0
  # at once: each call of apt-get reads all lists
  (cd "$folder" && retry apt-get -q -o Acquire::Retries=3 download "${asked[@]}" >/dev/null)
  for line in "${lines[@]}"; do
    read -ra words <<<"$line"
    slim "$folder" "${words[@]}"
  done
}

# What a program expects of any desktop: a session bus, and what Qt's programs from elsewhere (PyPI) ask a system for.
# An older release has some of them under another name, or not at all.
wanted() {
  local names="dbus-daemon dbus xclip libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxcb-xkb1
    libxkbcommon-x11-0"
  [ "$fonts" = none ] || names+=" fonts-wqy-microhei fonts-noto-color-emoji"
  # shellcheck disable=SC2086
  apt-cache --no-all-versions show $names 2>/dev/null | sed -n 's/^Package: //p' |
    awk '{ found[$0] } END { if ("dbus-daemon" in found) delete found["dbus"]; for (name in found) print name }'
}

# Documentation and translations.
LEFT_OUT=(/usr/share/{doc,man,locale,lintian,fluxbox/nls}'/*')
# X core fonts for Chinese, Japanese and Korean but one for each: old programs warn if a script has none.
CORE_FONTS=(/usr/share/fonts/X11/misc/{12x13ja,18x18,gb16fs,gb24,hanglm,jiskan24,k14.}'*')

install_apt() {
  local folder packed more path without=()
  folder=$(mktemp -d)
  chmod 755 "$folder"
  # docker-clean deletes what the cache mount is there to keep
  if [ -n "${DESKTOP_KEEP_DOWNLOADS:-}" ] && [ -e /etc/apt/apt.conf.d/docker-clean ]; then
    as_root mv /etc/apt/apt.conf.d/docker-clean "$folder/docker-clean"
  fi
  retry lists
  pack_again "$folder"
  packed=("$folder"/*.deb)
  [ -e "${packed[0]}" ] || packed=() # the base has them all
  mapfile -t more < <(wanted)
  [ "$fonts" != none ] || LEFT_OUT+=("${CORE_FONTS[@]}")
  for path in "${LEFT_OUT[@]}"; do without+=(-o DPkg::Options::=--path-exclude="$path"); done
  retry apt install -y --no-install-recommends \
    "${without[@]}" -o DPkg::Options::=--path-include='/usr/share/locale/locale.alias' \
    "${packed[@]}" tigervnc-standalone-server fluxbox xterm novnc websockify imagemagick x11-utils x11-xkb-utils wmctrl \
    xdotool xauth fontconfig fonts-dejavu-core xfonts-base "${more[@]}" </dev/null
  if [ -e "$folder/docker-clean" ]; then as_root mv "$folder/docker-clean" /etc/apt/apt.conf.d/docker-clean; fi
  rm -rf "$folder"
  as_root find /var/lib/dpkg /var/cache/debconf -maxdepth 1 -name '*-old' -delete # the last but one state of each
  if [ -z "${DESKTOP_KEEP_DOWNLOADS:-}" ]; then
    apt clean
    as_root find /var/lib/apt/lists -mindepth 1 -delete
  fi
}

# --- Arch ------------------------------------------------------------------------------------------------------
# Neither is in Arch's own repositories. yay builds them from its users' repository (AUR), where the base has yay and
# runs as a user; elsewhere they are taken from their project's releases: both need nothing but Python and a browser.
WEBSOCKIFY=0.13.0
WEBSOCKIFY_SHA256=b6413e364efd04f3c92ec8c17747e3c4adc20157c2ef1c5d019a26d944a46df8
NOVNC=1.6.0
NOVNC_SHA256=5066103959ef4e9b10f37e5a148627360dd8414e4cf8a7db92bdbd022e728aaa
release() { # REPOSITORY VERSION SHA256 FOLDER
  local archive sum
  archive=$(mktemp)
  curl -fsSL --retry 3 -o "$archive" "https://github.com/novnc/$1/archive/refs/tags/v$2.tar.gz" || return
  sum=$(sha256sum <"$archive")
  if [ "${sum%% *}" != "$3" ]; then
    echo "error: the archive of $1 $2 is another than this script was written for: its SHA-256 is ${sum%% *}" >&2
    return 1
  fi
  as_root mkdir -p "$4" && as_root bsdtar -xf - -C "$4" --strip-components 1 <"$archive" && rm "$archive"
}

install_arch() {
  # xorg-mkfontscale writes the fonts.dir without which an X server finds no core fonts
  local packages=(tigervnc fluxbox xterm imagemagick fontconfig xorg-xwininfo xorg-xprop wmctrl xdotool xorg-xauth ttf-dejavu
    xorg-fonts-misc xorg-fonts-alias-misc xorg-mkfontscale xorg-setxkbmap python dbus xclip xcb-util-cursor)
  [ "$fonts" = none ] || packages+=(wqy-microhei noto-fonts-emoji)
  # packages signed by keys newer than the base; distributions made from Arch may have no such package
  as_root pacman -Sy --noconfirm --needed archlinux-keyring || true
  if command -v yay >/dev/null && [ "$(id -u)" != 0 ]; then
    retry yay -Syu --noconfirm --needed --removemake --cleanafter "${packages[@]}" websockify novnc
  else
    retry as_root pacman -Syu --noconfirm --needed "${packages[@]}"
    retry release websockify "$WEBSOCKIFY" "$WEBSOCKIFY_SHA256" /opt/websockify
    retry release noVNC "$NOVNC" "$NOVNC_SHA256" /opt/novnc
    # shellcheck disable=SC2016
    printf '#!/bin/sh\nPYTHONPATH=/opt/websockify exec python3 -m websockify "$@"\n' |
      as_root tee /usr/local/bin/websockify >/dev/null
    as_root chmod 755 /usr/local/bin/websockify
  fi
  [ -n "${DESKTOP_KEEP_DOWNLOADS:-}" ] || as_root find /var/cache/pacman/pkg -type f -delete
}

unset ID ID_LIKE PRETTY_NAME # of the environment
# shellcheck disable=SC1091
. /etc/os-release 2>/dev/null || refuse "unsupported base: no /etc/os-release; supported: Debian, Ubuntu (apt) and Arch (pacman or yay)"
case " ${ID:-} ${ID_LIKE:-} " in
  *" debian "* | *" ubuntu "*) family=apt manager=apt-get ;;
  *" arch "*) family=arch manager=pacman ;;
  *) refuse "unsupported base: ${PRETTY_NAME:-${ID:-unknown}}; supported: Debian, Ubuntu (apt) and Arch (pacman or yay)" ;;
esac
command -v "$manager" >/dev/null || refuse "unsupported base: it has no $manager; take one that has it"
if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
  refuse "the base runs as user $(id -un) and has no sudo; install sudo in the base or let it run as root"
fi
fonts=${DESKTOP_FONTS:-all}
[[ $fonts = all || $fonts = none ]] || refuse "DESKTOP_FONTS is '$fonts': write all, or none"
say "installing packages ($family)"
"install_$family"

for tool in $TOOLS; do
  command -v "$tool" >/dev/null || refuse "missing after install: $tool"
done

# Else the window manager reads every font at every start of a task, for 0.15 s. A cache holds for its folder's time
# of change, of which layers keep the seconds only.
as_root mkdir -p /usr/share/fonts /usr/local/share/fonts
# DejaVu Sans has some emoji in black and white, and Chromium takes them from there although others have colours. So a copy
# of it without them takes its place.
dejavu=$(find /usr/share/fonts -name DejaVuSans.ttf -o -name DejaVuSans-Bold.ttf)
if [ -n "$dejavu" ] && [ -n "$(find /usr/share/fonts -name NotoColorEmoji.ttf)" ]; then
  as_root mkdir -p /usr/local/share/fonts/desktop-bake
  # shellcheck disable=SC2086
  as_root python3 -I - /usr/local/share/fonts/desktop-bake $dejavu <<'X'
import os
import struct
import sys

# Unicode 15.1, emoji-data.txt, Emoji_Presentation: a picture if the text does not ask for a plain sign
SPANS = """231A-231B 23E9-23EC 23F0 23F3 25FD-25FE 2614-2615 2648-2653 267F 2693 26A1 26AA-26AB 26BD-26BE 26C4-26C5 26CE
26D4 26EA 26F2-26F3 26F5 26FA 26FD 2705 270A-270B 2728 274C 274E 2753-2755 2757 2795-2797 27B0 27BF 2B1B-2B1C 2B50 2B55
1F004 1F0CF 1F300-1FAFF"""
ENDS = [[int(end, 16) for end in span.split("-")] for span in SPANS.split()]
EMOJI = {sign for ends in ENDS for sign in range(ends[0], ends[-1] + 1)}


def groups(signs):  # OpenType 1.9, cmap, format 12: first and last sign, and the first one's glyph
    found = []
    for sign, glyph in signs:
        if found and sign == found[-1][1] + 1 and glyph == found[-1][2] + sign - found[-1][0]:
            found[-1][1] = sign
        else:
            found.append([sign, sign, glyph])
    return found


for path in sys.argv[2:]:
    with open(path, "rb") as file:
        font = bytearray(file.read())
    entries = range(12, 12 + 16 * struct.unpack_from(">H", font, 4)[0], 16)
    entry = next(at for at in entries if font[at : at + 4] == b"cmap")
    start, size = struct.unpack_from(">LL", font, entry + 8)
    cmap = font[start : start + size]
    for record in range(4, 4 + 8 * struct.unpack_from(">H", cmap, 2)[0], 8):
        at = struct.unpack_from(">L", cmap, record + 4)[0]
        if struct.unpack_from(">H", cmap, at)[0] == 12:
            count = struct.unpack_from(">L", cmap, at + 12)[0]
            old = [struct.unpack_from(">LLL", cmap, at + 16 + 12 * number) for number in range(count)]
            signs = ((sign, glyph + sign - first) for first, last, glyph in old for sign in range(first, last + 1))
            new = groups(pair for pair in signs if pair[0] not in EMOJI)
            struct.pack_into(">L", cmap, record + 4, len(cmap))
            cmap += struct.pack(">HHLLL", 12, 0, 16 + 12 * len(new), 0, len(new))
            cmap += b"".join(struct.pack(">LLL", *group) for group in new)
    font += b"\0" * (-len(font) % 4)
    struct.pack_into(">LL", font, entry + 8, len(font), len(cmap))
    with open(os.path.join(sys.argv[1], os.path.basename(path)), "wb") as file:
        file.write(font + cmap)
X
  as_root tee /etc/fonts/conf.d/50-desktop-emoji.conf >/dev/null <<X
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig><selectfont><rejectfont><glob>${dejavu//$'\n'/</glob><glob>}</glob></rejectfont></selectfont></fontconfig>
X
fi
as_root find /usr/share/fonts /usr/local/share/fonts -type d -exec touch -d "@$(date +%s)" {} +
as_root fc-cache
say "packages installed"
