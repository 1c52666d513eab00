#!/usr/bin/env bash
# Install the desktop on this Debian by the recipe, and pack the files that are new under the names of Arch's packages:
# /srv/extra a repository, /srv/aur packages outside of it, /srv/github the releases that the recipe downloads.
set -euo pipefail
recipe=$1
work=$(mktemp -d)

files() {
  find / -xdev \( -path /proc -o -path /sys -o -path /tmp -o -path /srv -o -path /var -o -path /recipe -o -path /bases \) \
    -prune -o ! -type d ! -name '*-' -print | sort
}
package() { # FOLDER NAME PATTERN: of the files that are left, those that match
  grep -E "$3" "$work/left" >"$work/files" || true
  grep -vxF -f "$work/files" "$work/left" >"$work/rest" || true
  mv "$work/rest" "$work/left"
  printf '%s\n' "pkgname = $2" "pkgver = 1-1" "pkgdesc = of Debian" "arch = any" >"$work/.PKGINFO"
  [[ $2 = debian-libraries || $2 = archlinux-keyring ]] || echo "depend = debian-libraries" >>"$work/.PKGINFO"
  tar -I 'gzip -1' -cf "$1/$2-1-1-any.pkg.tar.gz" -C "$work" .PKGINFO -C / --files-from <(cut -c2- "$work/files")
}
version() { sed -n "s/^$1=//p" "$recipe"; }
release() { # REPOSITORY VERSION FOLDER PATHS…
  mkdir -p "/srv/github/novnc/$1/archive/refs/tags"
  tar -czf "/srv/github/novnc/$1/archive/refs/tags/v$2.tar.gz" --transform "s|^|$1-$2/|" -C "$3" "${@:4}"
}

files >"$work/before"
bash "$recipe"
files >"$work/after"
comm -13 "$work/before" "$work/after" >"$work/left"
mkdir -p /srv/extra /srv/aur
release noVNC "$(version NOVNC)" /usr/share/novnc .
release websockify "$(version WEBSOCKIFY)" /usr/lib/python3/dist-packages websockify
package /srv/aur websockify websockify
package /srv/aur novnc novnc
for line in 'tigervnc tigervnc|/Xvnc' 'fluxbox /fluxbox|/bin/fb' 'xterm xterm' 'fontconfig bin/fc-' \
  'imagemagick ImageMagick|magick|-im7|/import' \
  'xorg-xwininfo bin/xwininfo' 'xorg-xprop bin/xprop' 'wmctrl bin/wmctrl' 'xdotool bin/xdotool' 'xorg-xauth bin/xauth' \
  'ttf-dejavu /dejavu/' 'xorg-fonts-alias-misc /misc/fonts.alias' 'xorg-fonts-misc fonts/X11/misc' \
  'xorg-mkfontscale bin/mkfont' 'python python3|bin/py' 'archlinux-keyring ^$' 'debian-libraries .'; do
  package /srv/extra "${line%% *}" "${line#* }"
done
repo-add -q /srv/extra/extra.db.tar.gz /srv/extra/*.pkg.tar.gz
