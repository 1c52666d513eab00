"""The registry client against a real registry: forms, logins, TLS, and each fault as its own clear line."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest

from desktop_bake import ImageReference, RegistryError
from desktop_bake.bake.registry.access import Access
from desktop_bake.bake.registry.client import digest_of, look_up
from tests.harness import faults
from tests.harness.logins import LABELS, login
from tests.harness.proxy import Fault, faulty
from tests.harness.registries import (
    BASIC,
    HERE,
    OTHER,
    PASSWORD,
    USER,
    RealRegistry,
    closed_port,
    push_image,
    real_registry,
    silent_port,
)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    """A registry with one image under team/desktop:t."""
    with real_registry(tmp_path_factory.mktemp("registry")) as registry:
        push_image(registry.host, "team/desktop", "t", LABELS, platforms=(HERE,), index=True, attestation=True)
        yield registry


@pytest.fixture(autouse=True)
def own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A docker client configuration for this test alone, without a login."""
    folder = tmp_path / "docker"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder / "config.json"


def image(host: str, tag: str = "t") -> ImageReference:
    """A reference into the test's repository."""
    return ImageReference.parse(f"{host}/team/desktop:{tag}")


@pytest.mark.parametrize("media", ["oci", "docker"])
@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("attestation", [False, True])
def test_forms(registry: RealRegistry, media: str, index: bool, attestation: bool) -> None:
    """OCI and Docker media types, single manifest and index, with attestations or without: labels and digest."""
    if attestation and not index:
        index = True
    tag = f"{media}-{index}-{attestation}"
    digest = push_image(
        registry.host,
        "team/desktop",
        tag,
        {"form": tag},
        platforms=(HERE,),
        media=media,  # type: ignore[arg-type]
        index=index,
        attestation=attestation,
    )
    found = look_up(image(registry.host, tag), HERE)
    assert found is not None
    assert (found.labels, str(found.digest), found.platforms) == ({"form": tag}, digest, (HERE,))
    assert str(digest_of(image(registry.host, tag))) == digest


def test_platforms(registry: RealRegistry) -> None:
    """An index gives the labels of the requested platform; a missing platform has none, but the others are named."""
    push_image(
        registry.host, "team/desktop", "two", lambda p: {"for": p}, platforms=(HERE, "linux/arm64/v8", "linux/s390x")
    )
    found = look_up(image(registry.host, "two"), HERE)
    assert found
    assert found.labels == {"for": HERE}
    absent = look_up(image(registry.host, "two"), "linux/riscv64")
    assert absent
    assert absent.labels is None
    assert "linux/s390x" in absent.platforms
    push_image(registry.host, "team/desktop", "single", LABELS, platforms=(OTHER,), index=False)
    single = look_up(image(registry.host, "single"), HERE)
    assert single
    assert (single.labels, single.platforms) == (None, (OTHER,))


@pytest.mark.parametrize("name", ["team/desktop:absent", "team/nothing:t"])
def test_not_there(registry: RealRegistry, name: str) -> None:
    """A tag or a repository that a registry does not have: no image, and no error."""
    reference = ImageReference.parse(f"{registry.host}/{name}")
    assert look_up(reference, HERE) is None
    assert digest_of(reference) is None


def test_labels_of_any_kind_are_read(registry: RealRegistry) -> None:
    """Labels that are not a table of texts are no labels, never a crash."""
    for tag, labels in {"list": ["x"], "none": None, "number": 3, "mixed": {"a": 1, "b": "c"}}.items():
        push_image(registry.host, "team/desktop", f"odd-{tag}", labels, platforms=(HERE,))
        found = look_up(image(registry.host, f"odd-{tag}"), HERE)
        assert found
        assert found.labels == ({"b": "c"} if tag == "mixed" else {})


FAULTS: dict[str, tuple[list[Fault], str]] = {
    "401 without a challenge": ([faults.answers(401)], "requires a login"),
    "401 that no login answers": (
        [faults.answers(401, headers={"WWW-Authenticate": 'Basic realm="x"'})],
        "requires a login",
    ),
    "403": ([faults.refuses(403, "DENIED")], "denies access to team/desktop (DENIED)"),
    "404 of a web server": ([faults.html(404)], "404, but not like a registry"),
    "empty 404": ([faults.answers(404)], "404, but not like a registry"),
    "429": ([faults.refuses(429, "TOOMANYREQUESTS", headers={"Retry-After": "7"})], "limits the rate of requests"),
    "500": ([faults.answers(500)], "failed with status 500"),
    "503": ([faults.refuses(503, "UNAVAILABLE")], "failed with status 503 (UNAVAILABLE)"),
    "a teapot": ([faults.answers(418)], "answers with status 418"),
    "HTML": ([faults.html()], "not like a registry"),
    "garbage": ([faults.garbage()], "cannot be reached"),
    "an end at once": ([faults.closes()], "cannot be reached"),
    "an answer without an end": ([faults.endless()], "more than"),
    "a configuration without an end": ([faults.endless(on="/blobs/")], "more than"),
    "a cut configuration": ([faults.cuts(10)], "cannot be reached"),
    "a changed configuration": ([faults.tampers()], "sent content that is not sha256:"),
    "a changed manifest": ([faults.tampers(on="GET .*/manifests/t$")], "sent content that is not sha256:"),
    "redirects without end": ([faults.redirects(on="")], "redirects without end"),
    "slow": ([faults.slow(30)], "did not answer"),
    "a black hole": ([faults.blackhole()], "did not answer"),
    "dripping headers": ([faults.drips("headers")], "did not answer"),
    "a dripping body": ([faults.drips("body")], "did not answer"),
}


NO_BODY = ("a dripping body", "an answer without an end", "a changed manifest")  # which a HEAD does not get


@pytest.mark.parametrize("case", FAULTS)
def test_faults(registry: RealRegistry, case: str) -> None:
    """Each fault is one clear line with a remedy, within the limit: never an image, never "not there"."""
    injected, says = FAULTS[case]
    with faulty(registry.host, *injected) as proxy:
        asks: list[Callable[[], object]] = [lambda: look_up(image(proxy.host), HERE, Access(timeout_s=2))]
        if case not in NO_BODY and "configuration" not in case:
            asks.append(lambda: digest_of(image(proxy.host), Access(timeout_s=2)))
        for ask in asks:
            started = time.monotonic()
            with pytest.raises(RegistryError) as caught:
                ask()
            assert time.monotonic() - started < 4
            assert says in str(caught.value), str(caught.value)
            assert "\n" not in str(caught.value)
            assert caught.value.remedy


def test_short_troubles_are_tried_again(registry: RealRegistry) -> None:
    """A request to a gateway that fails once, or on a connection that ends once, is repeated within the limit."""
    for fault in (faults.answers(503, times=1), faults.answers(502, times=1)):
        with faulty(registry.host, fault) as proxy:
            found = look_up(image(proxy.host), HERE)
            assert found
            assert found.labels == LABELS


def test_nobody_listens() -> None:
    """A port without a listener; one that accepts connections and never answers; an unknown host name."""
    with pytest.raises(RegistryError, match="cannot be reached: Connection refused"):
        look_up(image(f"127.0.0.1:{closed_port()}"), HERE)
    with silent_port() as port, pytest.raises(RegistryError, match="did not answer"):
        look_up(image(f"127.0.0.1:{port}"), HERE, Access(timeout_s=1))
    with pytest.raises(RegistryError, match="its name cannot be resolved"):
        look_up(image("registry.invalid"), HERE)


def test_missing_content(registry: RealRegistry) -> None:
    """An index whose manifest is gone, a manifest whose configuration is gone: an error, not a miss."""
    missing: Literal["manifest", "config"]
    for missing in ("manifest", "config"):
        push_image(
            registry.host,
            "team/desktop",
            f"no-{missing}",
            {"x": missing},
            platforms=(HERE,),
            index=True,
            missing=missing,
        )
        with pytest.raises(RegistryError, match=r"lacks sha256:[0-9a-f]{64}, a part of the image$"):
            look_up(image(registry.host, f"no-{missing}"), HERE)


def test_nested_and_oversized(registry: RealRegistry) -> None:
    """Indexes within indexes are not followed, and a configuration that is not JSON is reported."""
    push_image(registry.host, "team/desktop", "nested", LABELS, platforms=(HERE,), index=True, nested=True)
    nested = look_up(image(registry.host, "nested"), HERE)
    assert nested
    assert (nested.platforms, nested.labels) == ((), None)
    push_image(registry.host, "team/desktop", "no-json", LABELS, platforms=(HERE,), config=b"no JSON")
    with pytest.raises(RegistryError, match="not understood"):
        look_up(image(registry.host, "no-json"), HERE)


# --- logins ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    """A registry that requires a login."""
    with real_registry(tmp_path_factory.mktemp("locked"), htpasswd=True) as registry:
        push_image(registry.host, "team/desktop", "t", LABELS, platforms=(HERE,), authorization=BASIC)
        yield registry


def test_basic_login(locked: RealRegistry, own_config: Path) -> None:
    """No login, a wrong one and the right one; no password in any error."""
    with pytest.raises(RegistryError, match="requires a login") as missing:
        look_up(image(locked.host), HERE)
    assert missing.value.remedy == f"run: docker login {locked.host}"
    login(own_config, locked.host, "SECRET-wrong")
    with pytest.raises(RegistryError, match="refuses the stored login") as wrong:
        look_up(image(locked.host), HERE)
    assert "SECRET" not in str(wrong.value) + repr(wrong.value.__cause__) + wrong.value.remedy
    login(own_config, locked.host)
    found = look_up(image(locked.host), HERE)
    assert found
    assert found.labels == LABELS


def test_what_docker_login_writes(locked: RealRegistry, own_config: Path) -> None:
    """The file of a real `docker login` is understood."""
    subprocess.run(
        ["docker", "login", "-u", USER, "--password-stdin", locked.host],
        input=PASSWORD,
        text=True,
        check=True,
        capture_output=True,
    )
    assert look_up(image(locked.host), HERE)


@pytest.mark.parametrize("named", ["credHelpers", "credsStore"])
def test_credential_helper(
    locked: RealRegistry, own_config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    """A credential helper, for one registry or for all: its answer, its refusal, its absence, its silence."""
    helper = tmp_path / "docker-credential-test"
    own_config.write_text(json.dumps({named: {locked.host: "test"} if named == "credHelpers" else "test"}))
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def says(script: str) -> None:
        helper.write_text(f"#!/bin/sh\n{script}\n")
        helper.chmod(0o755)

    answer = json.dumps({"ServerURL": locked.host, "Username": USER, "Secret": PASSWORD})
    says(f"read server; [ $1 = get ] && [ $server = {locked.host} ] && echo '{answer}'")
    assert look_up(image(locked.host), HERE)
    says("echo 'credentials not found in native keychain'; exit 1")
    with pytest.raises(RegistryError, match="requires a login"):
        look_up(image(locked.host), HERE)
    for script, why in (
        ("exit 3", "failed with status 3"),
        ("echo hello", "not understood"),
        ("sleep 9", "not answer"),
    ):
        says(script)
        with pytest.raises(RegistryError, match=why):
            look_up(image(locked.host), HERE, Access(helper_timeout_s=0.5))
    helper.unlink()
    with pytest.raises(RegistryError, match="docker-credential-test is not installed"):
        look_up(image(locked.host), HERE)


def test_token_login(registry: RealRegistry, own_config: Path) -> None:
    """Bearer tokens: anonymous, for a password, for an identity token; requested once in a look-up."""
    with faulty(registry.host, faults.bearer(anonymous=True, key="access_token")) as proxy:
        assert look_up(image(proxy.host), HERE)
        assert sum(path.startswith("/token") for _, path, _ in proxy.requests) == 1
    with faulty(registry.host, faults.bearer()) as proxy:
        with pytest.raises(RegistryError, match="requires a login"):
            look_up(image(proxy.host), HERE)
        login(own_config, proxy.host)
        assert look_up(image(proxy.host), HERE)
        own_config.write_text(json.dumps({"auths": {proxy.host: {"identitytoken": faults.IDENTITY}}}))
        assert look_up(image(proxy.host), HERE)
    with (
        faulty(registry.host, faults.answers(200, b"{}", on="/token"), faults.bearer()) as proxy,
        pytest.raises(RegistryError, match="token that is not understood"),
    ):
        look_up(image(proxy.host), HERE)


def test_a_login_goes_to_no_other_host(registry: RealRegistry, own_config: Path) -> None:
    """A blob in another place is fetched there without the registry's authorization."""
    with (
        faulty(registry.host) as elsewhere,
        faulty(registry.host, faults.bearer(), faults.redirects(elsewhere.host)) as proxy,
    ):
        login(own_config, proxy.host)
        assert look_up(image(proxy.host), HERE)
        assert elsewhere.requests
        assert all("authorization" not in headers for _, _, headers in elsewhere.requests)


def test_broken_client_configuration(locked: RealRegistry, own_config: Path) -> None:
    """A config.json that is not JSON, and an unreadable login, are named."""
    own_config.write_text("{")
    with pytest.raises(RegistryError, match=r"config\.json cannot be read"):
        look_up(image(locked.host), HERE)
    own_config.write_text(json.dumps({"auths": {locked.host: {"auth": "%%%"}}}))
    with pytest.raises(RegistryError, match="stored login"):
        look_up(image(locked.host), HERE)


# --- TLS -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    """A registry with TLS whose certificate comes from an unknown authority."""
    with real_registry(tmp_path_factory.mktemp("tls"), tls=True) as registry:
        push_image(registry.host, "team/desktop", "t", LABELS, platforms=(HERE,), ca=registry.ca)
        yield registry


def test_tls_on_loopback(encrypted: RealRegistry) -> None:
    """On loopback the engine accepts any certificate, and so do we."""
    assert look_up(image(encrypted.host), HERE)


def test_tls_elsewhere(encrypted: RealRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    """On other hosts a certificate must be trusted, by the system or because the engine calls the registry insecure."""
    monkeypatch.setattr("desktop_bake.bake.registry.access.Access.is_loopback", lambda *_: False)
    with pytest.raises(RegistryError, match="certificate that is not trusted") as caught:
        look_up(image(encrypted.host), HERE)
    assert "certs.d" in caught.value.remedy
    assert look_up(
        image(encrypted.host), HERE, Access(insecure=lambda: {"IndexConfigs": {encrypted.host: {"Secure": False}}})
    )
    assert look_up(image(encrypted.host), HERE, Access(insecure=lambda: {"InsecureRegistryCIDRs": ["127.0.0.0/8"]}))
    monkeypatch.setenv("SSL_CERT_FILE", str(encrypted.ca))
    assert look_up(image(encrypted.host), HERE)


def test_no_tls_elsewhere(registry: RealRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry without TLS that is not on loopback is used only if the engine uses it."""
    monkeypatch.setattr("desktop_bake.bake.registry.access.Access.is_loopback", lambda *_: False)
    with pytest.raises(RegistryError, match="speaks no TLS"):
        look_up(image(registry.host), HERE)
    assert look_up(image(registry.host), HERE, Access(insecure=lambda: {"InsecureRegistryCIDRs": ["127.0.0.0/8"]}))
