"""What a viewer that may only look gets through, byte by byte and however it is cut."""

from __future__ import annotations

import ast
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipe import desktop_onlooker
from recipe.desktop_http import RefusedError
from recipe.desktop_onlooker import Onlooker
from tests.harness.every import every

HELLO = b"RFB 003.008\n\1\1"
ENCODINGS = (0, 1, -223, -308, -258, -312, -313, 5)


def encodings(*numbers: int) -> bytes:
    """A list of encodings that the viewer takes."""
    return struct.pack(f">BxH{len(numbers)}i", 2, len(numbers), *numbers)


LOOKS = {
    "pixel format": b"\0" + bytes(range(19)),
    "encodings": encodings(*ENCODINGS),
    "no encodings": encodings(),
    "update": struct.pack(">BBHHHH", 3, 1, 4, 5, 6, 255),
    "continuous updates": struct.pack(">BBHHHH", 150, 1, 4, 5, 6, 6),
    "fence": struct.pack(">B3xIB", 248, 1, 5) + b"\4\5\6\4\5",
    "empty fence": struct.pack(">B3xIB", 248, 1, 0),
}
ACTS = {
    "key": struct.pack(">BBxxI", 4, 1, 0x61),
    "pointer": struct.pack(">BBHH", 5, 1, 3, 3),
    "pointer with its eighth button": struct.pack(">BBHH", 5, 0x80, 3, 3),
    "clipboard": struct.pack(">B3xi", 6, 4) + b"\4\5\6\4",
    "long clipboard": struct.pack(">B3xi", 6, 70000) + b"\4" * 70000,
    "extended clipboard": struct.pack(">B3xi", 6, -8) + b"\4\5\6\4\4\4\4\4",
    "power": b"\xfa\0\1\2",
    "size": struct.pack(">BxHHBx", 251, 640, 480, 2) + b"\4" * 32,
    "QEMU's key": struct.pack(">BBHII", 255, 0, 1, 0x61, 30),
}


def through(*pieces: bytes) -> bytes:
    """The part of these pieces that passes, after a greeting."""
    onlooker = Onlooker()
    assert onlooker.passed(HELLO) == HELLO
    return b"".join(map(onlooker.passed, pieces))


@pytest.mark.parametrize("name", LOOKS)
def test_who_looks(name: str) -> None:
    """What asks for the picture goes on as it is."""
    assert through(LOOKS[name]) == LOOKS[name]


@every("name", ACTS)
def test_who_acts(name: str) -> None:
    """What would act on the desktop does not, and what follows it is read from its beginning."""
    assert through(ACTS[name] + LOOKS["update"]) == LOOKS["update"]


def test_an_encoding_that_makes_others_longer() -> None:
    """The viewer is not told of a pointer's further buttons, with whose encoding its messages have another length."""
    assert through(encodings(0, -316, 5)) == encodings(0, 5)


@given(st.lists(st.sampled_from(sorted(LOOKS | ACTS)), max_size=12), st.data())
def test_however_it_is_cut(names: list[str], data: st.DataObject) -> None:
    """The same goes on, whole message by whole message, wherever frames and reads end."""
    said = HELLO + b"".join((LOOKS | ACTS)[name] for name in names)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(said)), max_size=20)))
    onlooker = Onlooker()
    passed = [onlooker.passed(said[a:b]) for a, b in zip([0, *cuts], [*cuts, len(said)], strict=True)]
    assert b"".join(passed) == HELLO + b"".join(LOOKS[name] for name in names if name in LOOKS)


@given(st.binary(max_size=300))
def test_no_bytes_act(said: bytes) -> None:
    """Whatever comes, what goes on is whole messages of types that only look."""
    onlooker = Onlooker()
    onlooker.passed(HELLO)
    try:
        passed = onlooker.passed(said)
    except RefusedError:
        return
    again = Onlooker()
    again.passed(HELLO)
    assert again.passed(passed) == passed
    assert not passed or passed[0] in (0, 2, 3, 150, 248)


@every(
    "said",
    [
        b"RFB 003.003\n",  # which has another greeting
        b"RFB 004.001\n",
        b"GET / HTTP/1",
        b"RFB 003.008\n\2",  # a password
        b"RFB 003.008\n\x10",
        HELLO[:-1] + b"\4",
        HELLO + b"\1",
        HELLO + b"\7",  # files
        HELLO + b"\xfc",
        HELLO + b"\xff\1" + bytes(10),  # QEMU's sound
    ],
)
def test_what_nobody_knows(said: bytes) -> None:
    """A message that is not known, whose end nobody knows either, is an error, with nothing of it passed."""
    with pytest.raises(RefusedError):
        Onlooker().passed(said)


def test_each_part_of_the_greeting_goes_on_at_once() -> None:
    """Both sides wait for each other in it."""
    onlooker = Onlooker()
    assert [onlooker.passed(piece) for piece in (b"RFB 003.0", b"08\n", b"\1", b"\1")] == [
        b"",
        b"RFB 003.008\n",
        b"\1",
        b"\1",
    ]


def test_what_is_dropped_is_not_kept() -> None:
    """A clipboard as long as a message can tell takes no memory."""
    onlooker = Onlooker()
    onlooker.passed(HELLO + struct.pack(">B3xI", 6, 1 << 30))
    for _ in range(64):
        assert onlooker.passed(bytes(1 << 20)) == b""
    assert len(vars(onlooker)["_unread"]) == 0


def test_it_runs_on_old_bases() -> None:
    """The grammar is that of Python 3.6."""
    ast.parse(Path(desktop_onlooker.__file__).read_bytes(), feature_version=(3, 6))
