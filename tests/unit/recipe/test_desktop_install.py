"""What desktop_install.sh asks apt and pacman for, by stand-ins of both."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from desktop_bake.bake.config.shipped import shipped

SCRIPT = shipped("recipe/desktop_install.sh").read_text()
FUNCTIONS = SCRIPT.split("unset ID ID_LIKE")[0]
# apt-get writes its words down; in the sources is what SOURCES names, and what SLIM names is installed if there is HAS.
# A package is its control file.
STAND_INS = {
    "apt-get": """words="$*"
echo "$words" >>"$CALLS"
case $words in *" download "*)
  for name in ${words#* download }; do
    printf 'Package: %s\nVersion: 1\nDepends: nodejs\n' "$name" >"${name}_1_all.deb"
  done
esac""",
    "dpkg-deb": """case $1 in
  -R) mkdir -p "$3/DEBIAN" && cat "$2" >"$3/DEBIAN/control" ;;
  *) cat "$4/DEBIAN/control" >"$5" ;;
esac""",
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


def packed(folder: Path, package: str, fields: str, *without: str) -> dict[str, str]:
    """The fields of a package that is packed again without these dependencies; none if it asks for none of them."""
    (folder / "dpkg-deb").write_text(f"#!/bin/bash\n{STAND_INS['dpkg-deb']}\n")
    (folder / "dpkg-deb").chmod(0o755)
    (folder / f"{package}_1_all.deb").write_text(f"Package: {package}\n{fields}")
    text = f'{FUNCTIONS}\nslim "$@"'
    environment = {"PATH": f"{folder}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-c", text, "slim", str(folder), package, *without], check=True, env=environment)
    made = folder / f"{package}.deb"
    return dict(line.split(": ", 1) for line in made.read_text().splitlines()) if made.exists() else {}


def installed(calls: list[str]) -> list[str]:
    """What the last call for an install named."""
    (words,) = [line.split() for line in calls if " install " in line or "-Syu" in line]
    return [word for word in words if not word.startswith(("-", "DPkg", "Acquire", "Dpkg", "APT"))]


def test_a_base_that_has_all_that_is_packed_again(tmp_path: Path) -> None:
    """Nothing is packed, and no package is named by a pattern that matched none."""
    words = installed(called(tmp_path, "apt", HAS="yes"))
    assert "fluxbox" in words
    assert [word for word in words if "/" in word or "*" in word] == []


def test_a_program_is_packed_without_a_dependency(tmp_path: Path) -> None:
    """Its version is above the release's, and alternatives to the dependency go with it."""
    fields = "Version: 1.2-3\nDepends: libc6, perl:any | perl6, perl-base (>= 5)\n"
    found = packed(tmp_path, "vnc", fields, "perl(:any)?")
    assert (found["Version"], found["Depends"]) == ("1.2-3Slim", "libc6, perl-base (>= 5)")


@pytest.mark.parametrize(
    ("provides", "wanted"),
    [
        ("", "libmagick (= 8:6.9+dfsg-1~b1)"),
        ("Provides: libany\n", "libmagick (= 8:6.9+dfsg-1~b1), libany"),
    ],
)
def test_a_library_is_packed_without_a_dependency(tmp_path: Path, provides: str, wanted: str) -> None:
    """Its version is below the release's, which it provides for packages that ask for no less."""
    fields = f"Version: 8:6.9+dfsg-1~b1\n{provides}Depends: libheif1 (>= 1.4.0), libjxl0.7, libc6 (>= 2.35)\n"
    found = packed(tmp_path, "libmagick", fields, "libheif1", "libjxl[0-9.]+")
    assert found == {
        "Package": "libmagick",
        "Version": "8:6.9+dfsg-1~b1~slim",
        "Provides": wanted,
        "Depends": "libc6 (>= 2.35)",
    }


def test_nothing_to_leave_out(tmp_path: Path) -> None:
    """A release whose package does not ask for the dependency keeps its own package."""
    assert packed(tmp_path, "libmagick", "Version: 1\nDepends: libheif1-dev, libc6\n", "libheif1") == {}


def test_packages_to_pack_are_requested_at_once(tmp_path: Path) -> None:
    """One call of apt-get downloads those that the release has, and the installation names what was packed of them."""
    calls = called(tmp_path, "apt", SOURCES="fluxbox novnc websockify")
    assert [line.split(" download ")[1] for line in calls if " download " in line] == ["websockify novnc"]
    assert [Path(word).name for word in installed(calls) if "/" in word] == ["novnc.deb"]


@pytest.mark.parametrize("fonts", ["all", "none"])
def test_core_fonts(tmp_path: Path, fonts: str) -> None:
    """One X core font for each of Chinese, Japanese and Korean stays without the other fonts; no translation does."""
    (call,) = [line for line in called(tmp_path, "apt", DESKTOP_FONTS=fonts, HAS="yes") if " install " in line]
    excluded = re.findall(r"--path-exclude=(\S+)", call)
    assert "/usr/share/locale/*" in excluded
    assert ("/usr/share/fonts/X11/misc/jiskan24*" in excluded) == (fonts == "none")


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
