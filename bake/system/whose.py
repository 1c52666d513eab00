"""A name for this user on this machine that is always the same, and tells others nothing."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_MACHINE_ID = Path("/etc/machine-id")  # machine-id(5): hash it before others see it
_LENGTH = 16
_KEY_LENGTH = 12


def this_user() -> str:
    """This user on this machine: 16 hex digits, which reveal neither."""
    try:
        machine = _MACHINE_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        machine = ""
    return short_hash(f"{machine or os.uname().nodename}:{os.geteuid()}")


def short_hash(text: str) -> str:
    """16 hex digits of a text."""
    return hashlib.sha256(b"desktop-bake\0" + text.encode(errors="surrogateescape")).hexdigest()[:_LENGTH]


def short_key(key: str) -> str:
    """12 hex digits that stand for a key, the same in every table; empty if there is no key."""
    return short_hash(key)[:_KEY_LENGTH] if key else ""
