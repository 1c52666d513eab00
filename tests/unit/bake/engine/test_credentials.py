"""Which login a registry gets: the one that the docker client would send; a credential helper is asked once."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from desktop_bake import RegistryError
from desktop_bake.bake.engine.credentials import Credentials, Logins, read_answer
from tests.harness.logins import A, B, C
from tests.harness.registries import PASSWORD

HUB = "https://index.docker.io/v1/"


@pytest.fixture(autouse=True)
def own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A docker client configuration of this test alone."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


@pytest.mark.parametrize(
    ("auths", "host", "user"),
    [
        ({HUB: A, "docker.io": B}, "docker.io", "a"),
        ({HUB: A}, "index.docker.io", "a"),
        ({"docker.io": B, "index.docker.io": B, "https://index.docker.io": B}, "docker.io", None),
        ({"https://[::1]:5000/v2/": A}, "[::1]:5000", "a"),
        ({"https://r.example.com:443/": A}, "r.example.com", None),
    ],
)
def test_names_of_registries(own_config: Path, auths: dict[str, Any], host: str, user: str | None) -> None:
    """Docker Hub has the one name of its index, and other hosts' names are read as the docker client reads them."""
    own_config.write_text(json.dumps({"auths": auths}))
    found = Logins().find(host)
    assert (found and found.username) == user


def test_a_variable_that_is_malformed_is_told(own_config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DOCKER_AUTH_CONFIG that the docker client passes over is named, unless there is another login; no secret is."""
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", json.dumps({"auths": {"r.example.com": {**A, "x": PASSWORD}}}))
    with pytest.raises(RegistryError, match="DOCKER_AUTH_CONFIG is not as the docker client takes it") as caught:
        Logins().find("r.example.com")
    assert PASSWORD not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.remedy}"
    own_config.write_text(json.dumps({"auths": {"r.example.com": C}}))
    assert Logins().find("r.example.com") == Credentials(username="c", secret="SECRET-c")


def test_a_slow_helper_names_its_setting(own_config: Path, helper: Callable[[str, str], Path]) -> None:
    """A helper that does not answer in time is reported with the setting that waits longer."""
    helper("slow", "exec sleep 20")
    own_config.write_text(json.dumps({"credsStore": "slow"}))
    with pytest.raises(RegistryError, match=r"docker-credential-slow did not answer within 0\.2 s") as caught:
        Logins().find("r.example.com", 0.2)
    assert "credential_helper_timeout_s" in caught.value.remedy


R, TOKEN = "r.example.com", "<token>"


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({}, None),
        ([], None),
        ({"auths": []}, None),
        ({"auths": {R: "x"}}, None),
        ({"auths": {"other.example.com": A}}, None),
        ({"auths": {R: A}}, ("a", "SECRET-a", False)),
        ({"auths": {f"https://{R}/v1/": A}}, ("a", "SECRET-a", False)),
        ({"auths": {f"https://{R}/v1/": A, R: B}}, ("b", "SECRET-b", False)),
        ({"auths": {R: {"username": "u", "password": "p"}}}, ("u", "p", False)),
        ({"auths": {R: {**A, "username": "u", "password": "p"}}}, ("a", "SECRET-a", False)),
        ({"auths": {R: {**A, "identitytoken": "i"}}}, (TOKEN, "i", False)),
        ({"auths": {R: {**A, "registrytoken": "t"}}, "credsStore": "nowhere"}, ("", "t", True)),
        ({"auths": {R: {"auth": "dTo="}}}, None),
        ({"auths": {R: {"auth": "dTpw\r\n"}}}, ("u", "p", False)),
        ({"auths": {R: A}, "credsStore": ""}, ("a", "SECRET-a", False)),
        ({"auths": {R: A}, "credsStore": "mine", "credHelpers": {R: ""}}, ("a", "SECRET-a", False)),
        ({"auths": {R: A}, "credsStore": "mine"}, ("h", "s", False)),
        ({"auths": {R: A}, "credsStore": "nowhere", "credHelpers": {R: "mine"}}, ("h", "s", False)),
        ({"auths": {R: A}, "credHelpers": {"other.example.com": "mine"}}, ("a", "SECRET-a", False)),
    ],
)
def test_sources(own_config: Path, helper: Callable[[str, str], Path], config: object, wanted: object) -> None:
    """Where a login comes from, first to last: a registry's token, its helper, the store, then the file itself."""
    helper("mine", """echo '{"Username": "h", "Secret": "s"}'""")
    own_config.write_text(json.dumps(config))
    found = Logins().find(R)
    assert (found and (found.username, found.secret, found.is_registry_token)) == wanted


@pytest.mark.parametrize(
    ("auth", "wanted"), [("YTpTRUNSRVQtYQ==", "a"), ("dTo=", None), (None, "b"), ("x", "DOCKER_AUTH_CONFIG is not")]
)
def test_the_variable_goes_first(
    own_config: Path, monkeypatch: pytest.MonkeyPatch, auth: str | None, wanted: str | None
) -> None:
    """DOCKER_AUTH_CONFIG precedes the file for the registries that it names, also to say that one has no login."""
    own_config.write_text(json.dumps({"auths": {R: B} if auth != "x" else {}}))
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", json.dumps({"auths": {R: {"auth": auth}} if auth else {"other": A}}))
    if auth == "x":
        with pytest.raises(RegistryError, match=str(wanted)):
            Logins().find(R)
    else:
        found = Logins().find(R)
        assert (found and found.username) == wanted


@pytest.mark.parametrize("auth", ["%%%", "dXNlcg==", "OnA=", "/////w=="])
def test_a_stored_login_that_is_none(own_config: Path, auth: str) -> None:
    """Anything that is no base64 of USER:PASSWORD is reported by its registry, without its text."""
    own_config.write_text(json.dumps({"auths": {R: {"auth": auth}}}))
    with pytest.raises(RegistryError, match=r"the stored login for r\.example\.com cannot be read") as caught:
        Logins().find(R)
    assert caught.value.__cause__ is None
    assert auth not in str(caught.value)


@pytest.mark.parametrize("content", ["{", "[" * 100_000])
def test_a_broken_file(own_config: Path, content: str) -> None:
    """A config.json that is no JSON is reported."""
    own_config.write_text(content)
    with pytest.raises(RegistryError, match=r"config\.json cannot be read"):
        Logins().find(R)


# --- helpers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo credentials not found in native keychain; exit 1", None),
        ("echo credentials not found >&2; exit 1", None),
        ("""echo '{"Username": "u", "Secret": ""}'""", None),
        ("echo SECRET; exit 3", "docker-credential-mine failed with status 3"),
        ("echo SECRET", "the answer of the credential helper docker-credential-mine is not understood"),
    ],
)
def test_answers_of_a_helper(
    own_config: Path, helper: Callable[[str, str], Path], script: str, said: str | None
) -> None:
    """A helper that knows no login is none; one that fails or answers nonsense is reported, and its text is not."""
    asked = helper("mine", script)
    own_config.write_text(json.dumps({"credsStore": "mine"}))
    if said is None:
        assert Logins().find(R) is None
    else:
        with pytest.raises(RegistryError, match=said) as caught:
            Logins().find(R)
        assert "SECRET" not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.remedy}"
    assert asked.read_text() == "r.example.com\n"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere", "the credential helper docker-credential-nowhere is not installed"),
        ("../evil", "names the credential helper '../evil'"),
        ("-x", "names the credential helper '-x'"),
    ],
)
def test_a_helper_that_is_none(own_config: Path, name: str, said: str) -> None:
    """A helper that is not installed, or whose name leads elsewhere, is reported."""
    own_config.write_text(json.dumps({"credsStore": name}))
    with pytest.raises(RegistryError, match=said):
        Logins().find(R)


@pytest.mark.parametrize("script", ["""echo '{"Username": "h", "Secret": "s"}'""", "exit 3"])
def test_a_helper_is_asked_once(own_config: Path, helper: Callable[[str, str], Path], script: str) -> None:
    """Many threads get one answer for each registry, also of a helper that fails; another run asks again."""
    asked = helper("mine", script)
    own_config.write_text(json.dumps({"credsStore": "mine"}))
    logins = Logins()

    def find(host: str) -> str:
        try:
            return str(logins.find(host))
        except RegistryError as error:
            return str(error)

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(find, [R] * 8))) == 1
    assert asked.read_text() == "r.example.com\n"
    find("other.example.com")
    logins = Logins()
    find(R)
    assert asked.read_text().splitlines() == [R, "other.example.com", R]


@pytest.mark.parametrize("content", [b"", b"[]", b"1", b'"x"', b"null", b"[" * 100_000, b'{"Secret": "\\ud800"}'])
def test_no_answer(content: bytes) -> None:
    """Whatever is not an object of texts is no answer."""
    with pytest.raises(ValueError):  # noqa: PT011  (its text is nobody's)
        read_answer(content)


# --- what is sent ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "identity"),
    [
        ({"username": "", "secret": "s"}, True),
        ({"username": TOKEN, "secret": "s"}, True),
        ({"username": "u", "secret": "s"}, False),
        ({"username": "", "secret": "s", "is_registry_token": True}, False),
    ],
)
def test_kinds(fields: dict[str, Any], identity: bool) -> None:
    """A secret without a user is an identity token, unless it is the registry's own."""
    assert Credentials(**fields).is_identity_token is identity


@pytest.mark.parametrize(
    ("secret", "is_registry_token", "fits"),
    [("ä b", False, True), ("ä", True, False), ("a\nb", True, False), ("\ud800", False, False), ("a-b", True, True)],
)
def test_what_no_header_can_carry(secret: str, is_registry_token: bool, fits: bool) -> None:
    """A password may be any text, a registry's token what a header carries; neither is ever printed."""

    def make() -> Credentials:
        return Credentials(username="u", secret=secret, is_registry_token=is_registry_token)

    if fits:
        assert secret not in repr(make())
    else:
        with pytest.raises(RegistryError, match="a stored login is not text") as caught:
            make()
        assert caught.value.__cause__ is None


def test_basic() -> None:
    """User and password are sent as UTF-8 in base64 (RFC 7617)."""
    assert Credentials(username="u", secret="ä").basic() == "Basic dTrDpA=="
