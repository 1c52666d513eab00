"""Which requests go through the environment's proxy: by Go's rules, which the docker client follows."""

from __future__ import annotations

import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from desktop_bake import ImageReference, RegistryError
from desktop_bake.bake.registry.access import Access
from desktop_bake.bake.registry.client import look_up
from tests.harness import faults
from tests.harness.apart import apart
from tests.harness.logins import login
from tests.harness.proxy import faulty
from tests.harness.proxy_cases import CASES
from tests.harness.registries import BASIC, HERE, PASSWORD, USER


@pytest.fixture(autouse=True)
def own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A docker client configuration for this test alone, and no proxy but the test's."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for name in os.environ:
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    return tmp_path / "config.json"


def image(host: str) -> ImageReference:
    """An image in it."""
    return ImageReference.parse(f"{host}/team/desktop:t")


def test_a_loopback_registrys_login_stays_here(own_config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy sees no request to a loopback registry, its token service or its redirects."""
    with (
        faulty("127.0.0.1:9", faults.answers(403)) as proxy,
        faulty("127.0.0.1:9", faults.refuses(404, "MANIFEST_UNKNOWN")) as elsewhere,
        faulty("127.0.0.1:9", faults.bearer(), faults.redirects(elsewhere.host, on="")) as registry,
    ):
        for name in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(name, f"http://{proxy.host}")
        for host in (registry.host, registry.host.replace("127.0.0.1", "localhost")):
            login(own_config, host)
            assert look_up(image(host), HERE) is None
        assert not proxy.requests
        assert elsewhere.requests


def test_each_url_has_its_own_proxy(own_config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Registry, token service and redirect each go where the rules send them; http uses the proxy for http."""
    insecure = {"IndexConfigs": {"registry.invalid:5000": {"Secure": False}}}
    with faulty("127.0.0.1:9", faults.answers(502, on="CONNECT ")) as secure, faulty("127.0.0.1:9") as direct:
        token = faults.answers(200, '{"token": "t"}', on="/token")
        demand = 'Bearer realm="http://auth.invalid/token",service="x"'
        steps = [
            faults.answers(401, headers={"WWW-Authenticate": demand}, on="registry.invalid", times=1),
            token,
            faults.answers(307, headers={"Location": f"http://{direct.host}/x"}, on="registry.invalid"),
        ]
        with faulty("127.0.0.1:9", *steps) as plain:
            monkeypatch.setenv("https_proxy", f"http://{secure.host}")
            monkeypatch.setenv("http_proxy", f"http://{plain.host}")
            login(own_config, "registry.invalid:5000")
            with pytest.raises(RegistryError, match="redirects to a private address"):
                look_up(image("registry.invalid:5000"), HERE, Access(insecure=lambda: insecure))
    assert {r.path for r in secure.requests} == {"registry.invalid:5000"}
    asked = [r.path.partition("?")[0] for r in plain.requests]
    place = "http://registry.invalid:5000/v2/team/desktop/manifests/t"
    assert asked == [place, "http://auth.invalid/token", place]
    assert not direct.requests  # a registry behind a proxy is not private, and may not lead to loopback


def test_a_proxys_login(monkeypatch: pytest.MonkeyPatch) -> None:
    """The login in the proxy's URL goes to the proxy, as HTTP Basic."""
    with socket.create_server(("127.0.0.1", 0)) as proxy, ThreadPoolExecutor(1) as pool:
        proxy.settimeout(10)

        def heard() -> bytes:
            connection, _ = proxy.accept()
            with connection:
                return connection.recv(4096)

        said = pool.submit(heard)
        monkeypatch.setenv("https_proxy", f"http://{USER}:{PASSWORD}@127.0.0.1:{proxy.getsockname()[1]}")
        with pytest.raises(RegistryError, match=r"did not answer (within 1 s|in time)"):
            look_up(image("registry.invalid"), HERE, Access(timeout_s=1))
        assert f"proxy-authorization: {BASIC}\r\n".lower().encode() in said.result().lower()


@pytest.mark.parametrize(
    ("proxy", "says"),
    [
        ("socks5://127.0.0.1:9", "https_proxy names a SOCKS proxy"),
        ("socks5h://a:b@127.0.0.1:9", "https_proxy names a SOCKS proxy"),
        ("ftp://127.0.0.1:9", "https_proxy is not the address of a proxy"),
        ("http://[x", "https_proxy is not the address of a proxy"),
        ("http://a:bc", "https_proxy is not the address of a proxy"),
        ("http://127.0.0.1:9", "cannot be reached through the proxy of the environment: Connection ref"),
    ],
)
def test_a_proxy_that_is_no_help(proxy: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unusable proxy is one clear line, and no request is made without it."""
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(RegistryError, match=says) as caught:
        look_up(image("registry.invalid"), HERE)
    assert "proxy" in caught.value.remedy


def test_the_rules_are_the_docker_clients() -> None:
    """A real docker client before a real proxy behaves as the table says in each case."""
    clean = {name: "" for name in os.environ if name.lower().endswith("_proxy")}
    scenes = [(url, {**clean, **variables}) for url, variables, _ in CASES]
    played = apart("docker_is_proxied", scenes, [])
    assert [case for case, docker in zip(CASES, played, strict=True) if case[2] != docker] == []
