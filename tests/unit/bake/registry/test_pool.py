"""Connections to registries: which are kept, whom they trust, and through which proxy they go."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from desktop_bake import RegistryError
from desktop_bake.bake.registry import pool
from desktop_bake.bake.registry.pool import Pools
from tests.harness.piped_http import answer

if TYPE_CHECKING:
    from tests.harness.piped_http import PipedHttp


def ignored(*_: Any) -> None:
    """A callback that ignores sockets."""


def test_one_pool_each(http: PipedHttp) -> None:
    """Direct connections and those of each proxy are apart, and each is kept."""
    pools = Pools("r.example.com", ignored, verify=True)
    direct, proxied = pools.get(None, "https"), pools.get("http://p.example.com:1", "https")
    assert pools.get(None, "https") is direct
    assert pools.get(None, "http") is not direct
    assert pools.get("http://p.example.com:1", "https") is proxied
    assert direct is not proxied
    assert pools.get("http://p.example.com:2", "https") is not proxied


@pytest.mark.parametrize("proxy", ["socks5://a", "http://a:b:c", "http://u:hunter2@[::1"])
def test_a_proxy_that_is_none(http: PipedHttp, proxy: str) -> None:
    """A proxy that cannot be one is refused, and its text, which may contain a password, is not repeated."""
    with pytest.raises(RegistryError, match=r"^the environment's proxy is not an address$") as caught:
        Pools("r.example.com", ignored, verify=True).get(proxy, "https")
    assert "hunter2" not in f"{caught.value.remedy}{caught.value.__cause__}"


def test_the_environments_rules(http: PipedHttp, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy is the one that the environment names for a URL."""
    monkeypatch.setenv("https_proxy", "p.example.com:3128")
    monkeypatch.setenv("no_proxy", "r.example.com")
    pools = Pools("r.example.com", ignored, verify=True)
    assert pools.proxy_for("https://r.example.com/v2/") is None
    assert pools.proxy_for("https://cdn.example.com/") == "http://p.example.com:3128"


def test_who_is_told(http: PipedHttp) -> None:
    """Each socket is told of as it is made, with whether a proxy is at its other end; whoever is told may refuse."""
    told: list[bool] = []
    pools = Pools("r.example.com", lambda _, proxied: told.append(proxied), verify=True)
    http.answers = [answer(200), answer(200), answer(200)]
    for proxy in (None, None, "http://p.example.com:1"):
        pools.get(proxy, "http").request("GET", "http://r.example.com/")
    assert told == [False, True]

    def refuse(made: Any, proxied: bool) -> None:
        refused.append(made)
        raise RegistryError("no")

    refused: list[Any] = []
    with pytest.raises(RegistryError, match=r"^no$"):
        Pools("r.example.com", refuse, verify=True).get(None, "http").request("GET", "http://r.example.com/")
    assert [made.fileno() for made in refused] == [-1]
    assert len(http.requests) == 3


def test_close(http: PipedHttp) -> None:
    """Connections end when the pools do, not when garbage is collected."""
    made: list[Any] = []
    pools = Pools("r.example.com", lambda it, _: made.append(it), verify=True)
    http.answers = [answer(200)]
    pools.get(None, "http").request("GET", "http://r.example.com/")
    assert made[0].fileno() >= 0
    pools.close()
    assert made[0].fileno() == -1


def test_authorities_are_read_for_tls_alone(http: PipedHttp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain HTTP reads no certificates; TLS reads them once, also if it goes through a proxy."""
    read: list[str] = []
    original = pool._tls  # noqa: SLF001

    def tls(address: str, *, verify: bool) -> ssl.SSLContext:
        read.append(address)
        return original(address, verify=verify)

    monkeypatch.setattr(pool, "_tls", tls)
    pools = Pools("r.example.com", ignored, verify=True)
    http.answers = [answer(200)]
    pools.get(None, "http").request("GET", "http://r.example.com/")
    assert read == []
    for proxy in (None, "http://p.example.com:1"):
        pools.get(proxy, "https")
    assert read == ["r.example.com"]


@pytest.mark.parametrize("content", ["", "no certificate", None])
def test_the_registrys_own_certificates(
    http: PipedHttp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    """Certificates in the engine's folder for a registry are trusted; what is none of them is passed over."""
    authority = trustme.CA()
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")
    monkeypatch.setenv("SSL_CERT_DIR", "/nowhere")
    monkeypatch.setattr(pool, "Path", lambda _, address: tmp_path / address)
    folder = tmp_path / "r.example.com:5000"
    folder.mkdir()
    (folder / "a.crt").write_text(content or "")
    if content is None:
        authority.cert_pem.write_to_path(str(folder / "b.crt"))
        (folder / "c.crt").symlink_to("gone")
    context = pool._tls("r.example.com:5000", verify=True)  # noqa: SLF001
    assert len(context.get_ca_certs()) == (1 if content is None else 0)
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)


def test_an_insecure_registry(http: PipedHttp) -> None:
    """If the engine calls it insecure, any certificate serves."""
    context = pool._tls("r.example.com", verify=False)  # noqa: SLF001
    assert (context.check_hostname, context.verify_mode) == (False, ssl.CERT_NONE)
