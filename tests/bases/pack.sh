#!/usr/bin/env bash
# Pack the files that the same Debian has with the desktop installed, and this one has not, under the names of Arch's
# packages: /srv/extra a repository, /srv/aur packages outside of it, /srv/github the releases that the recipe downloads.
set -euo pipefail
recipe=$1 desktop=$2
work=$(mktemp -d)

files() { # ROOT
  (cd "$1" && find . \( -path ./proc -o -path ./sys -o -path ./tmp -o -path ./srv -o -path ./var -o -path ./recipe -o -path ./bases \
    -o -path ./desktop -o -path ./etc/desktop-bake -o -path ./etc/profile.d/desktop.sh \) -prune -o ! -type d ! -name '*-' -print) |
    cut -c2- | sort # the last two are the setup script's
}
package() { # FOLDER NAME PATTERN: of the files that are left, those that match
  grep -E "$3" "$work/left" >"$work/files" || true
  grep -vxF -f "$work/files" "$work/left" >"$work/rest" || true
  mv "$work/rest" "$work/left"
  printf '%s\n' "pkgname = $2" "pkgver = 1-1" "pkgdesc = of Debian" "arch = any" >"$work/.PKGINFO"
  [[ $2 = debian-libraries || $2 = archlinux-keyring ]] || echo "depend = debian-libraries" >>"$work/.PKGINFO"
  tar -I 'gzip -1' -cf "$1/$2-1-1-any.pkg.tar.gz" -C "$work" .PKGINFO -C "$desktop" --files-from <(cut -c2- "$work/files")
}
version() { sed -n "s/^$1=//p" "$recipe"; }
release() { # REPOSITORY VERSION FOLDER PATHS…
  mkdir -p "/srv/github/novnc/$1/archive/refs/tags"
  tar -czf "/srv/github/novnc/$1/archive/refs/tags/v$2.tar.gz" --transform "s|^|$1-$2/|" -C "$3" "${@:4}"
}

files / >"$work/before"
files "$desktop" >"$work/after"
comm -13 "$work/before" "$work/after" >"$work/left"
mkdir -p /srv/extra /srv/aur
release noVNC "$(version NOVNC)" "$desktop/usr/share/novnc" .
release websockify "$(version WEBSOCKIFY)" "$desktop/usr/lib/python3/dist-packages" websockify
package /srv/aur websockify websockify
package /srv/aur novnc novnc
for line in 'tigervnc tigervnc|/Xvnc' 'fluxbox /fluxbox|/bin/fb' 'xterm xterm' 'fontconfig bin/fc-' \
  'imagemagick ImageMagick|magick|-im7|/import' \
  'xorg-xwininfo bin/xwininfo' 'xorg-xprop bin/xprop' 'wmctrl bin/wmctrl' 'xdotool bin/xdotool' 'xorg-xauth bin/xauth' \
  'xorg-setxkbmap bin/setxkbmap' 'dbus dbus' 'xclip bin/xclip' 'xcb-util-cursor xcb-cursor' 'wqy-microhei /wqy/' \
  'noto-fonts-emoji NotoColorEmoji' 'ttf-dejavu /dejavu/' 'xorg-fonts-alias-misc /misc/fonts.alias' 'xorg-fonts-misc fonts/X11/misc' \
  'xorg-mkfontscale bin/mkfont' 'python python3|bin/py' 'archlinux-keyring ^$' 'debian-libraries .'; do
  package /srv/extra "${line%% *}" "${line#* }"
done
repo-add -q /srv/extra/extra.db.tar.gz /srv/extra/*.pkg.tar.gz
