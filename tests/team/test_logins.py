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

from desktop_bake import ImageReference, RegistryError
from desktop_bake.bake.registry.access import Access
from desktop_bake.bake.registry.challenge import Challenge
from desktop_bake.bake.registry.client import look_up
from tests.harness import faults
from tests.harness.logins import A, B
from tests.harness.proxy import faulty
from tests.harness.registries import BASIC, HERE, PASSWORD, USER, RealRegistry, push_image, real_registry

HELPERS = {
    "one": '{"Username": "one", "Secret": "SECRET-1"}',
    "two": '{"ServerURL": "x", "Username": "two", "Secret": "SECRET-2"}',
    "empty": '{"ServerURL": "", "Username": "", "Secret": ""}',
    "nothing": "{}",
    "userless": '{"Username": "x", "Secret": ""}',
}

# config.json, DOCKER_AUTH_CONFIG (HOST stands for the registry), and the user that a registry with HTTP Basic gets
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
    """A docker client configuration for this test alone."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    """A registry that requires a login."""
    with real_registry(tmp_path_factory.mktemp("locked"), htpasswd=True) as registry:
        push_image(registry.host, "team/desktop", "t", {}, platforms=(HERE,), authorization=BASIC)
        yield registry


def image(host: str) -> ImageReference:
    """An image in it."""
    return ImageReference.parse(f"{host}/team/desktop:t")


def sent(ask: Callable[[str], object]) -> set[str]:
    """The login that a registry with HTTP Basic got."""
    with faulty("127.0.0.1:9", faults.answers(401, headers={"WWW-Authenticate": 'Basic realm="x"'})) as registry:
        ask(registry.host)
        return {r.headers["authorization"] for r in registry.requests if "authorization" in r.headers}


def test_the_login_is_the_docker_clients(
    tmp_path: Path, helper: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each configuration gives the table's login, and a real docker client sends the same."""
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
            subprocess.run(
                ["docker", "manifest", "inspect", "--insecure", str(image(host))],
                check=False,
                capture_output=True,
                env={**os.environ, **variables(case, host)},
            )

        return sent(ask)

    def ours(case: str) -> set[str]:
        def ask(host: str) -> None:
            with monkeypatch.context() as patch:
                for name, value in variables(case, host).items():
                    patch.setenv(name, value)
                with pytest.raises(RegistryError, match=r"requires a login|refuses the stored login"):
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


def test_a_registrys_own_token(locked: RealRegistry, own_config: Path) -> None:
    """`registrytoken` goes to the registry unchanged, whatever else is stored, and nowhere else."""
    with faulty(locked.host, faults.bearer()) as proxy:
        own_config.write_text(json.dumps({"auths": {proxy.host: {**A, "registrytoken": faults.TOKEN}}}))
        with pytest.raises(RegistryError, match="refuses the stored login"):  # the registry behind it expects another
            look_up(image(proxy.host), HERE)
    heard = [(r.path.partition("?")[0], r.headers.get("authorization")) for r in proxy.requests]
    place = "/v2/team/desktop/manifests/t"
    assert heard == [(place, None), (place, f"Bearer {faults.TOKEN}")]


def test_a_helper_is_asked_once(locked: RealRegistry, own_config: Path, helper: Callable[[str, str], Path]) -> None:
    """Many requests of one run at once ask the helper once, even if it is slow, fails, or does not answer."""
    own_config.write_text(json.dumps({"credsStore": "one"}))
    answer = json.dumps({"Username": USER, "Secret": PASSWORD})
    for script, says in (
        (f"sleep 1.5; echo '{answer}'", None),
        ("exit 3", "failed with status 3"),
        ("exec sleep 20", "did not answer within 2 s"),
        ("echo credentials not found in native keychain; exit 1", "requires a login"),
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


def test_the_first_of_two_challenges() -> None:
    """A registry that accepts a token or a password asks for both, in two headers, which arrive as one: the first
    applies, with its own parameters (RFC 9110, 11.6.1)."""
    bearer, basic = 'Bearer realm="https://example.com/token",service="s",scope="a:b:pull"', 'Basic realm="Registry"'
    both = Challenge.read(f"{bearer}, {basic}")
    assert both == Challenge.read(bearer)
    assert both.token_service("h", encrypted=True) == "https://example.com/token"
    assert Challenge.read(f"{basic}, {bearer}").kind == "basic"
