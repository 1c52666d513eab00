"""Everything that comes from outside, and its readers: they may raise only our own errors, whatever the bytes.

The seeds are valid. `tests/unit/test_fuzz.py` breaks them by structure, `tests/harness/fuzz.py` guided by
coverage.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
import shutil
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from desktop_bake import (
    BakeOptions,
    CacheKey,
    DesktopBakeError,
    Digest,
    Environment,
    ImageReference,
    RegistryError,
    Stack,
    bake_targets,
    key_from_labels,
    render_bake_file,
    stack_key,
)
from desktop_bake.bake.build import pause
from desktop_bake.bake.config.agents_runner import OriginFile
from desktop_bake.bake.config.settings import Settings
from desktop_bake.bake.config.shipped import shipped
from desktop_bake.bake.config.toml_edit import edit_toml, field_and_value
from desktop_bake.bake.config.toml_file import settings_from
from desktop_bake.bake.engine.credentials import Logins, read_answer
from desktop_bake.bake.images.difference import changes, nearest
from desktop_bake.bake.images.history import keys_of, made_elsewhere, read_inputs
from desktop_bake.bake.images.reason import candidate_of, reason_of
from desktop_bake.bake.metrics import summary as stats
from desktop_bake.bake.metrics.plot import plot
from desktop_bake.bake.registry.challenge import Challenge, read_token
from desktop_bake.bake.registry.client import time_of
from desktop_bake.bake.registry.lease_manifest import Lease, read_lease
from desktop_bake.bake.registry.manifest import Index, read_config, read_manifest
from desktop_bake.bake.registry.refusal import Refusal, error_codes
from desktop_bake.bake.registry.tag_list import next_page, read_tags
from desktop_bake.bake.system.diff import diff_of
from desktop_bake.bake.system.durations import duration_s
from desktop_bake.bake.task.container_request import ContainerRequest
from desktop_bake.bake.task.docker_flags import docker_options, parse_env_file, parse_environment
from desktop_bake.bake.task.labels import TASK_LABEL
from desktop_bake.bake.task.mounts import parse_mount, parse_volume
from desktop_bake.bake.task.options import TaskOptions
from desktop_bake.bake.task.ports import parse_ports
from desktop_bake.bake.upkeep.policy import Policy, Reach, judge
from desktop_bake.bake.upkeep.sizes import StoredImage
from desktop_bake.generator.cache_setting import check_backend
from desktop_bake.generator.layer_key import base_of, desktop_of_text
from tests.harness.command_line import whole_parser
from tests.harness.recipes import BASE, ENVIRONMENT, PREFLIGHT, RECIPE
from tests.harness.work import order

TEMPLATE = shipped("docker-bake.hcl.j2").read_text()
KEY = stack_key(ENVIRONMENT, Stack(desktop=RECIPE), BASE)
LAYER = stack_key(ENVIRONMENT, Stack(desktop=RECIPE, preflight=PREFLIGHT), BASE)
FOLDER = Path(tempfile.mkdtemp(prefix="hostile-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)


class Target(NamedTuple):
    """A reader, and examples of its input."""

    read: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def _settings(settings: Settings) -> None:
    """Everything in a configuration, which ends up in a bake file."""
    options = BakeOptions(repository=settings.repository, cache_backend=settings.cache)
    for environment in settings.environments.values():
        stack = Stack(desktop=RECIPE, preflight=PREFLIGHT)
        targets = bake_targets([(environment, stack, stack_key(environment, stack, BASE))], options)
        render_bake_file(TEMPLATE, targets, options)
        with contextlib.suppress(DesktopBakeError):
            settings.stack(environment)
        with contextlib.suppress(DesktopBakeError):
            settings.preflight_run(environment)


CONFIGURATION = b"""schema = 1
repository = "registry.example.com/team/desktop"
cache = "type=gha,mode=max"
builder = "b"
build_timeout_s = 600
fallback = true
push = false # comment
pull = "missing"
cache_scope = "main"
attest = ["sbom"]
verify_command = ["cosign", "{image}"]
[environments.default]
name = "A \\"name\\""
base_image = "debian:bookworm"
headless_desktop_enabled = true
install_script = "i.sh"
preflight_script = "p.sh"
build_args = { A = '${B}', B = "2" }
platforms = ["linux/amd64", "linux/arm64/v8"]
build_secrets = ["TOKEN"]
layers = ["tools", { name = "web", packages = ["chromium"] }]
packages = ["git"]
[layers.certs]
script = "p.sh"
files = ["i.sh"]
below_desktop = true
[layers.tools]
text = "true"
cache = true
needs = ["certs"]
[environments."b c"]
base_image = "x@sha256:0000000000000000000000000000000000000000000000000000000000000000"
"""


def configuration(content: bytes) -> None:
    """`desktop-bake.toml`."""
    with contextlib.suppress(UnicodeDecodeError):  # `load_settings` checks it
        _settings(settings_from(content.decode(), FOLDER / "desktop-bake.toml", {}))


def variables(content: bytes) -> None:
    """`DESKTOP_BAKE_…`."""
    names = [n for n in _VARIABLES if n != "DESKTOP_BAKE_BASE_IMAGE"]
    values = dict(zip(names, _text(content).split("\n"), strict=False))
    _settings(settings_from("", FOLDER / "desktop-bake.toml", values))


_VARIABLES = (
    "DESKTOP_BAKE_REPOSITORY",
    "DESKTOP_BAKE_CACHE",
    "DESKTOP_BAKE_BUILDER",
    "DESKTOP_BAKE_BUILD_TIMEOUT_S",
    "DESKTOP_BAKE_FALLBACK",
    "DESKTOP_BAKE_PULL",
    "DESKTOP_BAKE_CACHE_SCOPE",
)


def edits(content: bytes) -> None:
    """`env set FIELD=VALUE…` in a configuration."""
    changed = edit_toml(CONFIGURATION.decode(), FOLDER / "t", "default", field_and_value(_text(content).split("\n")))
    with contextlib.suppress(UnicodeEncodeError):  # `env` checks it
        configuration(changed.encode())


ORIGIN = json.dumps(
    {
        "environments": [
            {"env_id": "a", "name": "A", "headless_desktop_enabled": True, "version": 1, "more": [1.5, None]},
            {"id": "b", "cache_desktop_build": "x", "base_image": "a/b:c"},
        ],
        "settings": {"headless_desktop_enabled": False},
        "tasks": [],
        "version": 3,
    }
).encode()


def origin(content: bytes) -> None:
    """The environments of Agents Runner, read, edited, read again."""
    file = OriginFile.parse(content, "state.json")
    _settings(Settings(environments=file.environments(ENVIRONMENT.base_image)))
    for env_id in file.objects:
        edited = file.edit(env_id, {"cache_desktop_build": True, "name": None})
        with contextlib.suppress(UnicodeEncodeError):  # `env` checks it
            OriginFile.parse(edited.encode(), "state.json")


def _strings(content: bytes) -> dict[str, str]:
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(content)
        if isinstance(value, dict):
            return {n: v for n, v in value.items() if isinstance(v, str)}
    return {}


def labels(content: bytes) -> None:
    """An image's labels, at every place where they decide something."""
    found = _strings(content)
    for key in (KEY, LAYER):
        key.mismatch(found)
        base_of(key, found)
        reason_of(order(Settings(), key), Settings(), [found])
    assert isinstance(KEY, CacheKey)
    near = candidate_of(found)
    if near and nearest(KEY, "x:y", [near]):
        for change in changes(KEY, "x:y", None, near, None):
            assert change.said.isprintable()
    tags = tuple(found.values())
    image = StoredImage(image_id="i", tags=tags, labels=found)
    judge([image], "r", Reach(environments={}, families={}, elsewhere={}), Policy())
    key_from_labels(found)


def manifest(content: bytes) -> None:
    """A manifest, an index or a lease."""
    read_lease(content)
    read = read_manifest(content)
    if isinstance(read, Index):
        read.for_platform("linux/amd64")
        assert all(p.isprintable() for p in read.platforms)


def image_config(content: bytes) -> None:
    """An image's configuration."""
    read = read_config(content)
    assert time_of(read.created) >= 0
    assert read.platform.isprintable()


def answers(content: bytes) -> None:
    """A registry's other answers: the first line is a header, the rest a body."""
    header, _, body = content.partition(b"\n")
    line = header.decode("latin-1")
    codes = error_codes(body)
    for status in (401, 403, 404, 429, 500, 302):
        str(Refusal(host="h", repository="r", status=status, codes=codes, retry_after=line).error())
    for read in (
        lambda: Challenge.read(line).token_service("h", encrypted=True),
        lambda: read_token(body, "h").encode("ascii"),
        lambda: read_tags(body, "h"),
        lambda: next_page(line, "https://h/v2/a/tags/list", "h"),
    ):
        with contextlib.suppress(RegistryError):
            read()


def names(content: bytes) -> None:
    """References, digests, keys, cache backends, ages: every value that is a line of text."""
    text = _text(content)
    for read in (Digest, desktop_of_text, check_backend, duration_s):
        with contextlib.suppress(DesktopBakeError):
            read(text)
    reference = ImageReference.parse(text)
    assert ImageReference.parse(str(reference)) == reference
    assert not re.search(r"[\s\"'$`;,=]|^-", str(reference))


def credentials(content: bytes) -> None:
    """The docker client's config.json, and a credential helper's answer."""
    with contextlib.suppress(ValueError):
        read_answer(content)
    (FOLDER / "config.json").write_bytes(content)
    before = {name: os.environ.get(name) for name in ("DOCKER_CONFIG", "PATH")}
    os.environ.update(DOCKER_CONFIG=str(FOLDER), PATH="")  # no helper is there
    try:
        for host in ("registry.example.com", "docker.io"):
            with contextlib.suppress(RegistryError):
                found = Logins().find(host)
                if found:
                    found.basic().encode("ascii")
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def metrics(content: bytes) -> None:
    """The file of `--metrics`, as tables, JSON and SVG."""
    events, unread = stats.read_events(content.decode(errors="replace").split("\n"))
    summary = stats.summarize(events, unread)
    json.dumps(stats.as_json(summary), allow_nan=False)
    for line in stats.as_text(summary):
        assert line.isprintable()
    ET.fromstring(plot(events, summary).encode("utf-8", "surrogatepass"))


def cache_files(content: bytes) -> None:
    """Records of what was built, failures and remembered IDs in the cache folder."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(FOLDER)
    try:
        for kind in ("records", "failures"):
            file = FOLDER / "desktop-bake" / kind / f"{KEY}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        pause.read(KEY).pause_s(1e9)
        inputs = read_inputs(KEY)
        for path, text in inputs.desktop.files.items() if inputs.desktop else ():
            if text is not None:
                diff_of(text.encode(errors="surrogatepass"), b"x\n", path, path)
        environment = Environment(env_id="e", base_image=ENVIRONMENT.base_image)
        keys_of(environment, Settings())
        made_elsewhere(Settings())
        reason_of(order(Settings(), KEY), Settings(), [])
    finally:
        os.environ.pop("XDG_CACHE_HOME") if before is None else os.environ.update(XDG_CACHE_HOME=before)


def task_options(content: bytes) -> None:
    """Options of `run`, as sent to the engine."""
    words = _text(content).split("\n")
    kinds: tuple[tuple[str, Callable[[str], Any]], ...] = (
        ("mounts", parse_volume),
        ("mounts", parse_mount),
        ("ports", parse_ports),
        ("gpus", str),
        ("network", str),
        ("name", str),
        ("user", str),
        ("workdir", str),
        ("geometry", str),
        ("extra", lambda w: docker_options([w])),
        ("variables", lambda w: parse_environment([w], {})),
        ("variables", lambda w: parse_env_file("file", w.encode(errors="surrogatepass"), {})),
    )
    for word in words:
        for name, read in kinds:
            with contextlib.suppress(DesktopBakeError):
                value = read(word)
                asked: dict[str, Any] = {name: (value,) if name == "mounts" else value}
                options = TaskOptions(**asked)
                request = ContainerRequest(
                    image="sha256:0",
                    command=["x"],
                    labels={TASK_LABEL: word},
                    options=options,
                    desktop=True,
                    publish=True,
                )
                json.dumps(request.body(), allow_nan=False)


def arguments(content: bytes) -> None:
    """The command line; `--help` and `--version` end by SystemExit."""
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(None), contextlib.redirect_stderr(None):
        whole_parser().parse_args(_text(content).split("\n"))


EVENT = {
    "schema": 1,
    "at": "2026-01-02T03:04:05.678+00:00",
    "command": "run",
    "environment": "e",
    "status": "x",
    "cache_key": str(KEY),
    "bytes": 5,
    "error": None,
    "seconds": {"look": 0.1, "build": 5, "total": 5.1},
}
RECORD = {
    "schema": 1,
    "environment": "e",
    "project": "/tmp",
    "inputs": {
        "files": {"Dockerfile": "FROM base\n", "b": None},
        "digests": {"Dockerfile": "sha256:0"},
        "executables": ["b"],
        "build_args": {"A": "sha256:1"},
        "platforms": ["linux/amd64"],
    },
}
IMAGE = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": str(BASE), "size": 5}
CHALLENGE = b'Bearer realm="https://a/token",service="s",scope="repository:a:pull"\n{"token": "abc", "errors": []}'
LINK = b'</v2/a/tags/list?n=2&last=b>; rel="next"\n{"tags": ["a"], "errors": [{"code": "DENIED", "message": "x"}]}'
OPTIONS = b"a:/b:ro\ntype=bind,source=/a,target=/b,readonly\n127.0.0.1:80:81/udp\nNAME=VALUE\nall\n--label=a=b\n1x2"

TARGETS: dict[str, Target] = {
    "configuration": Target(configuration, (CONFIGURATION,)),
    "variables": Target(variables, (b"r.example.com/a\ninline\nb\n60\ntrue\nalways\nmain", b"a\ntype=s3,bucket=b\n")),
    "edits": Target(
        edits,
        (
            b'build_args.A=1\nplatforms=linux/amd64\nname=x\nbuild_args={A = "1"}\nlayers=[{name="a", text="x"}]',
            b"name=a",
        ),
    ),
    "origin": Target(origin, (ORIGIN, b'[{"env_id": "a"}]', b'{"env_id": "a", "version": 1}')),
    "labels": Target(labels, tuple(json.dumps(k.labels("debian:bookworm")).encode() for k in (KEY, LAYER))),
    "manifest": Target(
        manifest,
        (
            Lease(owner="0" * 32, lifetime_s=5).content(),
            json.dumps({"schemaVersion": 2, "config": IMAGE, "layers": []}).encode(),
            json.dumps(
                {
                    "mediaType": "application/vnd.oci.image.index.v1+json",
                    "manifests": [{**IMAGE, "platform": {"os": "linux", "architecture": "arm", "variant": "v7"}}],
                }
            ).encode(),
        ),
    ),
    "image_config": Target(
        image_config,
        (
            json.dumps(
                {
                    "os": "linux",
                    "architecture": "amd64",
                    "created": "2026-01-02T03:04:05Z",
                    "config": {"Labels": {"a": "b"}},
                }
            ).encode(),
        ),
    ),
    "answers": Target(answers, (CHALLENGE, LINK)),
    "names": Target(
        names,
        (
            b"r.example.com:5000/a/b:t@" + str(BASE).encode(),
            str(LAYER).encode(),
            b"1h30m",
            b"type=azblob,name=a,account_url=https://x",
            b"[::1]:5/a",
        ),
    ),
    "credentials": Target(
        credentials,
        (
            b'{"auths": {"https://registry.example.com/v2/": {"auth": "YTpi"}, "x": {}}}',
            b'{"credsStore": "none", "credHelpers": {"registry.example.com": "x"}, "currentContext": "c"}',
            b'{"auths": {"registry.example.com": {"username": "u", "password": "p", "identitytoken": "t"}}}',
            b'{"Username": "<token>", "Secret": "s"}',
        ),
    ),
    "metrics": Target(
        metrics, ("\n".join(json.dumps({**EVENT, "status": s}) for s in (*stats.HITS, "built")).encode(),)
    ),
    "cache_files": Target(cache_files, (json.dumps(RECORD).encode(), b'{"count": 3, "last": 1.5}')),
    "task_options": Target(
        task_options, (OPTIONS, b"--cpus=1.5\n--memory=1g\n--ulimit=a=1:2\n--device=/dev/a:/b:r\n~/a:/b")
    ),
    "arguments": Target(
        arguments, (b"run\n-v\na:/b\n-p\n80\n--\nxterm", b"env\nset\ndefault\nname=x", b"prune\n--keep\n2")
    ),
}


def feed(name: str, content: bytes) -> None:
    """Feed a target; our own errors are one line that any terminal can show, and all others are faults."""
    try:
        TARGETS[name].read(content)
    except DesktopBakeError as error:
        for line in (str(error), error.remedy):
            assert line.isprintable()
            assert len(line) <= 2001
