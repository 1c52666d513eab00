"""Redirects and token services of a registry get no login but their own, and never lead to private addresses."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from desktop_bake import ImageReference, RegistryError
from desktop_bake.bake.registry.client import look_up
from tests.harness import faults
from tests.harness.apart import apart
from tests.harness.logins import LABELS, login
from tests.harness.proxy import faulty
from tests.harness.registries import HERE, RealRegistry, push_image, real_registry

PUBLIC, OTHER_PUBLIC = "11.22.33.44", "11.22.33.55"
PRIVATE = ["127.0.0.1", "10.9.8.7", "169.254.169.254", "100.64.1.1", "fd00::1", "::1"]


@pytest.fixture(autouse=True)
def own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A docker client configuration for this test alone."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    """A registry with one image under team/desktop:t."""
    with real_registry(tmp_path_factory.mktemp("registry")) as registry:
        push_image(registry.host, "team/desktop", "t", LABELS, platforms=(HERE,))
        yield registry


def image(host: str) -> ImageReference:
    """The test's image."""
    return ImageReference.parse(f"{host}/team/desktop:t")


@pytest.mark.parametrize("on", ["/manifests/", "/blobs/"])
@pytest.mark.parametrize("kind", ["Basic", "Bearer"])
def test_a_challenge_from_elsewhere_is_not_answered(
    registry: RealRegistry, own_config: Path, kind: str, on: str
) -> None:
    """A redirect's target gets neither password nor token, whatever it asks for, nor does its token service."""
    asks = {"Basic": 'Basic realm="x"', "Bearer": 'Bearer realm="http://{0}/token",service="x"'}[kind]
    with faulty("127.0.0.1:9", faults.answers(200, "{}", on="/token")) as thief:
        demand = faults.answers(401, headers={"WWW-Authenticate": asks.format(thief.host)}, on="/v2/")
        with (
            faulty("127.0.0.1:9", demand) as elsewhere,
            faulty(registry.host, faults.bearer(), faults.redirects(elsewhere.host, on=on)) as proxy,
        ):
            login(own_config, proxy.host)
            with pytest.raises(RegistryError, match="redirects to another place, which requires a login"):
                look_up(image(proxy.host), HERE)
    assert elsewhere.requests
    assert not [r for r in elsewhere.requests if "authorization" in r.headers]
    assert not thief.requests


@pytest.mark.parametrize("how", ["redirect", "token service"])
def test_tls_is_kept(registry: RealRegistry, own_config: Path, how: str) -> None:
    """Nothing leads from TLS to plain HTTP; and a registry that answered by TLS is never asked without it."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    with faulty(registry.host, faults.bearer(anonymous=True)) as plain:
        fault = {
            "redirect": faults.redirects(plain.host, on=""),
            "token service": faults.answers(
                401, headers={"WWW-Authenticate": f'Bearer realm="http://{plain.host}/token",service="x"'}
            ),
        }[how]
        with faulty(registry.host, fault, tls=tls) as encrypted:
            login(own_config, encrypted.host)
            with pytest.raises(RegistryError, match=r"from https to http|no token service that a login may be sent to"):
                look_up(image(encrypted.host), HERE)
    assert not plain.requests
    assert len(encrypted.requests) == 1


def test_a_public_registry_leads_to_no_private_address() -> None:
    """A public registry's redirect or token service at a private address is refused, unasked; others may have one."""
    ways = ["redirect", "token service"]
    inwards = [(PUBLIC, target, how) for target in PRIVATE for how in ways]
    allowed = [(PUBLIC, OTHER_PUBLIC, how) for how in ways] + [(PRIVATE[1], t, how) for t in PRIVATE for how in ways]
    own = [a for a in (PUBLIC, OTHER_PUBLIC, *PRIVATE) if a not in ("127.0.0.1", "::1")]
    played = apart("led", [*inwards, *allowed], own)
    for scene, found in zip(inwards, played, strict=False):
        assert (found["asked"], "redirects to a private address" in found["said"]) == (0, True), (scene, found)
    for scene, found in zip(allowed, played[len(inwards) :], strict=True):
        assert found["asked"] > 0, (scene, found)
        assert "private" not in found["said"], (scene, found)
