"""How much memory a reader may take."""

from __future__ import annotations

MB = 1 << 20
