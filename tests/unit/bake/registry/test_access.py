"""How registries are asked: which of them are spoken to without trusted TLS."""

from __future__ import annotations

from typing import Any

import pytest

from desktop_bake.bake.registry.access import Access
from tests.harness.every import every

NETWORKS = {"InsecureRegistryCIDRs": ["10.0.0.0/8", "fd00::/8"], "IndexConfigs": None}


@every(
    ("host", "config", "wanted"),
    [
        ("r.example.com", {}, False),
        ("r.example.com", {"IndexConfigs": {"r.example.com": {"Secure": False}}}, True),
        ("r.example.com", {"IndexConfigs": {"r.example.com": {"Secure": True}}}, False),
        ("r.example.com", {"IndexConfigs": {"r.example.com": {}}}, False),
        ("r.example.com:5000", {"IndexConfigs": {"r.example.com": {"Secure": False}}}, False),
        ("r.example.com", NETWORKS, False),
        ("10.1.2.3", NETWORKS, True),
        ("10.1.2.3:5000", NETWORKS, True),
        ("11.1.2.3", NETWORKS, False),
        ("[fd00::5]:5000", NETWORKS, True),
        ("[fe80::5]", NETWORKS, False),
        ("10.1.2.3", {"InsecureRegistryCIDRs": None}, False),
        ("10.1.2.3", {"InsecureRegistryCIDRs": ["nonsense"]}, False),
    ],
)
def test_insecure(host: str, config: dict[str, Any], wanted: bool) -> None:
    """Those that the engine's configuration names, by their host and port or by the network of their address."""
    assert Access(insecure=lambda: config).is_insecure(host) is wanted


@pytest.mark.parametrize("host", ["localhost", "localhost:5000", "127.0.0.1", "127.9.9.9:5000", "[::1]:5000"])
def test_loopback(host: str) -> None:
    """This machine's own registry is one, and the engine is not asked about it."""

    def nobody() -> dict[str, Any]:
        raise AssertionError

    assert Access.is_loopback(host)
    assert Access(insecure=nobody).is_insecure(host)


@pytest.mark.parametrize("host", ["localhost.example.com", "r.localhost", "128.0.0.1", "[::2]", "0.0.0.0"])
def test_no_loopback(host: str) -> None:
    """A name or an address that only looks like it is none."""
    assert not Access.is_loopback(host)
