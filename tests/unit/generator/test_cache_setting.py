"""The settings of the cache: what is taken, and what is refused."""

from __future__ import annotations

import pytest

from desktop_bake import ConfigurationError
from desktop_bake.generator.cache_setting import check_backend, check_compression, check_scope
from tests.harness.every import every


@every(
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


@every(
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
