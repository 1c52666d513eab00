"""Attestations: which texts BuildKit takes whole, and which of them make an image an index."""

from __future__ import annotations

import pytest

from desktop_bake import ConfigurationError
from desktop_bake.generator.attest import check_attest, needs_index
from tests.harness.every import every


@pytest.mark.parametrize(
    "entries",
    [
        (),
        ("type=provenance",),
        ("type=provenance,mode=max", "type=sbom"),
        ("type=sbom,generator=registry.example.com:5000/scan:1",),
        ("type=provenance,disabled=true",),
    ],
)
def test_what_is_taken(entries: tuple[str, ...]) -> None:
    """Each type once, with any options of a name and a value."""
    check_attest(entries)


@every(
    ("entries", "says"),
    [
        (("",), "malformed attestation ''"),
        (("sbom",), "malformed attestation 'sbom'"),
        (("type=sbm",), "malformed attestation 'type=sbm'"),
        (("TYPE=sbom",), "malformed attestation 'TYPE=sbom'"),
        (("type=sbom,",), "malformed attestation 'type=sbom,'"),
        (("type=sbom,generator",), "malformed attestation"),
        (("type=sbom,generator=",), "malformed attestation"),
        (("type=sbom,generator=a b",), "malformed attestation"),
        (('type=sbom,generator="a"',), "malformed attestation"),
        (("type=sbom,type=provenance",), "malformed attestation"),
        (("type=sbom,Type=provenance",), "malformed attestation"),
        (("type=sbom\n",), "malformed attestation"),
        (("mode=max,type=provenance",), "malformed attestation"),
        (("type=sbom", "type=provenance", "type=sbom,generator=a"), "attest names one type twice"),
    ],
)
def test_what_is_refused(entries: tuple[str, ...], says: str) -> None:
    """What BuildKit would refuse, or take in part, is refused with a remedy."""
    with pytest.raises(ConfigurationError, match=f"^{says}") as caught:
        check_attest(entries)
    assert "type=sbom" in caught.value.remedy


def test_a_long_one_is_shortened() -> None:
    """A message repeats no more than the beginning."""
    with pytest.raises(ConfigurationError, match=f"^malformed attestation '{'x' * 80}'$"):
        check_attest(("x" * 5000,))


@pytest.mark.parametrize(
    ("entries", "wanted"),
    [
        ((), False),
        (("type=provenance,disabled=true",), False),
        (("type=provenance,disabled=true", "type=sbom,disabled=true"), False),
        (("type=provenance,disabled=true", "type=sbom"), True),
        (("type=provenance,mode=min",), True),
        (("type=sbom,generator=disabled=true.example.com/a",), True),
    ],
)
def test_needs_index(entries: tuple[str, ...], wanted: bool) -> None:
    """An attestation makes the image an index, unless every one is switched off."""
    assert needs_index(entries) is wanted
