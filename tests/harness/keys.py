"""Keys that belong to no image."""

from __future__ import annotations

from desktop_bake.generator.key import CacheKey
from desktop_bake.generator.reference import Digest

NONE = Digest("sha256:" + "0" * 64)
KEY = CacheKey(variant="v", base=NONE, install=NONE, setup=NONE, dockerfile=NONE)
