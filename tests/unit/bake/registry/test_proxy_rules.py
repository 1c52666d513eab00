"""Which requests go through the environment's proxy: as Go's rules have it, which the docker client follows."""

from __future__ import annotations

from desktop_bake import RegistryError
from desktop_bake.bake.registry.proxy_rules import ProxyRules
from tests.harness.proxy_cases import CASES


def is_proxied(url: str, variables: dict[str, str]) -> bool:
    """Whether our rules ask the proxy."""
    try:
        proxy = ProxyRules.read(variables).proxy_for(f"{url}/v2/")
    except RegistryError as error:
        assert "REQUEST_METHOD" in str(error)
        return False
    return proxy is not None and "PROXY" in proxy


def test_the_rules() -> None:
    """Each case is as the table says."""
    assert [is_proxied(url, variables) for url, variables, _ in CASES] == [wanted for *_, wanted in CASES]
