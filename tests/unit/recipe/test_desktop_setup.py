"""The programs that desktop_setup.sh writes: the menu of what is installed."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from desktop_bake.bake.config.shipped import shipped

if TYPE_CHECKING:
    from pathlib import Path

SETUP = shipped("recipe/desktop_setup.sh").read_text()
ENTRY = "[Desktop Entry]\nType=Application\nName={0}\nExec={1}\n{2}"


def written(name: str) -> str:
    """A file that the script writes."""
    found = re.search(rf"^ *write (?:-x )?{re.escape(name)} <<'X'\n(.*?)^X$", SETUP, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def menu(folder: Path, *words: str) -> str:
    """What the menu's program prints of the entries in a folder."""
    done = subprocess.run(
        ["sh", "-c", written("/etc/desktop-bake/menu.sh"), "menu", *words],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "XDG_DATA_DIRS": f"{folder}/none:{folder}", "HOME": str(folder)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "name",
    ["/etc/desktop-bake/menu.sh", "/etc/desktop-bake/terminal", "/usr/local/bin/xdotool", "/usr/local/bin/xterm"],
)
def test_programs_are_shell(name: str) -> None:
    """Each program within the script is one that a shell reads."""
    subprocess.run(["sh", "-n"], input=written(name).encode(), check=True)


@pytest.mark.parametrize(
    ("words", "resources", "opened"),
    [
        ("", False, "terminal"),
        ("-hold -T Log -e sh -c 'echo -geometry'", False, "terminal"),
        ("-fg red -bg white", False, "terminal"),
        ("-bg red -geometry 80x24", False, "xterm"),
        ("-g 80x24", False, "xterm"),
        ("-fs 24", False, "xterm"),
        ("-fullscreen", False, "xterm"),
        ("-version", False, "xterm"),
        ("", True, "xterm"),
    ],
)
def test_which_terminal(tmp_path: Path, words: str, resources: bool, opened: str) -> None:
    """An xterm opens like the menu's terminal unless its arguments or its user's resources say where and how large."""
    if resources:
        (tmp_path / ".Xdefaults").touch()
    script = written("/usr/local/bin/xterm").replace('exec "$program" "$@"', 'echo "$program $#"')
    typed = ["sh", "-c", f"set -- {words}\n{script}"]
    done = subprocess.run(typed, capture_output=True, text=True, check=True, env={"HOME": str(tmp_path)})
    program, count = done.stdout.split()
    assert (program.rpartition("/")[2], int(count)) == (opened, len(shlex.split(words)))


def test_no_entries(tmp_path: Path) -> None:
    """Without a program there is a terminal."""
    assert menu(tmp_path) == "[begin] (Programs)\n  [exec] (Terminal) {/etc/desktop-bake/terminal}\n[end]\n"


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        (ENTRY.format("Editor", "edit %F", ""), "[exec] (Editor) {edit}"),
        (ENTRY.format("Büro (中)", "'/opt/my office' --new %u", ""), r"[exec] (Büro \(中\)) {'/opt/my office' --new}"),
        (ENTRY.format("Half", "half 50%% %i", ""), "[exec] (Half) {half 50%}"),
        (ENTRY.format("Top", "top", "Terminal=true\n"), "[exec] (Top) {/etc/desktop-bake/terminal -e top}"),
        (ENTRY.format("A", "a", "[Desktop Action New]\nName=B\nExec=b\n"), "[exec] (A) {a}"),
        ("Name=Before\n" + ENTRY.format("C", "c", "").replace("\n", "\r\n"), "[exec] (C) {c}"),
        (ENTRY.format("XTerm", "xterm", ""), None),
        (ENTRY.format("Hidden", "hidden", "NoDisplay=true\n"), None),
        (ENTRY.format("Odd", "odd {x}", ""), None),
        (ENTRY.format("A link", "link", "").replace("=Application", "=Link"), None),
    ],
)
def test_an_entry(tmp_path: Path, entry: str, line: str | None) -> None:
    """A program is named and started as its entry says; entries without a program, or hidden ones, are left out."""
    (tmp_path / "applications").mkdir()
    (tmp_path / "applications" / "one.desktop").write_bytes(entry.encode())
    lines = menu(tmp_path).splitlines()
    assert lines[2:-1] == ([f"  {line}"] if line else [])


def test_many_entries(tmp_path: Path) -> None:
    """More than eight programs are in menus by what they are for; into a file the menu is written whole."""
    folder = tmp_path / "applications"
    folder.mkdir()
    for number, category in enumerate(["Network", "Utility;TextEditor", "Qt;Office"] * 3):
        (folder / f"{number}.desktop").write_text(ENTRY.format(f"P{number}", f"p{number}", f"Categories={category};\n"))
    lines = menu(tmp_path).splitlines()
    names = ["Accessories", "Internet", "Office"]
    assert [line for line in lines if "submenu" in line] == [f"  [submenu] ({name})" for name in names]
    assert lines[2:7] == [
        "  [submenu] (Accessories)",
        *(f"    [exec] (P{number}) {{p{number}}}" for number in (1, 4, 7)),
        "  [end]",
    ]
    assert lines[-2:] == ["  [end]", "[end]"]
    assert menu(tmp_path, str(tmp_path / "menu")) == ""
    assert (tmp_path / "menu").read_text().splitlines() == lines
    assert sorted(path.name for path in tmp_path.iterdir()) == ["applications", "menu"]
