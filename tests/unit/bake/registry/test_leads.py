"""Where a registry leads - redirects, token services - gets no login that is not its own, and stays outside."""

from __future__ import annotations

from tests.harness.apart import apart

PUBLIC, OTHER_PUBLIC = "11.22.33.44", "11.22.33.55"
PRIVATE = ["127.0.0.1", "10.9.8.7", "169.254.169.254", "100.64.1.1", "fd00::1", "::1"]


def test_a_public_registry_leads_to_no_private_address() -> None:
    """A redirect or a token service at a private address is refused to a public registry, unasked; others may."""
    ways = ["redirect", "token service"]
    inwards = [(PUBLIC, target, how) for target in PRIVATE for how in ways]
    allowed = [(PUBLIC, OTHER_PUBLIC, how) for how in ways] + [(PRIVATE[1], t, how) for t in PRIVATE for how in ways]
    own = [a for a in (PUBLIC, OTHER_PUBLIC, *PRIVATE) if a not in ("127.0.0.1", "::1")]
    played = apart("led", [*inwards, *allowed], own)
    for scene, found in zip(inwards, played, strict=False):
        assert (found["asked"], "leads to a private address" in found["said"]) == (0, True), (scene, found)
    for scene, found in zip(allowed, played[len(inwards) :], strict=True):
        assert found["asked"] > 0, (scene, found)
        assert "private" not in found["said"], (scene, found)
