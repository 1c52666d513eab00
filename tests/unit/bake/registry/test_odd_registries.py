"""Registries that take less than the specification's: no zstd, no token for pushing alone."""

from __future__ import annotations

import pytest

from desktop_bake import ConfigurationError, ImageReference
from desktop_bake.generator.bakefile import BakeOptions
from desktop_bake.generator.cache_backend import cache_entries
from tests.harness.targets import KEY


def test_compression_is_checked() -> None:
    """A form that BuildKit packs no image in is refused; the registry's cache is packed as the image is."""
    with pytest.raises(ConfigurationError, match="unknown compression 'lz4'"):
        BakeOptions(repository=ImageReference.parse("a"), compression="lz4")
    for compression in ("zstd", "gzip", "uncompressed"):
        (entry,) = cache_entries("registry", ImageReference.parse("a"), KEY, compression).cache_to
        assert f",compression={compression}," in entry
