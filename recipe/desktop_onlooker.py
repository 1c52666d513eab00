"""What a viewer that may only look says to a desktop: what asks for the picture, and nothing else.

A part of desktop_gate.py's text.
"""

from recipe.desktop_http import RefusedError

try:  # hashlib loads all of OpenSSL
    from _sha256 import sha256  # type: ignore[import-not-found,unused-ignore]
except ImportError:
    try:
        from _sha2 import sha256  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        from hashlib import sha256

TYPE_CHECKING = False  # of typing, which takes a while to import
if TYPE_CHECKING:
    from typing import Tuple

UNKNOWN = 1008  # how its WebSocket ends (RFC 6455, 7.4.1)
GREETING = ((b"RFB 003.007\n", b"RFB 003.008\n"), (b"\1",), (b"\0", b"\1"))  # no password; others may watch, or not
# What a viewer sends then (RFC 6143, 7.5, and the community's registry): by type, the bytes of its head, where the head
# counts what follows, the bytes of each of that, and whether it goes on if it comes from an onlooker.
MESSAGES = {
    0: (20, slice(0), 0, True),  # pixel format
    2: (4, slice(2, 4), 4, True),  # encodings
    3: (10, slice(0), 0, True),  # request for an update
    4: (8, slice(0), 0, False),  # key
    5: (6, slice(0), 0, False),  # pointer
    6: (8, slice(4, 8), 1, False),  # clipboard; the extended one's count is negative
    150: (10, slice(0), 0, True),  # continuous updates
    248: (9, slice(8, 9), 1, True),  # fence
    250: (4, slice(0), 0, False),  # power
    251: (8, slice(6, 7), 16, False),  # size
    255: (12, slice(0), 0, False),  # QEMU's key
}
LONGEST_HEAD = 12  # that counts or tells something
BUTTONS = b"\xff\xff\xfe\xc4"  # the encoding with which a pointer's message may be longer


def onlooker_secret(secret: str) -> str:
    """The secret of who may only look: whoever knows it does not know the other."""
    return str(sha256(b"look on " + secret.encode()).hexdigest()[:48])


class Onlooker:
    """A viewer that may only look: neither its keys, its pointer, its clipboard nor its size reach the desktop.

    Xvnc gets whole messages of known types alone, so that it reads the same ones as we.
    """

    def __init__(self) -> None:
        self._unread = b""
        self._dropped = 0  # bytes still to come of a message that does not go on
        self._greeting = list(GREETING)

    def passed(self, data: bytes) -> bytes:
        """What goes on of the next bytes, however they are cut.

        Raises:
            RefusedError: a message that nobody knows, nor its end.
        """
        unread, at, passed = self._unread + data, 0, []
        while True:
            skipped = min(self._dropped, len(unread) - at)
            at, self._dropped = at + skipped, self._dropped - skipped
            size, goes_on = self._next(unread[at : at + LONGEST_HEAD])
            if not goes_on:
                self._dropped = size
            elif size and at + size <= len(unread):
                passed.append(self._plain(unread[at : at + size]))
                at += size
            else:
                self._unread = unread[at:]
                return b"".join(passed)

    def _next(self, head: bytes) -> "Tuple[int, bool]":
        """The length of the message that begins so, 0 if that is not known yet, and whether it goes on."""
        if self._greeting:
            size = len(self._greeting[0][0])
            if len(head) < size:
                return 0, True
            if head[:size] not in self._greeting.pop(0):
                raise RefusedError(UNKNOWN)
            return size, True
        if not head:
            return 0, True
        if head[0] not in MESSAGES:
            raise RefusedError(UNKNOWN)
        size, count, each, goes_on = MESSAGES[head[0]]
        if len(head) < min(size, LONGEST_HEAD):
            return 0, True
        if head[:1] == b"\xff" and head[1]:  # QEMU's others, which are as long as they like
            raise RefusedError(UNKNOWN)
        return size + each * abs(int.from_bytes(head[count], "big", signed=head[0] == 6)), goes_on

    @staticmethod
    def _plain(message: bytes) -> bytes:
        """It, without the encoding that would change how long others are."""
        if message[0] != 2:
            return message
        kept = [e for e in (message[i : i + 4] for i in range(4, len(message), 4)) if e != BUTTONS]
        return b"\2\0" + len(kept).to_bytes(2, "big") + b"".join(kept)
