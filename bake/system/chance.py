"""Names and secrets by chance, as the module `secrets` makes them, which loads generators that no start needs."""

from __future__ import annotations

import binascii
import os

_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def token_hex(size: int) -> str:
    """As `secrets.token_hex`: the digits of this many random bytes."""
    return os.urandom(size).hex()


def token_urlsafe(size: int) -> str:
    """As `secrets.token_urlsafe`: this many random bytes in letters, digits, `-` and `_`."""
    return base64(os.urandom(size)).translate(_URL_SAFE).rstrip(b"=").decode()


def base64(content: bytes) -> bytes:
    """As `base64.b64encode` (RFC 4648, 4)."""
    return binascii.b2a_base64(content, newline=False)
