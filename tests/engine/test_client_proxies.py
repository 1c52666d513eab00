"""`proxies` of the docker client's config.json: tasks, installs at start and builds get what docker passes on."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from desktop_bake.bake.engine.client_proxies import client_proxies
from desktop_bake.bake.engine.engine import Engine
from tests.harness.project import copy_client

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.project import Run


PASSWORD = "in-the-proxy"
DEFAULT = {
    "httpProxy": f"http://user:{PASSWORD}@proxy.test:1",
    "httpsProxy": "http://proxy.test:2",
    "ftpProxy": "ftp://proxy.test:3",
    "noProxy": "localhost,.test",
    "allProxy": "socks5://proxy.test:4",
}
SHOW = "env | grep -i _proxy= | LC_ALL=C sort"


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The docker client's configuration, with proxies."""
    folder = copy_client(tmp_path / "client")
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    write(folder, {"default": DEFAULT})
    return folder


def write(client: Path, proxies: object) -> None:
    """Write them into that file."""
    file = client / "config.json"
    config = json.loads(file.read_bytes()) if file.exists() else {}
    file.write_text(json.dumps({**config, "proxies": proxies}))


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (None, ()),
        (None, ("-e", "HTTP_PROXY=mine", "-e", "no_proxy=", "-e", "all_proxy")),
        ({"httpsProxy": "http://own.test", "httpProxy": ""}, ("-e", "FTP_PROXY=mine")),
        ({}, ()),
    ],
)
def test_a_task(
    cli: Run, project: Path, base: str, client: Path, own: dict[str, str] | None, words: tuple[str, ...]
) -> None:
    """A task's variables are those of `docker run`: the engine's own entry, else the default; `-e` overrides one."""
    if own is not None:
        write(client, {"default": DEFAULT, os.environ["DOCKER_HOST"]: own})
    (project / "desktop-bake.toml").write_text(f'[environments.plain]\nbase_image = "{base}"\n')
    wanted = subprocess.run(
        ["docker", "run", "--rm", *words, base, "sh", "-c", SHOW], capture_output=True, text=True, check=True
    ).stdout
    done = cli("run", *words, "--", "sh", "-c", SHOW)
    assert (done.returncode, done.stdout) == (0, wanted), done.stderr
    assert PASSWORD not in done.stderr


def test_an_install_and_a_build(cli: Run, project: Path, client: Path) -> None:
    """An install at start and a build get them; the key, the labels, the history and the log have no trace of them."""
    script = f"{SHOW} | tee /etc/proxies\n"
    (project / "install.sh").write_text(script)
    (project / "setup.sh").write_text(f"# {project}\n")
    keys = []
    for proxies in ({}, {"default": DEFAULT}):
        write(client, proxies)
        keys.append(cli("key", "--json").stdout)
    assert keys[0] == keys[1]
    built = cli("build", "--json")
    assert built.returncode == 0, built.stderr
    image = json.loads(cli("resolve", "--json").stdout)["image"]
    words = ["docker", "run", "--rm", image, "cat", "/etc/proxies"]
    here = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    wanted = {f"{name}={value}" for name, value in client_proxies(os.environ["DOCKER_HOST"]).items()}
    # buildx passes no ALL_PROXY to a build, as docker build does not
    assert wanted - set(here.splitlines()) <= {f"{name}={DEFAULT['allProxy']}" for name in ("ALL_PROXY", "all_proxy")}
    for command in ("inspect", "history"):
        flags = ["--no-trunc"] * (command == "history")
        shown = subprocess.run(["docker", "image", command, *flags, image], capture_output=True, text=True, check=True)
        assert "proxy.test" not in shown.stdout
    assert PASSWORD not in built.stderr
    config = project / "desktop-bake.toml"
    config.write_text(config.read_text().replace("cache_desktop_build = true\n", ""))
    started = cli("run", "--", "true")  # it has no desktop to show, but its install has run
    hidden = {line.replace(f"user:{PASSWORD}", "***") for line in wanted}
    assert hidden <= {line.strip() for line in started.stderr.splitlines()}, started.stderr
    assert PASSWORD not in started.stderr


@pytest.mark.parametrize("proxies", [None, [], {"default": []}, {"default": {"httpProxy": 1}}, "text"])
def test_malformed(client: Path, proxies: object) -> None:
    """An invalid proxy counts as none."""
    write(client, proxies)
    assert client_proxies(Engine().endpoint.host) == {}
