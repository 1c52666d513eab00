"""Give a task's screen another size: `python3 -I -c LOADER screen_resize WIDTH HEIGHT …`, in the task."""

import sys

from recipe.screen_rfb import Screen, SocketStream, own_screen

WHY = {1: "it is forbidden", 2: "there is not enough memory", 3: "the size is none that Xvnc takes"}


def resize(screen: Screen, width: int, height: int) -> str:
    """Ask for a size, and wait for what becomes of it.

    Returns:
        Why it was refused; empty if it was not.
    """
    while not screen.layout:  # the first update has it
        screen.read()
    if (screen.width, screen.height) == (width, height):
        return ""
    screen.wish(width, height)
    screen.ask()
    while (screen.width, screen.height) != (width, height):
        if screen.read() >= 0:
            if screen.refused:
                return WHY.get(screen.refused, f"Xvnc says {screen.refused}")
            screen.ask()
    return ""


def main(width: str, height: str) -> None:
    """Do it, and exit with the reason if it was refused."""
    screen = Screen(SocketStream(own_screen()))
    sys.exit(resize(screen, int(width), int(height)) or 0)
