"""Cache backends: what is refused, and what each adds to a target."""

from __future__ import annotations

import pytest

from desktop_bake import ConfigurationError, ImageReference, LayerKey, Stack, stack_key
from desktop_bake.generator.cache_backend import (
    CacheEntries,
    cache_entries,
    check_backend,
    check_compression,
    check_scope,
    packing,
)
from tests.harness.recipes import BASE, ENVIRONMENT, KEY, PREFLIGHT

REPOSITORY = ImageReference.parse("registry.example.com/team/desktop")
FAMILY = "emerald-504a29a17b8c"
OWN, MAIN = (
    f"registry.example.com/team/desktop:cache-{FAMILY}-{scope}" for scope in ("${DESKTOP_BAKE_CACHE_SCOPE}", "main")
)
PACKED = "compression=zstd,oci-mediatypes=true"
READ_BOTH = (f"type=registry,ref={OWN}", f"type=registry,ref={MAIN}")


@pytest.mark.parametrize(
    "backend",
    [
        "local",
        "registry",
        "inline",
        "none",
        "type=gha",
        "type=gha,scope=a,mode=max",
        "type=s3,bucket=b,region=r,name=",
        "type=azblob,account_url=https://a.example.com/?x=y",
    ],
)
def test_what_is_taken(backend: str) -> None:
    """Our four, and BuildKit's own form of three others."""
    check_backend(backend)


@pytest.mark.parametrize(
    ("backend", "says"),
    [
        ("", "unknown cache backend ''"),
        ("disk", "unknown cache backend 'disk'"),
        ("Local", "unknown cache backend 'Local'"),
        ("local,none", "unknown cache backend 'local'"),
        ("type=local,dest=/", "unknown cache backend 'type=local'"),
        ("type=registry,ref=a", "unknown cache backend 'type=registry'"),
        ("type=gha,", "unknown cache backend 'type=gha'"),
        ("type=gha,scope", "unknown cache backend 'type=gha'"),
        ('type=gha,scope="a', "unknown cache backend 'type=gha'"),
        ("type=gha,scope=a b", "unknown cache backend 'type=gha'"),
        ("type=gha\ntype=x", "unknown cache backend 'type=gha"),
        ("type=gha,mode=max,mode=min", "the cache backend holds mode once too often"),
        ("type=s3,type=local", "the cache backend holds type once too often"),
        ("type=s3,dest=/etc", "the cache backend holds dest once too often"),
        ("type=s3,src=/etc", "the cache backend holds src once too often"),
        *(
            (f"type=s3,bucket=b,{name}=hunter2", f"the cache backend holds {name}, which would be written into")
            for name in ("secret_access_key", "session_token", "access_key_id", "token", "account_key")
        ),
    ],
)
def test_what_is_refused(backend: str, says: str) -> None:
    """Anything else is refused, and no value, which may be a secret, is repeated."""
    with pytest.raises(ConfigurationError) as caught:
        check_backend(backend)
    assert str(caught.value).startswith(says.replace("\n", " "))
    assert "hunter2" not in str(caught.value) + caught.value.remedy
    assert caught.value.remedy


@pytest.mark.parametrize("scope", ["main", "a", "A.b_c-1", "x" * 63])
def test_scope(scope: str) -> None:
    """A scope is what a tag can hold."""
    check_scope(scope)


@pytest.mark.parametrize("scope", ["", "feature/x", "a b", "x" * 64, "a\n", "ü"])
def test_scope_refused(scope: str) -> None:
    """What no tag holds, a branch's slash too, is refused."""
    with pytest.raises(ConfigurationError, match=r"^malformed cache scope") as caught:
        check_scope(scope)
    assert "at most 63" in caught.value.remedy


@pytest.mark.parametrize("compression", ["lz4", "", "ZSTD", "estargz", "zstd "])
def test_compression_refused(compression: str) -> None:
    """A form that BuildKit packs no image in, or that not every engine runs, is refused."""
    with pytest.raises(ConfigurationError, match=f"^unknown compression '{compression}'$") as caught:
        check_compression(compression)
    assert caught.value.remedy == "use one of: zstd, gzip, uncompressed"


@pytest.mark.parametrize(
    ("compression", "options"),
    [
        ("zstd", "compression=zstd,oci-mediatypes=true"),
        ("gzip", "compression=gzip,force-compression=true"),
        ("uncompressed", "compression=uncompressed,force-compression=true"),
    ],
)
def test_packing(compression: str, options: str) -> None:
    """What is not zstd is for registries that refuse it: layers that were packed before are packed anew."""
    check_compression(compression)
    assert packing(compression) == options
    (entry,) = cache_entries("registry", REPOSITORY, KEY, compression).cache_to
    assert f",{options}," in entry


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
