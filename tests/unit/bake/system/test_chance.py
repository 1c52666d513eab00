"""Names and secrets by chance."""

from __future__ import annotations

import base64 as library
import os

import pytest

from desktop_bake.bake.system.chance import base64, token_hex, token_urlsafe


@pytest.mark.parametrize("size", [1, 6, 16, 24, 32])
def test_tokens(size: int) -> None:
    """Each has all of its random bytes, and is another every time."""
    for _ in range(50):
        safe = token_urlsafe(size)
        assert len(library.urlsafe_b64decode(safe + "=" * (-len(safe) % 4))) == size
        assert set(safe) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        assert len(bytes.fromhex(token_hex(size))) == size
    assert token_hex(16) != token_hex(16)
    assert token_urlsafe(16) != token_urlsafe(16)


def test_base64() -> None:
    """It is the library's."""
    for size in range(40):
        content = os.urandom(size)
        assert base64(content) == library.b64encode(content)
