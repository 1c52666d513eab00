"""Hostile values, folders and registries: what reaches BuildKit, the engine and the disk."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
import sys
import unicodedata
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from desktop_bake import (
    BakeOptions,
    ConfigurationError,
    EngineError,
    Environment,
    ImageReference,
    Settings,
    Stack,
    TaskOptions,
    bake_targets,
    stack_key,
    start_task,
)
from desktop_bake.bake.build.render import rendered_files
from desktop_bake.bake.engine.api import Endpoint
from desktop_bake.bake.images.result import Disabled
from tests.harness.bake_files import TEXT, printed
from tests.harness.faults import answers, drips, endless, redirects, sends
from tests.harness.hostile import login
from tests.harness.proxy import Exchange, Fault, faulty
from tests.harness.recipes import BASE, PREFLIGHT, RECIPE
from tests.harness.registries import MEDIA

if TYPE_CHECKING:
    from tests.harness.project import Run


# --- what BuildKit gets ---------------------------------------------------------------------------------------------

NASTY = st.sampled_from(
    (
        '"\n}\ntarget "evil" {\n  dockerfile-inline = "FROM evil"\n}\n',
        '"] output = ["type=local,dest=/etc"] x = ["',
        "${DESKTOP_BAKE_CACHE_DIR}",
        "$${",
        "%{ if true }",
        "\\",
        '\\"',
        "--privileged",
        "-v",
        "--",
        "../../etc",
        "/etc",
        "type=local,dest=/etc",
        "a,type=local",
        "FROM evil\nRUN evil",
        "# syntax=evil",
        "\x1b[2J",
        "\u202e",
        "\x7f",
        "//",
        "/* ",
        "<<EOF",
        "EOF",
        "a b",
        "a=b",
        "*",
        "~",
        "`id`",
        "$(id)",
        ";id",
    )
)
ANY = (TEXT | NASTY).map(lambda text: unicodedata.normalize("NFC", text))


def mostly(*right: str) -> st.SearchStrategy[str]:
    """One of these, or in one of eight cases anything: so most environments are accepted."""
    return st.integers(0, 7).flatmap(lambda n: ANY if n == 3 else st.sampled_from(right))


NAME = mostly("A", "B_1", "TOKEN", "HTTP_PROXY", "a")
CACHE = st.sampled_from(
    (
        "local",
        "registry",
        "inline",
        "none",
        "type=gha",
        "type=gha,mode=max",
        "type=s3,region=a,bucket=b,name=x/../y",
        "type=gha,type=local,dest=/etc",
        'type=gha,"type=local",dest=/etc',
        "type=gha, type=local",
        "type=gha,TYPE=local",
        "type=azblob,account_url=https://x/${A},name=%{B}",
        "type=local,dest=/etc",
        "type=gha,src=/etc",
    )
) | ANY.map(lambda text: f"type=gha,scope={text}")
ATTEST = st.lists(
    st.sampled_from(
        (
            "type=provenance,mode=max",
            "type=sbom",
            "type=sbom,generator=x/y:z",
            "type=sbom,type=provenance",
            "type=sbom,TYPE=x",
            'type=sbom,"generator=x"',
            "type=evil",
        )
    ),
    max_size=2,
).map(tuple)
ENVIRONMENT = st.fixed_dictionaries(
    {
        "env_id": mostly("default", "--privileged", '"} target "evil" {', "${A}"),
        "name": ANY,
        "base_image": mostly("debian:latest", "debian:a.b", "debian:a_b", "debian:A-b", f"a/b@{BASE}"),
        "build_args": st.dictionaries(NAME, ANY, max_size=3),
        "build_secrets": st.lists(NAME, max_size=2),
        "platforms": st.lists(mostly("linux/amd64", "linux/arm64/v8"), max_size=2),
    }
)
KNOWN_FIELDS = {
    "description",
    "context",
    "contexts",
    "dockerfile",
    "args",
    "labels",
    "tags",
    "platforms",
    "secret",
    "output",
    "cache-from",
    "cache-to",
    "attest",
}
Plain = dict[str, Any]


def made(plain: Plain) -> Environment | None:
    """The environment, or None if it is refused."""
    with suppress(ConfigurationError):
        return Environment(
            env_id=plain["env_id"],
            name=plain["name"],
            base_image=ImageReference.parse(plain["base_image"]),
            build_args=plain["build_args"],
            build_secrets=tuple(plain["build_secrets"]),
            platforms=tuple(plain["platforms"]),
            headless_desktop_enabled=True,
        )
    return None


def unique(environments: list[Environment]) -> list[Environment]:
    """The environments, each with its own id, as in a configuration."""
    found: dict[str, Environment] = {}
    for number, environment in enumerate(environments):
        env_id = environment.env_id if environment.env_id not in found else f"{environment.env_id}~{number}"
        found[env_id] = replace(environment, env_id=env_id)
    return list(found.values())


def test_no_value_adds_to_what_buildkit_runs(
    tmp_path: Path, rounds: Callable[[int, int], int], figure: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is in names, arguments, platforms, secrets and cache options, buildx reads our targets and nothing more,
    and the build contexts are the recipe's files, byte for byte.
    """
    many, seen = rounds(4, 250), [0, 0]

    @settings(
        max_examples=many,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(plain=st.lists(ENVIRONMENT, min_size=30, max_size=60), cache=CACHE, attest=ATTEST)
    def run(plain: list[Plain], cache: str, attest: tuple[str, ...]) -> None:
        kept = unique([environment for environment in map(made, plain) if environment])
        seen[0] += len(plain)
        repository = ImageReference.parse("r.example.com/a")
        try:
            options = BakeOptions(repository=repository, cache_backend=cache, attest=attest)
        except ConfigurationError:
            options = BakeOptions(repository=repository, cache_backend="registry")
        stack = Stack(desktop=RECIPE, preflight=PREFLIGHT)
        targets = bake_targets([(e, stack, stack_key(e, stack, BASE)) for e in kept], options)
        files = rendered_files(targets, options)
        for name in {name for e in kept for name in e.build_secrets} - {*os.environ}:
            monkeypatch.setenv(name, "x")  # else buildx searches for a file of this name
        read = printed(files["docker-bake.hcl"][0].decode(), tmp_path)
        assert set(read["target"]) == {t.name for t in targets}
        assert set(read["group"]) == {"default", "desktop"}
        for target in targets:
            got = read["target"][target.name]
            assert set(got) <= KNOWN_FIELDS
            assert (got["args"], got["labels"]) == (target.args, target.labels)
            assert (got["context"], got["dockerfile"]) == (target.context, "Dockerfile")
            assert got["contexts"] == {"base": target.base}
            assert got.get("platforms", []) == list(target.platforms)
            assert got.get("secret", []) == [{"id": name} for name in target.secrets]
            assert [o["type"] for o in got.get("output", [{"type": "image"}])] == ["image"]
            assert [a["type"] for a in got.get("attest", [])] == [a.split(",")[0][5:] for a in options.attest]
            for entry in (*got.get("cache-from", []), *got.get("cache-to", [])):
                assert entry["type"] in ("local", "registry", "inline", "gha", "s3", "azblob")
                assert entry.get("dest", entry.get("src", "./.desktop-cache/")).startswith("./.desktop-cache/")
            assert all(tag.startswith("r.example.com/a:") for tag in got["tags"])
            place = f"{target.context}/"
            own = {n.removeprefix(place): file for n, file in files.items() if n.startswith(place)}
            assert own == {path: (file.content, file.executable) for path, file in target.recipe.context()}
        seen[1] += len(kept)

    run()
    assert seen[1] > seen[0] / 4
    figure(f"{seen[0]} environments, {seen[1]} of them let through, no target, instruction or option added")


@pytest.mark.parametrize("name", ["--help", "--format=x", "-f"])
def test_a_context_is_no_option(name: str, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A context's name never acts as an option of the docker client, which answers that it does not exist."""
    monkeypatch.delenv("DOCKER_HOST")
    monkeypatch.setenv("DOCKER_CONTEXT", name)
    with pytest.raises(EngineError, match="is unknown"):
        Endpoint.current()


def test_words_of_a_task_are_no_options(base: str) -> None:
    """An environment's id, variables, a folder and a command that look like options are still values."""
    env_id = '--privileged -v /:/host "{{.ID}}"'
    environment = Environment(env_id=env_id, base_image=ImageReference.parse(base))
    image = Disabled(environment=env_id, image=base, reason="", install_at_start=False)
    options = TaskOptions(variables={"--privileged": "--pid=host", "A": "x\nB=y"}, workdir="/--privileged")
    with start_task(environment, image, Settings(), options=options) as task:
        words = ["docker", "container", "inspect", task.container_id]
        (made,) = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
        assert task.execute(["--privileged", "true"]).status == 127
    host = made["HostConfig"]
    assert (host["Privileged"], host["Binds"], host["PidMode"], made["Mounts"]) == (False, None, "", [])
    assert made["Config"]["Labels"]["desktop-bake-task"] == env_id
    assert {"--privileged=--pid=host", "A=x\nB=y"} <= set(made["Config"]["Env"])
    assert made["Config"]["WorkingDir"] == "/--privileged"


@pytest.fixture
def impostor(project: Path) -> Iterator[str]:
    """An image that proves a key of ours and whose base's name is a pattern and moves the cursor."""
    name = f"desktop-bake-test-{uuid.uuid4().hex[:8]}"
    key = stack_key(Environment(env_id="e", base_image=ImageReference.parse("x:t")), Stack(desktop=RECIPE), BASE)
    labels = key.labels("[\x1b[2J\\d+$(id)")
    change = "LABEL " + " ".join(f"{n}={json.dumps(v)}" for n, v in labels.items())
    words = ["docker", "import", "--change", change, "-", f"{name}:{key}"]
    empty = subprocess.run(["tar", "c", "-T", "/dev/null"], capture_output=True, check=True).stdout
    subprocess.run(words, input=empty, capture_output=True, check=True)
    yield f"{name}:{key}"
    subprocess.run(["docker", "image", "rm", "-f", f"{name}:{key}"], capture_output=True, check=False)


def test_labels_of_an_impostor(impostor: str, cli: Run) -> None:
    """Commands that read all our images also work beside one with hostile labels, and no terminal obeys these."""
    said = []
    for words, status in (
        (("images", "--all", "--no-trunc"), 0),
        (("explain",), 0),
        (("prune", "--dry-run"), 0),
        (("resolve",), 3),
    ):
        done = cli(*words)
        assert done.returncode == status, done.stderr
        assert "\x1b" not in done.stdout + done.stderr
        said.append(done.stdout)
    assert impostor.partition(":")[0] in said[0]


def test_render_reads_the_recipe_alone(project: Path, cli: Run) -> None:
    """In the project and around it `render` opens only the configuration, the recipe and its own output."""
    (project / "other").mkdir()
    (project / "other/secret").write_text("x")
    root = Path(__file__).parents[2]
    words = [sys.executable, "-P", "-m", "tests.harness.audited", "render", "-o", "ci", "--quiet"]
    variables = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(words, cwd=project, env=variables, capture_output=True, text=True, check=True)
    status, opened = json.loads(done.stderr)
    assert status == 0
    own = (
        sys.prefix,
        sys.base_prefix,
        str(root / "desktop_bake"),
        str(root / "bake"),
        str(root / "generator"),
        str(root / "recipe"),
        str(root / "docker-bake.hcl.j2"),
        "/etc/localtime",
        "/usr/share/zoneinfo",
        os.environ["DOCKER_CONFIG"],
        str(project / "cache"),
    )
    paths = [str((project / path).resolve()) for path in opened if not path.isdecimal()]
    others = {p for p in paths if not p.startswith(own) and not p.startswith(str(project / "ci"))}
    assert others <= {
        str(project / name) for name in ("desktop-bake.toml", "desktop-bake.lock", "install.sh", "setup.sh")
    }


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "huge"])
def test_a_script_without_an_end(kind: str, project: Path, cli: Run) -> None:
    """A special file, or one too large for a script, is refused at once and not read."""
    script = project / "install.sh"
    script.unlink()
    if kind == "pipe":
        os.mkfifo(script)
    elif kind == "device":
        script.symlink_to("/dev/zero")
    elif kind == "folder":
        script.mkdir()
    else:
        script.touch()
        os.truncate(script, 1 << 40)
    done = cli("render", "-o", "ci")
    assert done.returncode == 2, done.stderr
    assert ("leads out of" if kind == "device" else "cannot read install.sh") in done.stderr  # the device, by a link


# --- answers of registries ------------------------------------------------------------------------------------------

LIMIT_S = 3.0
PEAK_MB = 400
TYPE = {"Content-Type": MEDIA["oci"]["index"]}
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="http://{host}/token"'}
BOMB = gzip.compress(b"\0" * (1 << 21)) * 450  # 900 MiB, in one megabyte
ENTRY = {"mediaType": MEDIA["oci"]["index"], "digest": str(BASE), "size": 5}


def digest(content: bytes) -> str:
    """Its digest."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def serves(config: bytes, **platform: object) -> list[Fault]:
    """An image with this configuration, and an index if a platform is given."""
    part = {"mediaType": MEDIA["oci"]["config"], "digest": digest(config), "size": len(config)}
    manifest = json.dumps({"mediaType": MEDIA["oci"]["manifest"], "config": part, "layers": []}).encode()
    faults = [answers(200, config, on="/blobs/")]
    if platform:
        entry = {"mediaType": MEDIA["oci"]["manifest"], "digest": digest(manifest), "size": len(manifest)}
        index = json.dumps({"mediaType": MEDIA["oci"]["index"], "manifests": [{**entry, "platform": platform}]})
        faults += [answers(200, manifest, on="/manifests/sha256:"), answers(200, index, on="/manifests/t")]
    return [*faults, answers(200, manifest, on="/manifests/")]


def index_of(count: int) -> bytes:
    """An index of this many indexes."""
    return json.dumps({"mediaType": MEDIA["oci"]["index"], "manifests": [ENTRY] * count}).encode()


LATE, LONG, ODD = "did not answer", "with more than", "not understood"


# request, the registry's behavior, the error's text; None if there is an answer, including "no such image"
def more_tags(exchange: Exchange) -> bool:
    """A page of tags that always links to a next one."""
    after = int(exchange.path.rpartition("=")[2])
    link = f'</v2/a/tags/list?after={after + 1}>; rel="next"'
    return answers(200, json.dumps({"tags": ["t"] * 150_000}), headers={"Link": link}).act(exchange)


HOSTILE: dict[str, tuple[str, list[Fault], str | None]] = {
    "a gigabyte": ("image", [endless(headers={"Content-Length": str(1 << 30)})], LONG),
    "a manifest without an end": ("image", [endless()], LONG),
    "a page without an end, refused": ("image", [endless(status=403)], LONG),
    "a 401 without an end": ("image", [endless(status=401, headers={"WWW-Authenticate": "Basic"})], "requires a login"),
    "a 503 without an end": ("image", [endless(status=503)], LONG),
    "a redirect without an end": (
        "digest",
        [endless(status=307, headers={"Location": "/v2/"}, on="")],
        "redirects without end",
    ),
    "redirects for ever": ("image", [redirects(on="")], "redirects without end"),
    "a token without an end": ("image", login(endless()), LONG),
    "a token that drips": ("image", login(drips("headers")), LATE),
    "tags without an end": ("tags", [endless()], LONG),
    "pages of tags for ever": (
        "tags",
        [answers(200, '{"tags": ["a"]}', headers={"Link": '</v2/a/tags/list?last=a>; rel="next"'})],
        "lists tags without end",
    ),
    "pages of other tags for ever": ("tags", [Fault(act=more_tags)], "lists tags without end"),
    "an upload's answer without an end": ("push", [endless(status=202, on="POST ")], LONG),
    "a body that drips": ("image", [drips("body", 0.3)], LATE),
    "headers that drip": ("image", [drips("headers", 0.3)], LATE),
    "a header without an end": ("image", [sends(b"HTTP/1.1 200 OK\r\nA: " + b"a" * (64 << 20))], "cannot be reached"),
    "headers without an end": ("image", [sends(b"HTTP/1.1 200 OK\r\n" + b"A: a\r\n" * (8 << 20))], "cannot be reached"),
    "a challenge that costs hours": (
        "image",
        [
            sends(
                b"HTTP/1.1 401 X\r\nContent-Length: 0\r\n"
                + b"".join(b"WWW-Authenticate: " + b"a" * 60_000 + b"\r\n" for _ in range(90))
                + b"\r\n"
            )
        ],
        "requires a login",
    ),
    "a bomb": ("image", [answers(200, BOMB, headers={"Content-Encoding": "gzip"})], ODD),
    "a bomb of tags": ("tags", [answers(200, BOMB, headers={"Content-Encoding": "gzip"})], ODD),
    "a bomb of a token": ("image", login(answers(200, BOMB, headers={"Content-Encoding": "gzip"})), ODD),
    "a thousand indexes in one": ("image", [answers(200, index_of(1000), headers=TYPE)], None),
    "as many as fit": ("image", [answers(200, index_of(20_000), headers=TYPE)], None),
    "deep nesting": ("image", [answers(200, b"[" * (4 << 20), headers=TYPE)], ODD),
    "deep nesting of an index": ("image", [answers(200, b'{"manifests":' * 300_000, headers=TYPE)], ODD),
    "a huge number": ("image", [answers(200, b'{"manifests": [{"size": ' + b"9" * 1_000_000 + b"}]}")], ODD),
    "no number": ("image", [answers(200, f'{{"manifests": [{{"size": NaN, "digest": "{BASE}"}}]}}')], ODD),
    "a small object a thousand times": ("image", serves(b"[" + b"{}," * 2_700_000 + b"{}]"), ODD),
    "half a character in a platform": (
        "image",
        serves(b'{"os": "\\ud800", "architecture": "\\u0000"}', os="\ud800", architecture="\x1b[2J"),
        None,
    ),
    "half a character in a label": (
        "image",
        serves(b'{"os": "linux", "architecture": "amd64", "config": {"Labels": {"\\ud800": "\\u0000"}}}'),
        None,
    ),
    "a size that is none": ("image", [answers(200, json.dumps({"config": {**ENTRY, "size": 1 << 62}}))], "states"),
    "an address that is none": ("image", [answers(307, headers={"Location": "http://[::a"})], "malformed address"),
    "another scheme": ("image", [answers(307, headers={"Location": "file:///etc/passwd"})], "malformed address"),
}


def test_hostile_registries(figure: Callable[[str], None], tmp_path: Path) -> None:
    """However large, long, deep or slow a registry's answer: one of our errors within the limit, bounded memory, and
    no thread or connection left behind.
    """
    with ExitStack() as stack:
        upstream = stack.enter_context(faulty("127.0.0.1:9", answers(200, b" " * 100))).host
        questions = {
            name: (question, stack.enter_context(faulty(upstream, *faults)).host, LIMIT_S)
            for name, (question, faults, _) in HOSTILE.items()
        }
        done = subprocess.run(
            [sys.executable, "-m", "tests.harness.look_ups"],
            input=json.dumps(questions),
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "DOCKER_CONFIG": str(tmp_path)},
        )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    wrong = {
        name: (seconds, said)
        for name, (seconds, said) in told["answers"].items()
        if seconds > LIMIT_S + 1.5 or (said != "" if HOSTILE[name][2] is None else str(HOSTILE[name][2]) not in said)
    }
    assert wrong == {}, wrong
    assert (told["threads"], told["descriptors"]) == (0, 0), told
    assert told["peak_mb"] < PEAK_MB
    figure(f"{len(HOSTILE)} hostile answers cut off, {told['peak_mb']} MB at most, no thread or connection left")
