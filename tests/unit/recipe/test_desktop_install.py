"""What desktop_install.sh asks apt and pacman for, by stand-ins of both."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from desktop_bake.bake.config.shipped import shipped

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = shipped("recipe/desktop_install.sh").read_text()
FUNCTIONS = SCRIPT.split("unset ID ID_LIKE")[0]
# apt-get writes its words down; in the sources is what SOURCES names, and what SLIM names is installed if there is HAS.
STAND_INS = {
    "apt-get": 'echo "$*" >>"$CALLS"',
    "apt-cache": """for name; do
  case " $SOURCES " in *" $name "*) printf 'Package: %s\\nVersion: 1\\n' "$name" ;; esac
done""",
    "dpkg-query": "[ -z \"$HAS\" ] || echo 'install ok installed'",
    "pacman": 'echo "$*" >>"$CALLS"',
}

# A font of one table; of its parts two are the same, as in DejaVu, and one is of a form for the first 65,536 signs.
SIGNS = {
    0x41: 1,
    0x42: 2,
    0x43: 9,
    0x2614: 4,
    0x2615: 5,
    0x2616: 6,
    0x1F0CE: 3,
    0x1F0CF: 4,
    0x1F2FF: 5,
    0x1F300: 6,
    0x1F600: 7,
    0x1F601: 8,
}


def font(groups: list[tuple[int, int, int]]) -> bytes:
    """A font with these groups of signs."""
    wide = struct.pack(">HHLLL", 12, 0, 16 + 12 * len(groups), 0, len(groups))
    wide += b"".join(struct.pack(">LLL", *group) for group in groups)
    short = struct.pack(">HHHHH", 6, 12, 0, 0x41, 1) + struct.pack(">H", 1)
    parts = struct.pack(">HHLHHLHHL", 0, 4, 28, 3, 1, 28 + len(wide), 3, 10, 28)
    cmap = struct.pack(">HH", 0, 3) + parts + wide + short
    return struct.pack(">LHHHH4sLLL", 0x10000, 1, 16, 0, 0, b"cmap", 0, 28, len(cmap)) + cmap


def signs(data: bytes) -> list[dict[int, int]]:
    """The signs and their glyphs in the parts of a font for all signs."""
    start, size = struct.unpack_from(">LL", data, 20)
    assert start % 4 == 0
    cmap, found = data[start : start + size], []
    for _, _, at in struct.iter_unpack(">HHL", cmap[4:28]):
        if struct.unpack_from(">H", cmap, at)[0] == 12:
            end = at + struct.unpack_from(">L", cmap, at + 4)[0]
            groups = struct.iter_unpack(">LLL", cmap[at + 16 : end])
            found.append({sign: glyph + sign - low for low, high, glyph in groups for sign in range(low, high + 1)})
    return found


def called(folder: Path, family: str, **variables: str) -> list[str]:
    """The words that the package manager was called with, install by install."""
    for name, text in STAND_INS.items():
        (folder / name).write_text(f"#!/bin/bash\n{text}\n")
        (folder / name).chmod(0o755)
    (folder / "tmp").mkdir()
    calls = folder / "calls"
    harmless = (
        'as_root() { "$@"; }; release() { :; }; tee() { cat >/dev/null; }; chmod() { :; }; find() { :; }; mv() { :; }'
    )
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "CALLS": str(calls),
        "TMPDIR": str(folder / "tmp"),
        "SOURCES": "fluxbox",
        "HAS": "",
        **variables,
    }
    text = f"{FUNCTIONS}\n{harmless}\nfonts={variables.get('DESKTOP_FONTS', 'all')}\ninstall_{family}\n"
    done = subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return calls.read_text().splitlines()


def installed(calls: list[str]) -> list[str]:
    """What the last call for an install named."""
    (words,) = [line.split() for line in calls if " install " in line or "-Syu" in line]
    return [word for word in words if not word.startswith(("-", "DPkg", "Acquire", "Dpkg", "APT"))]


def test_a_base_that_has_all_that_is_packed_again(tmp_path: Path) -> None:
    """Nothing is packed, and no package is named by a pattern that matched none."""
    words = installed(called(tmp_path, "apt", HAS="yes"))
    assert "fluxbox" in words
    assert [word for word in words if "/" in word or "*" in word] == []


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ("dbus dbus-daemon xclip libxcb-cursor0", {"dbus-daemon", "xclip", "libxcb-cursor0"}),
        ("dbus xclip", {"dbus", "xclip"}),
    ],
)
def test_what_a_release_has(tmp_path: Path, there: str, wanted: set[str]) -> None:
    """The session bus comes by the name that the release has for it; what an older one does not have is left out."""
    words = installed(called(tmp_path, "apt", HAS="yes", SOURCES=f"fluxbox {there}"))
    assert {*words} & {"dbus", "dbus-daemon", "xclip", "libxcb-cursor0", "libxcb-xkb1"} == wanted


@pytest.mark.parametrize(
    ("family", "fonts"),
    [("apt", ["fonts-wqy-microhei", "fonts-noto-color-emoji"]), ("arch", ["wqy-microhei", "noto-fonts-emoji"])],
)
@pytest.mark.parametrize("wanted", ["all", "none"])
def test_fonts(tmp_path: Path, family: str, fonts: list[str], wanted: str) -> None:
    """Fonts for Chinese, Japanese, Korean and emoji come with the desktop, unless the build argument says none."""
    calls = called(tmp_path, family, DESKTOP_FONTS=wanted, SOURCES=" ".join(["fluxbox", *fonts]), HAS="yes")
    assert {*installed(calls)} & {*fonts} == ({*fonts} if wanted == "all" else set())


def test_another_value() -> None:
    """Any other value is refused before anything is requested."""
    done = subprocess.run(
        ["bash", "-c", SCRIPT],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "DESKTOP_FONTS": "some"},
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "[desktop] DESKTOP_FONTS is 'some': write all, or none\n"


@pytest.mark.parametrize(("family", "manager"), [("debian", "apt-get"), ("arch", "pacman")])
def test_a_base_without_its_package_manager(tmp_path: Path, family: str, manager: str) -> None:
    """A base from which the package manager was removed is told so in one line, at once."""
    (tmp_path / "os-release").write_text(f"ID={family}\n")
    script = SCRIPT.replace("/etc/os-release", str(tmp_path / "os-release"))
    words = [shutil.which("bash") or "", "-c", script]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env={"PATH": str(tmp_path)})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"[desktop] unsupported base: it has no {manager}; take one that has it\n"


def test_a_font_without_emoji(tmp_path: Path) -> None:
    """The copy of a font has all of its signs but the emoji, wherever they stand in its groups."""
    program = re.search(r"<<'X'\n(import os.*?)^X$", SCRIPT, re.MULTILINE | re.DOTALL)
    assert program
    groups = [
        (0x41, 0x42, 1),
        (0x43, 0x43, 9),
        (0x2614, 0x2616, 4),
        (0x1F0CE, 0x1F0CF, 3),
        (0x1F2FF, 0x1F300, 5),
        (0x1F600, 0x1F601, 7),
    ]
    before = font(groups)
    assert signs(before) == [SIGNS, SIGNS]
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "DejaVuSans.ttf").write_bytes(before)
    words = [sys.executable, "-I", "-", str(tmp_path), str(tmp_path / "from" / "DejaVuSans.ttf")]
    subprocess.run(words, input=program[1], text=True, check=True)
    after = {0x41: 1, 0x42: 2, 0x43: 9, 0x2616: 6, 0x1F0CE: 3, 0x1F2FF: 5}
    assert signs((tmp_path / "DejaVuSans.ttf").read_bytes()) == [after, after]
