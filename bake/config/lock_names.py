"""The lock's name and the kinds of its entries; the code that reads a lock is loaded only if there is one."""

from __future__ import annotations

LOCK_NAME = "desktop-bake.lock"
BASE, TOOL, IMAGE = KINDS = ("base", "tool", "image")  # in the file's order
