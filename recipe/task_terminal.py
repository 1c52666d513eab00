"""A command on a terminal of its own, in a task: `python3 -I -S -c TEXT PATH PROGRAM WORD…`, with that PATH.

What it prints goes to our standard output; at its terminal nobody types. Signals reach it, and its status is ours.
"""

import fcntl
import os
import select
import signal
import struct
import sys
import termios

TYPE_CHECKING = False  # of typing, which takes a while to import
if TYPE_CHECKING:
    from typing import Optional, Tuple

LINES, COLUMNS = 24, 80
PIECE_BYTES = 1 << 16
LAST_S = 0.1  # what it has printed is here by then, also if something that it left behind has the terminal
HANDED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


def begun(path: str, words: "Tuple[str, ...]") -> "Tuple[int, int]":
    """Start it; its process, and our end of its terminal."""
    child, terminal = os.forkpty()
    if child:
        return child, terminal
    for number in HANDED_ON:  # whoever started us may ignore some
        signal.signal(number, signal.SIG_DFL)
    try:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        os.environ["PATH"] = path
        os.environ.setdefault("TERM", "xterm")  # as docker run -t
        os.execvp(words[0], words)
    except OSError as error:
        print(f"[desktop] cannot run {words[0]}: {error.strerror}", flush=True)
    os._exit(126)


def piece_of(terminal: int) -> bytes:
    """The next bytes that it prints; none once nobody has its end of the terminal."""
    try:
        return os.read(terminal, PIECE_BYTES)
    except OSError:
        return b""


def handed_on(child: int, terminal: int) -> int:
    """Hand on what it prints until it has ended; what it left behind may go on."""
    ended: Optional[int] = None
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)

    def hand_on(number: int, _: object) -> None:
        if ended is None:
            os.kill(child, number)

    for number in HANDED_ON:
        signal.signal(number, hand_on)
    while True:
        if ended is None:
            process, status = os.waitpid(child, os.WNOHANG)
            ended = status if process else None
        ready = select.select([terminal, woken], [], [], None if ended is None else LAST_S)[0]
        if woken in ready:
            os.read(woken, PIECE_BYTES)
        if terminal in ready:
            piece = piece_of(terminal)
            if not piece:
                break
            while piece:
                piece = piece[os.write(1, piece) :]
        elif not ready:
            break
    return os.waitpid(child, 0)[1] if ended is None else ended


def main(path: str, *words: str) -> None:
    """Run it, and exit with its status, that of a signal as a shell tells it."""
    status = handed_on(*begun(path, words))
    sys.exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))


if __name__ == "__main__":
    main(*sys.argv[1:])
