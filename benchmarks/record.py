"""A recording of the quick start as an animated SVG, from a real run: `make recording` writes it into docs/pictures.

The commands are README's. Each runs in its own terminal (a pty, read by pyte), and its output becomes frames; waits
are shortened. The base is this machine's, shown under its original's name; the task's secret is shown as dots.
"""

from __future__ import annotations

import fcntl
import html
import os
import pty
import re
import select
import shlex
import signal
import struct
import sys
import tempfile
import termios
import time
from dataclasses import dataclass, field
from pathlib import Path

import pyte

COLUMNS, ROWS = 96, 20
CHARACTER, LINE, MARGIN = 8.4, 19, 16  # pixels
EVERY_S, SHOWN_S, TYPING_S, READING_S = 0.6, 0.15, 0.035, 2.0  # frames of a build; a key; after a command
SLOWEST_S = 300  # of a command
COLOURS = {
    "default": "#d8dee9",
    "black": "#6b7280",
    "red": "#f28b82",
    "green": "#9bd6a0",
    "brown": "#e8c77b",
    "blue": "#8ab4f8",
    "magenta": "#d7a6e8",
    "cyan": "#7fd6d6",
    "white": "#f4f6fa",
}
SHOWN = (
    ("desktop-bake init", ["init", "--base-image", os.environ.get("DESKTOP_BAKE_TEST_BASE", "debian:bookworm")], ""),
    ("desktop-bake build", ["build", "--no-cache"], ""),
    ("desktop-bake run -- xterm", ["run", "--", "xterm"], "[desktop] http"),
)


@dataclass
class Film:
    """Frames of a terminal.

    Attributes:
        screen: its present content.
        frames: rows as SVG, each with the seconds it is shown.
    """

    screen: pyte.Screen = field(default_factory=lambda: pyte.Screen(COLUMNS, ROWS))
    frames: list[tuple[tuple[str, ...], float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Line ends are those of a terminal."""
        self.stream = pyte.ByteStream(self.screen)

    def show(self, content: bytes, seconds: float) -> None:
        """Write to the screen, and show it for this long."""
        self.stream.feed(content)
        rows = tuple(_row(self.screen, number) for number in range(ROWS))
        if self.frames and self.frames[-1][0] == rows:
            self.frames[-1] = rows, self.frames[-1][1] + seconds
        else:
            self.frames.append((rows, seconds))

    def type(self, text: str) -> None:
        """Show a prompt, and a command as it is typed."""
        self.show(b"\x1b[32m$\x1b[0m ", 0.5)
        for start in range(0, len(text), 3):
            self.show(text[start : start + 3].encode(), 3 * TYPING_S)
        self.show(b"\r\n", 0.2)


def _row(screen: pyte.Screen, number: int) -> str:
    """A row of the screen as spans of one colour each."""
    cells, spans, start = screen.buffer[number], [], 0
    styles = [(cells[x].fg, cells[x].bold) for x in range(COLUMNS)]
    for end in range(1, COLUMNS + 1):
        if end == COLUMNS or styles[end] != styles[start]:
            text = "".join(cells[x].data for x in range(start, end))
            if text.strip():
                colour = COLOURS.get(styles[start][0], COLOURS["default"])
                bold = ' font-weight="bold"' if styles[start][1] else ""
                said = html.escape(text.rstrip() if end == COLUMNS else text, quote=False)
                spans.append(f'<tspan x="{start * CHARACTER:.1f}" fill="{colour}"{bold}>{said}</tspan>')
            start = end
    return "".join(spans)


def run(film: Film, words: list[str], until: str, folder: Path) -> float:
    """Run a command in the terminal, and end it as Ctrl-C does once it printed something.

    Args:
        film: gets its output.
        words: the arguments of `desktop-bake`.
        until: its output before Ctrl-C; empty if it ends by itself.
        folder: its working directory.

    Returns:
        The seconds until its end, or until that output.
    """
    began = time.monotonic()
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(folder)
        os.execv(sys.executable, [sys.executable, "-m", "desktop_bake", *words])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    printed, pending, last, took = b"", b"", began, 0.0
    while time.monotonic() - began < SLOWEST_S:
        ready = select.select([terminal], [], [], 0.1)[0]
        try:
            content = os.read(terminal, 65536) if ready else b""
        except OSError:  # its other end was closed
            break
        if ready and not content:
            break
        printed, pending, now = printed + content, pending + content, time.monotonic()
        if pending and now - last > EVERY_S:
            film.show(_clean(pending), SHOWN_S)
            pending, last = b"", now
        if until and until.encode() in printed and not took and not pending:
            took = now - began
            film.show(b"", 4.0)
            os.kill(pid, signal.SIGINT)
    film.show(_clean(pending), SHOWN_S)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status not in ((130, -signal.SIGINT) if until else (0,)):
        sys.exit(f"desktop-bake {shlex.join(words)} ended with {status}:\n{printed.decode(errors='replace')}")
    return took or time.monotonic() - began


def _clean(content: bytes) -> bytes:
    """The shown text in place of this machine's names: the base's original name, no mirror of apt's, and no secret."""
    content = re.sub(rb"127\.0\.0\.1:\d+/debian", b"debian", content)
    content = re.sub(rb"(Get:\d+) https?://\S+", rb"\1", content)
    return re.sub(rb"(token%3D)[\w-]+", rb"\1................................", content)


def svg(frames: list[tuple[tuple[str, ...], float]]) -> str:
    """The film as an SVG that moves only by CSS; it contains each distinct row once."""
    width, height = COLUMNS * CHARACTER + 2 * MARGIN, ROWS * LINE + 2 * MARGIN + 20
    total = sum(seconds for _, seconds in frames)
    rows = {row: f"r{n}" for n, row in enumerate(dict.fromkeys(row for shown, _ in frames for row in shown if row))}
    defined = "".join(f'<text id="{name}">{row}</text>' for row, name in rows.items())
    drawn, steps, at = [], [], 0.0
    for number, (shown, seconds) in enumerate(frames):
        uses = "".join(f'<use href="#{rows[row]}" y="{(n + 1) * LINE}"/>' for n, row in enumerate(shown) if row)
        drawn.append(f'<g transform="translate(0 {number * height})">{uses}</g>')
        steps.append(f"{at / total:.3%}{{transform:translateY({-number * height}px)}}")
        at += seconds
    last = f"translateY({-(len(frames) - 1) * height}px)"
    style = (
        "text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre}"
        f"#film{{animation:film {total:.1f}s steps(1,end) infinite}}"
        f"@keyframes film{{{''.join(steps)}100%{{transform:{last}}}}}"
        f"@media (prefers-reduced-motion:reduce){{#film{{animation:none;transform:{last}}}}}"
    )
    dots = "".join(
        f'<circle cx="{18 + 20 * n}" cy="16" r="6" fill="{c}"/>'
        for n, c in enumerate(("#f28b82", "#e8c77b", "#9bd6a0"))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" '
        f'width="{width:.0f}" height="{height}">'
        f"<title>desktop-bake init, build and run in a terminal</title><style>{style}</style><defs>{defined}"
        f'<clipPath id="page"><rect width="{width:.0f}" height="{height - 34}"/></clipPath></defs>'
        f'<rect width="100%" height="100%" rx="8" fill="#1d2230"/>{dots}'
        f'<g transform="translate({MARGIN} 30)" clip-path="url(#page)"><g id="film">{"".join(drawn)}</g></g></svg>\n'
    )


def main() -> int:
    """Record, and write the file that is named."""
    film = Film()
    with tempfile.TemporaryDirectory() as folder:
        for text, words, until in SHOWN:
            film.type(text)
            took = run(film, words, until, Path(folder))
            print(f"{text}: {took:.1f} s", file=sys.stderr)
            film.show(b"", READING_S)
    Path(sys.argv[1]).write_text(svg(film.frames), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
