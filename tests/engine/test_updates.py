"""Updates of the distribution, and programs that the recipe repacked."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from desktop_bake import ensure_desktop_image

if TYPE_CHECKING:
    from desktop_bake import Environment, Settings


# What apt would upgrade if the package sources had it in these versions, among installed packages without some of
# their dependencies. $@: what each adds to the release's version.
UPDATES = r"""set -e
programs="novnc python3-websockify tigervnc-standalone-server websockify"
mkdir /repository
echo 'deb [trusted=yes] file:/repository ./' >/etc/apt/sources.list
for mark in "$@"; do
  for name in $programs; do
    version=$(dpkg-query -Wf '${Version}' $name | sed 's/[+~]*[Ss]lim$//')
    printf '%s: %s\n' Package $name Version "$version$mark" Architecture amd64 Maintainer x Description x \
      Filename ./$name.deb Size 1 SHA256 $(printf '0%.0s' $(seq 64))
    echo
  done >/repository/Packages
  apt-get -qq update
  echo "$mark:" $(apt-get -qq -s dist-upgrade | sed -n 's/^Inst \([^ ]*\) .*/\1/p' | sort)
done"""


def test_updates_win(desktop: Environment, desktop_settings: Settings) -> None:
    """An update of the distribution, whatever its name, replaces a repacked program; nothing else does."""
    image = ensure_desktop_image(desktop, desktop_settings)
    marks = ("", "+deb12u1", "+b1", ".1", "ubuntu0.1", "build1")
    done = subprocess.run(
        ["docker", "run", "--rm", str(image.image_id), "bash", "-c", UPDATES, "updates", *marks],
        capture_output=True,
        text=True,
        check=True,
    )
    programs = "novnc python3-websockify tigervnc-standalone-server websockify"
    assert done.stdout.splitlines() == [":", *(f"{mark}: {programs}" for mark in marks[1:])]
