"""Secrets: a build's exists while a step runs; none of any kind is ever printed, shown or kept."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake import ImageReference, RegistryError, load_settings
from desktop_bake.bake.engine.engine import Engine
from desktop_bake.bake.images.order import key_of
from desktop_bake.bake.registry.access import Access
from desktop_bake.bake.registry.client import look_up
from tests.harness.faults import IDENTITY, TOKEN, answers, bearer, redirects, refuses
from tests.harness.hostile import login
from tests.harness.project import copy_client, remove_images
from tests.harness.proxy import Exchange, Fault, Proxy, faulty
from tests.harness.registries import ACCEPT, HERE, PASSWORD, USER, Api, closed_port, push_image
from tests.harness.secret_values import LOGIN, OF_A_FILE, OF_THE_PROXY, SECRET, SECRETS, SIGNATURE, leaks
from tests.harness.work import work

if TYPE_CHECKING:
    from tests.harness.machines import Registry
    from tests.harness.project import Run


DOCKERFILE = """FROM base
RUN --mount=type=secret,id=BUILD_TOKEN,env=BUILD_TOKEN printf %s "$BUILD_TOKEN" | sha256sum >/etc/proof
"""


@pytest.fixture
def secretive(project: Path, local_cache: None) -> Path:
    """A project whose Dockerfile mounts a secret."""
    config = project / "desktop-bake.toml"
    config.write_text(config.read_text() + 'dockerfile = "Dockerfile"\nbuild_secrets = ["BUILD_TOKEN"]\n')
    (project / "Dockerfile").write_text(DOCKERFILE)
    return project


def test_a_step_has_it_and_nothing_keeps_it(cli: Run, secretive: Path) -> None:
    """The step reads the secret; no log, key, rendered file, cache, label, history or layer contains it."""
    built = cli("build", "--json", BUILD_TOKEN=SECRET)
    assert built.returncode == 0, built.stderr
    (image,) = json.loads(built.stdout)["images"]

    def docker(*words: str) -> bytes:
        return subprocess.run(["docker", *words], capture_output=True, check=True).stdout

    proof = docker("run", "--rm", image["image_id"], "cat", "/etc/proof").split()[0].decode()
    assert proof == hashlib.sha256(SECRET.encode()).hexdigest()
    assert cli("render", "-o", "ci", BUILD_TOKEN=SECRET).returncode == 0
    said = [
        built.stdout.encode(),
        built.stderr.encode(),
        docker("image", "inspect", image["image_id"]),
        docker("history", "--no-trunc", image["image_id"]),
        docker("save", image["image_id"]),
    ]
    said += [file.read_bytes() for file in secretive.rglob("*") if file.is_file()]
    container = docker("create", image["image_id"], "true").decode().strip()
    try:
        said.append(docker("export", container))  # unpacked, unlike the layers of `docker save`
    finally:
        docker("rm", container)
    assert proof.encode() in said[-1]
    assert not [content[:200] for content in said if SECRET.encode() in content]


def test_its_value_is_in_no_key(cli: Run, secretive: Path) -> None:
    """Another value has the same key; another name has another."""
    keys = {cli("key", "--json", BUILD_TOKEN=value).stdout for value in ("a", "b")}
    assert len(keys) == 1
    config = secretive / "desktop-bake.toml"
    config.write_text(config.read_text().replace("BUILD_TOKEN", "OTHER_TOKEN"))
    assert cli("key", "--json").stdout not in keys


@pytest.mark.parametrize("layer", [False, True])
def test_a_secret_that_is_not_set(cli: Run, secretive: Path, layer: bool) -> None:
    """A build without it fails with its name, before BuildKit runs, even for a layer on the desktop's target."""
    if layer:
        config = secretive / "desktop-bake.toml"
        config.write_text(f'{config.read_text()}preflight_script = "setup.sh"\nplatforms = ["{HERE}"]\n')
    done = cli("build")
    assert done.returncode == 6
    assert "error: build failed: the build secret BUILD_TOKEN is not set" in done.stderr


def test_a_desktop_below_a_layer_tells_none(cli: Run, secretive: Path) -> None:
    """The desktop step's output of the secret is hidden even if the desktop is baked on the way to a layer."""
    (secretive / "Dockerfile").write_text(DOCKERFILE.replace("printf %s", "echo it is $BUILD_TOKEN; printf %s"))
    config = secretive / "desktop-bake.toml"
    config.write_text(f'{config.read_text()}preflight_script = "setup.sh"\nplatforms = ["{HERE}"]\n')
    built = cli("build", "--json", BUILD_TOKEN=SECRET)
    assert built.returncode == 0, built.stderr
    assert "it is ***" in built.stderr
    assert SECRET not in built.stdout + built.stderr


HELPER = f"""#!/bin/sh
cat >/dev/null
echo '{{"Username": "{USER}", "Secret": "{PASSWORD}"}}'
"""
LOUD = """FROM base
RUN --mount=type=secret,id=BUILD_TOKEN,env=BUILD_TOKEN echo "it is $BUILD_TOKEN"; exit 3
"""
CONFIGURATION = """repository = "{repository}"
[environments.default]
base_image = "{base}"
headless_desktop_enabled = true
cache_desktop_build = true
install_script = "install.sh"
setup_script = "setup.sh"
dockerfile = "Dockerfile"
build_secrets = ["BUILD_TOKEN"]
[environments.loud]
base_image = "{base}"
headless_desktop_enabled = true
cache_desktop_build = true
dockerfile = "loud.Dockerfile"
build_secrets = ["BUILD_TOKEN"]
[environments.plain]
base_image = "{base}"
cache_desktop_build = true
preflight_script = "setup.sh"
[environments.pulled]
base_image = "{base}"
cache_desktop_build = true
preflight_script = "pulled.sh"
"""


def signed(elsewhere: str | None = None, on: str = "/blobs/sha256:") -> Fault:
    """Blobs come by a redirect to a URL that works for anyone who has it, here or at another HOST:PORT."""

    def act(exchange: Exchange) -> bool:
        if "X-Sig" in exchange.path or exchange.command != "GET":
            return False
        there = f"http://{elsewhere or exchange.host}{exchange.path}?X-Sig={SIGNATURE}"
        return answers(307, headers={"Location": there}).act(exchange)

    return Fault(act=act, on=on)


@contextmanager
def process_list() -> Iterator[set[bytes]]:
    """Every command line on this machine meanwhile."""
    seen: set[bytes] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.1):
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    seen.add(file.read_bytes())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def client(folder: Path, plain: list[Proxy], helped: list[Proxy], identity: list[Proxy]) -> dict[str, str]:
    """The environment of a docker client with its logins in every place that can have one."""
    config = copy_client(folder / "docker")
    (config / "config.json").write_text(
        json.dumps(
            {
                "auths": {
                    **{p.host: {"auth": LOGIN} for p in plain},
                    **{p.host: {"identitytoken": IDENTITY} for p in identity},
                },
                "credHelpers": {p.host: "planted" for p in helped},
                "proxies": {"default": {"ftpProxy": f"ftp://{USER}:{OF_THE_PROXY}@127.0.0.1:9"}},
            }
        )
    )
    helper = config / "docker-credential-planted"
    helper.write_text(HELPER)
    helper.chmod(0o755)
    (config / "env").write_text(f"FROM_FILE={OF_A_FILE}\n")
    return {
        **os.environ,
        "DOCKER_CONFIG": str(config),
        "PATH": f"{config}:{os.environ['PATH']}",
        "BUILD_TOKEN": SECRET,
        "TASK_TOKEN": SECRETS["a task's"],
        "DESKTOP_BAKE_METRICS": "metrics.jsonl",
        "no_proxy": "127.0.0.1",
        "https_proxy": f"http://{USER}:{OF_THE_PROXY}@127.0.0.1:{closed_port()}",
    }


def test_nothing_secret_is_said_shown_or_kept(
    project: Path,
    local_cache: None,
    base: str,
    team: Registry,
    rounds: Callable[[int, int], int],
    figure: Callable[[str], None],
) -> None:
    """With secrets in every place that can have one, every command, with --json (in soak as text too), working and
    made to fail: none is in its output, in a process list, a file, a label, a history or an image.
    """
    path = f"team/test-{uuid.uuid4().hex[:8]}"
    heard: dict[str, bytes] = {}
    for name, content in {"Dockerfile": DOCKERFILE, "loud.Dockerfile": LOUD, "pulled.sh": f"# {path}\n"}.items():
        (project / name).write_text(content)
    with ExitStack() as stack:
        seen = stack.enter_context(process_list())

        def registry(*faults: Fault) -> Proxy:
            return stack.enter_context(faulty(team.address, bearer(), *faults))

        good, helped, identity = registry(signed()), registry(signed(f"127.0.0.1:{closed_port()}")), registry()
        refusing = registry(refuses(403, "DENIED", on="(POST|PUT) "))
        config = project / "desktop-bake.toml"
        config.write_text(CONFIGURATION.format(repository=f"{good.host}/{path}", base=base))
        variables = client(project, [good, refusing], [helped], [identity])

        def bake(*words: str, status: int = 0, **more: str) -> str:
            done = subprocess.run(
                [sys.executable, "-m", "desktop_bake", *words],
                cwd=project,
                env={**variables, **more},
                capture_output=True,
                text=True,
                check=False,
                stdin=subprocess.DEVNULL,
            )
            heard[f"{len(heard)} {' '.join(words)}"] = (done.stdout + done.stderr).encode()
            assert done.returncode == status, (words, done.stderr)
            return done.stdout

        built = json.loads(bake("build", "--push", "--json", "default", "plain"))["images"]
        settings = load_settings(config, {})
        environment = settings.environment("pulled")
        key = key_of(environment, work(Engine(), settings))
        for repository, name in ((path, "good"), (f"{path}-broken", "broken")):
            labels = {**key.labels(environment.base_image.named), "only": name}
            push_image(team.address, repository, str(key), labels, platforms=(HERE,))
        told = Api(team.address).send("GET", f"/v2/{path}-broken/manifests/{key}", headers=ACCEPT)
        layers = f"/blobs/(?!{json.loads(told.body)['config']['digest']})"
        breaking = stack.enter_context(faulty(team.address, signed(f"127.0.0.1:{closed_port()}", on=layers)))
        there = f"{breaking.host}/{path}-broken"
        for flags in ([], ["--json"])[-rounds(1, 2) :]:
            bake("resolve", "plain", *flags)
            bake("explain", "plain", *flags)
            bake("images", *flags)
            bake("doctor", *flags, DESKTOP_BAKE_PUSH="1")
            bake("warm", "default", "plain", *flags)
            bake("prune", "--dry-run", "--registry", *flags)
            bake("stats", "metrics.jsonl", *flags)
            # a login by helper, then by identity token; redirected to an address without a listener; a push refused
            bake("resolve", "pulled", *flags, status=5, DESKTOP_BAKE_REPOSITORY=f"{helped.host}/{path}")
            bake("resolve", "pulled", *flags, DESKTOP_BAKE_REPOSITORY=f"{identity.host}/{path}")
            bake("build", "--push", "plain", *flags, status=5, DESKTOP_BAKE_REPOSITORY=f"{refusing.host}/{path}-new")
            bake("doctor", *flags, status=5, DESKTOP_BAKE_REPOSITORY=f"{refusing.host}/x", DESKTOP_BAKE_PUSH="1")
            bake("resolve", "pulled", *flags, status=5, DESKTOP_BAKE_REPOSITORY="registry.invalid/team/x")
            bake("build", "loud", *flags, status=6)
        bake("run", "-e", "TASK_TOKEN", "--env-file", "docker/env", "plain", "--", "test", "-n", "$TASK_TOKEN")
        bake("run", "-e", "TASK_TOKEN", "plain", "--", "sh", "-c", "exit 9", status=9)
        task = json.loads(bake("run", "--json", "--detach", "-e", "TASK_TOKEN", "plain", "--", "sleep", "60"))
        subprocess.run(["docker", "rm", "-f", task["name"]], check=True, capture_output=True)
        rebuilt = json.loads(bake("build", "pulled", "--json", DESKTOP_BAKE_REPOSITORY=there))["images"][0]
        assert rebuilt["status"] == "built"
        assert "cannot pull" in rebuilt["registry_error"]
        ids = [image["image_id"] for image in built]
        subprocess.run(["docker", "image", "rm", "-f", f"{there}:{key}"], check=True, capture_output=True)
        pulled = json.loads(bake("build", "pulled", "--json"))["images"][0]
        assert pulled["status"] == "registry-hit"
        bake("images", "--json")
        bake("render", "-o", "ci", "default", "plain")
    for words in (["image", "inspect", *ids], ["history", "--no-trunc", ids[0]], ["save", *ids]):
        heard["docker " + words[0]] = subprocess.run(["docker", *words], capture_output=True, check=True).stdout
    for proxy, used in ((good, TOKEN), (good, SIGNATURE), (helped, TOKEN), (identity, TOKEN), (refusing, TOKEN)):
        assert any(used in request.path + str(request.headers) for request in proxy.requests)
    files = [file for file in project.rglob("*") if file.is_file() and project / "docker" not in file.parents]
    found = {name: leaks(content) for name, content in heard.items() if leaks(content)}
    found |= {str(file): leaks(file.read_bytes()) for file in files if leaks(file.read_bytes())}
    found |= {line.decode(errors="replace"): leaks(line) for line in seen if leaks(line)}
    assert found == {}
    assert sum(b"it is ***" in said for said in heard.values())
    figure(f"{len(SECRETS)} secrets, {len(heard)} commands, {len(files)} files, {len(seen)} command lines: none found")
    remove_images(path)


def leads(location: str) -> Fault:
    """Redirects to a location."""
    return answers(307, headers={"Location": location})


TRACES: dict[str, tuple[list[Fault], str]] = {
    "a redirect to where nobody listens": ([signed("127.0.0.1:9", on="GET ")], "cannot be reached"),
    "a redirect to what is no address": ([leads(f"http://[x/?X-Sig={SIGNATURE}")], "malformed address"),
    "a redirect with a login": ([leads(f"http://a:{SIGNATURE}@b/")], "malformed address"),
    "a token that is none": (login(answers(200, json.dumps({"token": f"{TOKEN} and more"}))), "not understood"),
    "an answer that is cut": (login(answers(200, f'{{"token": "{TOKEN}')), "not understood"),
    "a token service that nobody is": (login(redirects("127.0.0.1:9", on="")), "cannot be reached"),
    "a refusal that tells": ([bearer(), refuses(403, TOKEN, TOKEN)], "denies access"),
}


@pytest.mark.parametrize("case", TRACES)
def test_no_traceback_tells(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither an error nor what a program logs of it, with all causes, contains a login, a token or a signature."""
    faults, says = TRACES[case]
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with faulty("127.0.0.1:9", *faults) as proxy:
        (tmp_path / "config.json").write_text(json.dumps({"auths": {proxy.host: {"auth": LOGIN}}}))
        with pytest.raises(RegistryError, match=says) as caught:
            look_up(ImageReference.parse(f"{proxy.host}/a:t"), HERE, Access(timeout_s=5))
    assert leaks("".join(traceback.format_exception(caught.value)).encode()) == []
    assert TOKEN.upper() not in str(caught.value)
