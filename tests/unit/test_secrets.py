"""Secrets: a build's is there while a step runs; none of any kind is ever said, shown or kept."""

from __future__ import annotations

import base64
import json
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop_bake import BakeOptions, ConfigurationError, Environment, ImageReference, RegistryError, TaskOptions
from desktop_bake.bake.engine.credentials import Logins
from desktop_bake.bake.registry.access import Access
from desktop_bake.bake.registry.client import look_up
from desktop_bake.bake.system.redaction import without_secrets
from desktop_bake.bake.task.docker_flags import parse_environment
from tests.harness.registries import HERE, PASSWORD, USER
from tests.harness.secret_values import SECRET, SIGNATURE, leaks


@pytest.mark.parametrize("name", ["A=value", "", "1A", "A\nB"])
def test_a_value_is_no_name(name: str) -> None:
    """Anything that is no variable's name, such as one with its value, is refused."""
    with pytest.raises(ConfigurationError, match="malformed build secret"):
        Environment(env_id="e", base_image=ImageReference.parse("a"), build_secrets=(name,))


@pytest.mark.parametrize(
    ("entry", "proxy"),
    [
        ({"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode() + b"\xff").decode()}, ""),
        ({"auth": f"{PASSWORD}ü"}, ""),
        ({"username": PASSWORD, "password": "\ud800"}, ""),
        ({}, f"http://{USER}:{PASSWORD}@[x"),
        ({}, f"{USER}:{PASSWORD}@x"),
        ({}, f"http://{USER}:{PASSWORD}@127.0.0.1:9"),
    ],
)
def test_no_malformed_login_is_told(
    entry: dict[str, str], proxy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login or a proxy's address that cannot be used is refused without being repeated."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"registry.invalid": entry}}))
    monkeypatch.setenv("https_proxy", proxy)

    def ask() -> object:
        return (Logins().find("registry.invalid") and None) or look_up(
            ImageReference.parse("registry.invalid/a:t"), HERE, Access(timeout_s=5)
        )

    with pytest.raises(RegistryError) as caught:
        ask()
    assert leaks("".join(traceback.format_exception(caught.value)).encode()) == []


@pytest.mark.parametrize(
    "read",
    [
        lambda: ImageReference.parse(f"robot:{PASSWORD}@registry.example.com/a:t"),
        lambda: ImageReference.parse(f"https://robot:{PASSWORD}@registry.example.com/a"),
        lambda: BakeOptions(repository=ImageReference.parse("a"), cache_backend=f'type=s3,"token={PASSWORD}"'),
        lambda: BakeOptions(repository=ImageReference.parse("a"), cache_backend=f"type=s3,token={PASSWORD}"),
        lambda: TaskOptions(variables={"": PASSWORD}),
        lambda: parse_environment([f"={PASSWORD}"], {}),
    ],
)
def test_no_malformed_value_is_told(read: Callable[[], object]) -> None:
    """A login in a reference, a secret in a cache backend, a malformed variable: refused without being repeated."""
    with pytest.raises(ConfigurationError) as caught:
        read()
    assert leaks("".join(traceback.format_exception(caught.value)).encode()) == []


def test_what_other_programs_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of docker and BuildKit lose logins and signatures in URLs, and the values of build secrets."""
    monkeypatch.setenv("BUILD_TOKEN", f"{SECRET}\nits second line")
    hide = without_secrets(["BUILD_TOKEN", "NOT_SET"])
    for line, shown in {
        f"a {SECRET}; its second line": "a ***; ***",
        f'Get "https://s3/x?X-Sig={SIGNATURE}&b=c": EOF': 'Get "https://s3/x?***": EOF',
        f"proxy http://{USER}:{PASSWORD}@proxy:3128/": "proxy http://***@proxy:3128/",
        "fetched https://mirror.example/debian a@b 5?": "fetched https://mirror.example/debian a@b 5?",
    }.items():
        assert hide(line) == shown
