"""What a user finds on a desktop: text in every script, names, a menu, a session; and the same for any user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image as Picture

from desktop_bake import Environment, ImageReference, Mount, TaskOptions, ensure_desktop_image, start_task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from desktop_bake import DesktopTask, Settings

TEXT = "äöüß ÄÖÜ „ja“ 日本語 한국어 中文 😀🚀 é Ω Я"
READER = """import os
os.system('stty -echo -icanon')
file = open('/tmp/typed', 'wb', buffering=0)
while True: file.write(os.read(0, 4096))"""


@pytest.fixture(scope="module")
def office(base: str, desktop_settings: Settings) -> Iterator[DesktopTask]:
    """A task of an environment with a display name, as a user who is unknown to the image."""
    environment = Environment(
        env_id="office",
        name="Büro, 中",
        base_image=ImageReference.parse(base),
        headless_desktop_enabled=True,
        cache_desktop_build=True,
    )
    image = ensure_desktop_image(environment, desktop_settings)
    options = TaskOptions(user="4321", variables={"DESKTOP_KEYBOARD": "de(nodeadkeys)"})
    with start_task(environment, image, desktop_settings, options=options) as task:
        yield task


def out(task: DesktopTask, script: str, *flags: str) -> str:
    """The output of a script in a task."""
    done = task.engine.docker("exec", *flags, task.container_id, "bash", "-c", script)
    return (done.stdout + done.stderr).decode().strip()


def test_typed_text(office: DesktopTask) -> None:
    """What `xdotool type` types arrives unchanged: German, Japanese, Korean, Chinese, emoji."""
    out(office, f'xterm -e python3 -c "{READER}" >/dev/null 2>&1 & until [ -e /tmp/typed ]; do sleep 0.05; done')
    out(office, "xdotool search --sync --onlyvisible --class XTerm windowfocus --sync >/dev/null")
    out(office, f"xdotool type {TEXT!r}")
    until = f"until [ $(wc -c </tmp/typed) -ge {len(TEXT.encode())} ]; do sleep 0.05; done"
    assert out(office, f"timeout 20 bash -c '{until}'; cat /tmp/typed") == TEXT


def test_terminals(office: DesktopTask) -> None:
    """Terminals that start at once lie apart and within the screen; one that is told its place is there."""
    titles = ("one", "two", "three", "four", "five")
    out(office, "for t in one two four five; do xterm -T $t -e sleep 60 >/dev/null 2>&1 & done")
    out(office, "xterm -T three -geometry 20x5+700+500 -e sleep 60 >/dev/null 2>&1 &")
    look = "xdotool search --sync --onlyvisible --name '^{}$' getwindowgeometry --shell"
    seen = [dict(line.split("=") for line in out(office, look.format(title)).splitlines()) for title in titles]
    places = [(int(window["X"]), int(window["Y"])) for window in seen]
    assert min(sum(places, ())) >= 40
    assert len({*places}) == 5
    ends = [(x + int(w["WIDTH"]), y + int(w["HEIGHT"])) for (x, y), w in zip(places, seen, strict=True)]
    assert all(x < 1280 and y < 770 for x, y in ends)
    assert 700 <= places[2][0] < 710
    assert 500 <= places[2][1] < 560  # xdotool adds the frame twice
    out(office, "for t in one two three four five; do wmctrl -c $t; done")


def test_names(office: DesktopTask) -> None:
    """Toolbar and page show the environment's display name, and the keyboard has the requested layout."""
    assert out(office, "xprop -root _NET_DESKTOP_NAMES").endswith('"\xa0Büro  中\xa0"')
    assert "-desktop\nBüro, 中\n" in out(office, "tr '\\0' '\\n' </proc/$(pgrep -x Xvnc || pidof Xvnc)/cmdline") + "\n"
    assert "de(nodeadkeys)" in out(office, "setxkbmap -query")


def test_fonts(office: DesktopTask) -> None:
    """There is a glyph for every character, and emoji are in colour."""
    for code in ("65e5", "3042", "ac00", "4e2d", "1f680"):
        assert out(office, f"fc-list :charset={code} family"), code
    assert "Noto Color Emoji" in out(office, "fc-match -s sans:charset=1f600 family | head -n 1")


def test_a_session(office: DesktopTask) -> None:
    """A user who is unknown to the image has a name, a home, a private runtime folder, and a session bus."""
    assert out(office, "id -un; echo $HOME; touch ~/x && echo written") == "desktop\n/home/desktop\nwritten"
    assert out(office, "stat -c '%a %u' $XDG_RUNTIME_DIR") == "700 4321"
    ping = "dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.GetId"
    assert "string" in out(office, ping)
    assert out(office, "echo $LANG $QT_QPA_PLATFORM") == "C.UTF-8 xcb"
    assert out(office, "bash -lc 'echo $LANG $XDG_RUNTIME_DIR'") == "C.UTF-8 /tmp/.X11-unix/run"


def test_programs_that_are_installed_later(office: DesktopTask) -> None:
    """What apt installs while the desktop runs is in its menu."""
    entry = "[Desktop Entry]\\nType=Application\\nName=Ledger\\nExec=ledger %%F\\n"
    out(office, f"printf '{entry}' >/usr/share/applications/ledger.desktop", "-u", "0")
    hook = "apt-config dump DPkg::Post-Invoke | sed -n 's/.*\"\\(.*\\)\";$/\\1/p' | grep menu.sh | sh"
    assert out(office, hook, "-u", "0") == ""
    assert "  [exec] (Ledger) {ledger}" in out(office, "cat ~/.fluxbox/menu")


def test_what_plain_docker_starts(desktop: Environment, desktop_settings: Settings) -> None:
    """`docker run` of the image has UTF-8 and Qt's platform, and starting it does not rewrite the menu."""
    image = ensure_desktop_image(desktop, desktop_settings)
    with start_task(desktop, image, desktop_settings) as task:
        words = ("run", "--rm", "--entrypoint", "sh", str(image.image_id), "-c", "echo $LANG $QT_QPA_PLATFORM")
        assert task.engine.docker(*words).stdout.decode() == "C.UTF-8 xcb\n"
        added = "[ /usr/share/applications -nt /etc/desktop-bake/menu ] && echo newer"
        assert out(task, added) == ""


def test_a_setup_script_without_the_look(desktop: Environment, desktop_settings: Settings, tmp_path: Path) -> None:
    """If the setup script configures no window manager style, the background is the shipped one, and no program sets
    the distribution's wallpaper."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "fbsetbg").write_text("#!/bin/sh\necho asked >/tmp/asked\n")
    (tmp_path / "fbsetbg").chmod(0o755)
    image = ensure_desktop_image(desktop, desktop_settings)
    stand_ins = {"empty": "/etc/desktop-bake/fluxbox", "fbsetbg": "/usr/bin/fbsetbg"}
    mounts = tuple(Mount(kind="bind", source=f"{tmp_path}/{name}", target=stand_ins[name]) for name in stand_ins)
    with start_task(desktop, image, desktop_settings, options=TaskOptions(mounts=mounts)) as task:
        # the window manager manages windows once it has read its style
        out(task, "xterm -e sleep 60 & until xprop -root _NET_CLIENT_LIST | grep -q 0x; do sleep 0.05; done")
        task.screenshot(tmp_path / "look.png")
        assert Picture.open(tmp_path / "look.png").convert("RGB").getpixel((1279, 100)) == (0x2E, 0x40, 0x57)
        assert out(task, "cat /tmp/asked").endswith("No such file or directory")
