"""A desktop that somebody may look at but not touch, with a viewer that tries."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from desktop_bake import TaskOptions, ensure_desktop_image, start_task
from tests.harness.viewer import viewer

if TYPE_CHECKING:
    from desktop_bake import DesktopTask, Environment, Settings

TYPED = ["xterm", "-e", "sh", "-c", 'read -r line; echo "$line" >/tmp/typed']


def said(task: DesktopTask, *words: str) -> str:
    """The output of a command in it."""
    return task.execute(words, timeout_s=30).stdout.decode().strip()


def test_looking_on(desktop: Environment, desktop_settings: Settings) -> None:
    """At the view-only address the picture arrives, and no key, pointer, clipboard or size; at the other all do."""
    image = ensure_desktop_image(desktop, desktop_settings)
    options = TaskOptions(geometry="640x480")
    with start_task(desktop, image, desktop_settings, options=options, command=TYPED) as task:
        assert task.novnc_url
        assert task.view_only_url
        said(task, "xdotool", "search", "--sync", "--onlyvisible", "--class", "xterm", "windowfocus", "--sync")
        with viewer(task.view_only_url) as onlooker, viewer(task.novnc_url) as owner:
            assert onlooker.screen.pixels == owner.screen.pixels
            onlooker.act("x", (5, 6), b"onlooker's")
            onlooker.screen.wish(800, 600)
            onlooker.look()
            assert "x:5 y:6" not in said(task, "xdotool", "getmouselocation")
            assert said(task, "xdotool", "getdisplaygeometry") == "640 480"
            assert said(task, "xclip", "-o", "-selection", "clipboard") == ""
            owner.act("a\n", (7, 8), b"owner's")
            owner.look()
            assert "x:7 y:8" in said(task, "xdotool", "getmouselocation")
            assert said(task, "xclip", "-o", "-selection", "clipboard") == "owner's"
            assert task.wait(30) == 0
            assert said(task, "cat", "/tmp/typed") == "a"
        secrets = [parse_qs(urlsplit(url).fragment)["path"][0][-32:] for url in (task.novnc_url, task.view_only_url)]
        shown = [task.engine.docker(*words, task.container_id) for words in (["inspect"], ["top"], ["logs"])]
        everything = b"".join(done.stdout + done.stderr for done in shown)
        assert len(set(secrets)) == 2
        assert not any(secret.encode() in everything for secret in secrets)
