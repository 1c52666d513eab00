"""One machine of a team builds a key: the lease in its registry, and that whatever happens to it loses nothing."""

from __future__ import annotations

import uuid

import pytest

from desktop_bake.bake.registry.lease_manifest import BEATS, RELEASED, Lease, lease_tag, read_lease
from desktop_bake.generator.errors import ConfigurationError
from desktop_bake.generator.reference import Digest
from tests.harness.keys import KEY


def test_what_it_is() -> None:
    """A lease reads back as it was written; of an owner there are as many manifests as beats; a released one is always
    the same bytes, by which every version knows it."""
    lease = Lease(owner=uuid.uuid4().hex, lifetime_s=20)
    assert read_lease(lease.content()) == lease
    beats = [lease := lease.next() for _ in range(BEATS)]
    assert {Digest.of(beat.content()) for beat in beats} == lease.digests()
    assert len(lease.digests()) == BEATS
    assert str(Digest.of(RELEASED)) == "sha256:456273f42bfd63460ca75249f12745d4f094b6386420cae06934286d4f5a1b7e"
    assert lease_tag(KEY) == "lease-e7f55a063b33b6904b0e7cb17ba61d41"
    assert len({lease_tag(KEY, platform) for platform in ("", "linux/amd64", "linux/arm64")}) == 3
    for content in (RELEASED, b"", b"{", b"[]", b"null", b"[" * 100_000, b'{"annotations": 1}', b"\xff"):
        assert read_lease(content) is None
    with pytest.raises(ConfigurationError, match="malformed owner"):
        Lease(owner="somebody", lifetime_s=20)
    with pytest.raises(ConfigurationError, match="malformed beat or lifetime"):
        Lease(owner="0" * 32, lifetime_s=3600)
