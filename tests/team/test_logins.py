"""Which login a registry gets: the one that the docker client would send; a credential helper is asked once."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bake.credentials import Credentials, Logins
from bake.registry import look_up
from bake.registry_access import Access
from generator import ImageReference, RegistryError
from generator.login import Challenge

from . import faults
from .proxy import faulty
from .registries import BASIC, HERE, PASSWORD, USER, RealRegistry, push_image, real_registry

A, B, C = ({"auth": base64.b64encode(f"{user}:SECRET-{user}".encode()).decode()} for user in "abc")
HUB = "https://index.docker.io/v1/"
HELPERS = {
    "one": '{"Username": "one", "Secret": "SECRET-1"}',
    "two": '{"ServerURL": "x", "Username": "two", "Secret": "SECRET-2"}',
    "empty": '{"ServerURL": "", "Username": "", "Secret": ""}',
    "nothing": "{}",
    "userless": '{"Username": "x", "Secret": ""}',
}

# config.json, DOCKER_AUTH_CONFIG (HOST stands for the registry), and the user that a demand for HTTP Basic gets
CASES: dict[str, tuple[Mapping[str, Any], str, str | None]] = {
    "host": ({"auths": {"HOST": A}}, "", "a"),
    "https": ({"auths": {"https://HOST": A}}, "", "a"),
    "http": ({"auths": {"http://HOST/": A}}, "", "a"),
    "path": ({"auths": {"HOST/v2/": A}}, "", "a"),
    "v1": ({"auths": {"https://HOST/v1/": A}}, "", "a"),
    "the exact name first": ({"auths": {"HOST": A, "https://HOST": B}}, "", "a"),
    "the exact name last": ({"auths": {"https://HOST": B, "HOST": A}}, "", "a"),
    "the exact name without a login": ({"auths": {"https://HOST": B, "HOST": {}}}, "", None),
    "another port": ({"auths": {"127.0.0.1": A, "https://127.0.0.1": A}}, "", None),
    "user and password": ({"auths": {"HOST": {"username": "u", "password": "SECRET-u"}}}, "", "u"),
    "auth before password": ({"auths": {"HOST": {**A, "username": "u", "password": "SECRET-u"}}}, "", "a"),
    "no secret": ({"auths": {"HOST": {"username": "u"}}}, "", None),
    "store": ({"credsStore": "two", "auths": {"HOST": A}}, "", "two"),
    "helper": ({"credsStore": "two", "credHelpers": {"HOST": "one"}}, "", "one"),
    "helper of another name": ({"credHelpers": {"https://HOST": "one"}, "auths": {"HOST": A}}, "", "a"),
    "no helper": ({"credsStore": "two", "credHelpers": {"HOST": ""}, "auths": {"HOST": A}}, "", "a"),
    "no helper, no login": ({"credsStore": "two", "credHelpers": {"HOST": ""}}, "", None),
    "empty answer": ({"credsStore": "empty", "auths": {"HOST": A}}, "", None),
    "answer of nothing": ({"credHelpers": {"HOST": "nothing"}}, "", None),
    "answer without a secret": ({"credHelpers": {"HOST": "userless"}}, "", None),
    "environment": ({"auths": {"HOST": A}}, json.dumps({"auths": {"HOST": B}}), "b"),
    "environment before a helper": ({"credsStore": "two"}, json.dumps({"auths": {"HOST": B}}), "b"),
    "environment of another name": ({"auths": {"HOST": A}}, json.dumps({"auths": {"https://HOST": B}}), "a"),
    "environment that is malformed": ({"auths": {"HOST": A}}, "{", "a"),
    "environment that says too much": ({"auths": {"HOST": A}}, json.dumps({"auths": {"HOST": B}, "x": 1}), "a"),
    "environment of users": ({"auths": {"HOST": A}}, json.dumps({"auths": {"HOST": {"username": "u"}}}), "a"),
}


@pytest.fixture(autouse=True)
def own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A docker client configuration of this test alone."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """`helper(name, script)` installs a credential helper, and gives the file where it notes each question."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def install(name: str, script: str) -> Path:
        asked, program = tmp_path / f"asked-{name}", tmp_path / f"docker-credential-{name}"
        asked.touch()
        program.write_text(f"#!/bin/sh\ncat >> {asked}; echo >> {asked}\n{script}\n")
        program.chmod(0o755)
        return asked

    return install


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    """A registry that demands a login."""
    with real_registry(tmp_path_factory.mktemp("locked"), htpasswd=True) as registry:
        push_image(registry.host, "team/desktop", "t", {}, platforms=(HERE,), authorization=BASIC)
        yield registry


def image(host: str) -> ImageReference:
    """An image there."""
    return ImageReference.parse(f"{host}/team/desktop:t")


def sent(ask: Callable[[str], object]) -> set[str]:
    """What a registry that demands HTTP Basic was sent."""
    with faulty("127.0.0.1:9", faults.answers(401, headers={"WWW-Authenticate": 'Basic realm="x"'})) as registry:
        ask(registry.host)
        return {r.headers["authorization"] for r in registry.requests if "authorization" in r.headers}


def test_the_login_is_the_docker_clients(
    tmp_path: Path, helper: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each configuration gives the login of the table, and a real docker client sends the same."""
    for name, answer in HELPERS.items():
        helper(name, f"echo '{answer}'")

    def variables(case: str, host: str) -> dict[str, str]:
        config, environment, _ = CASES[case]
        folder = tmp_path / f"{case}-{host.rpartition(':')[2]}"
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(config).replace("HOST", host))
        return {"DOCKER_CONFIG": str(folder), "DOCKER_AUTH_CONFIG": environment.replace("HOST", host)}

    def docker(case: str) -> set[str]:
        def ask(host: str) -> None:
            subprocess.run(["docker", "manifest", "inspect", "--insecure", str(image(host))], check=False,
                           capture_output=True, env={**os.environ, **variables(case, host)})  # fmt: skip

        return sent(ask)

    def ours(case: str) -> set[str]:
        def ask(host: str) -> None:
            with monkeypatch.context() as patch:
                for name, value in variables(case, host).items():
                    patch.setenv(name, value)
                with pytest.raises(RegistryError):
                    look_up(image(host), HERE)

        return sent(ask)

    with ThreadPoolExecutor(4) as pool:
        dockers = dict(zip(CASES, pool.map(docker, CASES), strict=True))
    wanted = {case: [] if user is None else [user] for case, (*_, user) in CASES.items()}
    for found in ({case: ours(case) for case in CASES}, dockers):
        users = {
            case: [base64.b64decode(said.removeprefix("Basic ")).decode().partition(":")[0] for said in heard]
            for case, heard in found.items()
        }
        assert users == wanted


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


def test_a_registrys_own_token(locked: RealRegistry, own_config: Path) -> None:
    """`registrytoken` goes to the registry as it is, whatever else is stored, and nowhere else."""
    with faulty(locked.host, faults.bearer()) as proxy:
        own_config.write_text(json.dumps({"auths": {proxy.host: {**A, "registrytoken": faults.TOKEN}}}))
        with pytest.raises(RegistryError):  # the real registry behind takes another
            look_up(image(proxy.host), HERE)
    heard = [(r.path.partition("?")[0], r.headers.get("authorization")) for r in proxy.requests]
    place = "/v2/team/desktop/manifests/t"
    assert heard == [(place, None), (place, f"Bearer {faults.TOKEN}")]


def test_a_helper_is_asked_once(locked: RealRegistry, own_config: Path, helper: Callable[[str, str], Path]) -> None:
    """Many questions of one run at once: one question to the helper, also if it is slow, fails, or does not answer."""
    own_config.write_text(json.dumps({"credsStore": "one"}))
    answer = json.dumps({"Username": USER, "Secret": PASSWORD})
    for script, says in (
        (f"sleep 1.5; echo '{answer}'", None),
        ("exit 3", "failed with status 3"),
        ("exec sleep 20", "did not answer within 2 s"),
        ("echo credentials not found in native keychain; exit 1", "demands a login"),
    ):
        asked = helper("one", script)
        asked.write_text("")
        access = Access(timeout_s=1, helper_timeout_s=2)

        def ask(number: int, access: Access = access) -> str | None:
            try:
                found = look_up(image(locked.host), HERE, access)
            except RegistryError as error:
                return str(error)
            return None if found else f"{number}: not there"

        began = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(ask, range(24)))
        assert [f for f in found if (says not in (f or "") if says else f)] == []
        assert asked.read_text().split() == [locked.host]
        assert time.monotonic() - began < 15


def test_a_slow_helper_names_its_setting(own_config: Path, helper: Callable[[str, str], Path]) -> None:
    """A helper that does not answer in time is told with the setting that waits longer."""
    helper("slow", "exec sleep 20")
    own_config.write_text(json.dumps({"credsStore": "slow"}))
    with pytest.raises(RegistryError, match=r"docker-credential-slow did not answer within 0\.2 s") as caught:
        Logins().find("r.example.com", 0.2)
    assert "credential_helper_timeout_s" in caught.value.remedy


def test_the_first_of_two_challenges() -> None:
    """A registry that takes a token or a password asks for both, in two headers, which arrive as one: the first counts
    with its own parameters (RFC 9110, 11.6.1)."""
    bearer, basic = 'Bearer realm="https://example.com/token",service="s",scope="a:b:pull"', 'Basic realm="Registry"'
    both = Challenge.read(f"{bearer}, {basic}")
    assert both == Challenge.read(bearer)
    assert both.token_service("h", encrypted=True) == "https://example.com/token"
    assert Challenge.read(f"{basic}, {bearer}").kind == "basic"
