"""Cache backends: what is refused, and what each adds to a target."""

from __future__ import annotations

import pytest

from desktop_bake import ImageReference, LayerKey, Stack, stack_key
from desktop_bake.generator.cache_backend import CacheEntries, cache_entries, exporters, packing
from tests.harness.recipes import BASE, ENVIRONMENT, KEY, PREFLIGHT

REPOSITORY = ImageReference.parse("registry.example.com/team/desktop")
FAMILY = "emerald-504a29a17b8c"
OWN, MAIN = (
    f"registry.example.com/team/desktop:cache-{FAMILY}-{scope}" for scope in ("${DESKTOP_BAKE_CACHE_SCOPE}", "main")
)
PACKED = "compression=zstd,oci-mediatypes=true"
READ_BOTH = (f"type=registry,ref={OWN}", f"type=registry,ref={MAIN}")


@pytest.mark.parametrize(
    ("backend", "wanted"),
    [
        ("none", CacheEntries()),
        (
            "local",
            CacheEntries(
                cache_from=(f"type=local,src=${{DESKTOP_BAKE_CACHE_DIR}}/{FAMILY}",),
                cache_to=(f"type=local,dest=${{DESKTOP_BAKE_CACHE_DIR}}/{FAMILY},mode=max,ignore-error=true",),
            ),
        ),
        (
            "registry",
            CacheEntries(
                cache_from=READ_BOTH,
                cache_to=(f"type=registry,ref={OWN},mode=max,{PACKED},image-manifest=true,ignore-error=true",),
            ),
        ),
        ("inline", CacheEntries(cache_from=READ_BOTH, cache_to=("type=inline",), tags=(OWN,))),
        (
            "type=gha,scope=a",
            CacheEntries(cache_from=("type=gha,scope=a",), cache_to=("type=gha,scope=a,ignore-error=true",)),
        ),
        (
            "type=gha,ignore-error=false",
            CacheEntries(cache_from=("type=gha,ignore-error=false",), cache_to=("type=gha,ignore-error=false",)),
        ),
    ],
)
def test_entries(backend: str, wanted: CacheEntries) -> None:
    """What a backend reads and writes; a cache that cannot be written fails no build, unless somebody says so."""
    assert cache_entries(backend, REPOSITORY, KEY) == wanted


def test_a_layer() -> None:
    """A layer has no local export, which would copy the desktop below it; a registry's it has."""
    key = stack_key(ENVIRONMENT, Stack(preflight=PREFLIGHT), BASE)
    assert isinstance(key, LayerKey)
    assert cache_entries("local", REPOSITORY, key) == CacheEntries()
    assert cache_entries("none", REPOSITORY, key) == CacheEntries()
    assert cache_entries("registry", REPOSITORY, key).cache_to


@pytest.mark.parametrize(
    ("compression", "options"),
    [
        ("zstd", "compression=zstd,oci-mediatypes=true"),
        ("gzip", "compression=gzip,force-compression=true"),
        ("uncompressed", "compression=uncompressed,force-compression=true"),
    ],
)
def test_packing(compression: str, options: str) -> None:
    """What is not zstd is for registries that refuse it: layers that were packed before are packed again."""
    assert packing(compression) == options
    (entry,) = cache_entries("registry", REPOSITORY, KEY, compression).cache_to
    assert f",{options}," in entry


@pytest.mark.parametrize(
    ("entry", "any_one", "all_at_once"),
    [
        ("type=local,dest=a", {"one", "other"}, {"one", "other"}),
        ("type=registry,ref=a", {"one", "two", "other"}, {"one", "other"}),
        ("type=inline", {"one", "two", "other"}, {"one", "two", "other"}),
    ],
)
def test_exporters(entry: str, any_one: set[str], all_at_once: set[str]) -> None:
    """Of several that write to one place the first exports; to a registry each, if it may be built by itself."""
    caches = [("one", (entry,)), ("none", ()), ("two", (entry,)), ("other", ("type=local,dest=b",))]
    assert exporters(caches, folders_alone=True) == any_one
    assert exporters(caches, folders_alone=False) == all_at_once
