"""The memory limit of a reader."""

from __future__ import annotations

MB = 1 << 20
