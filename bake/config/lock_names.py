"""The lock's name, and the kinds of what it names; what reads it is loaded once there is one."""

from __future__ import annotations

LOCK_NAME = "desktop-bake.lock"
BASE, TOOL, IMAGE = KINDS = ("base", "tool", "image")  # in the file's order
