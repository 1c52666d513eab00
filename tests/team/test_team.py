"""One image for the whole team: two machines, one registry, the same key everywhere, and each fault's effect."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake.generator.errors import RegistryError
from tests.harness.builders import remote_builder
from tests.harness.faults import answers, closes, html, refuses, slow, then
from tests.harness.project import Run, copy_client
from tests.harness.proxy import Fault, faulty
from tests.harness.registries import HERE, OTHER, PASSWORD, USER, Api, closed_port, push_image, real_registry
from tests.harness.team import answer, here, manifest_of, right_labels

if TYPE_CHECKING:
    from tests.harness.machines import Machine, Registry
    from tests.harness.team import Project


def stamp(run: Run, image: object) -> str:
    """The time of the image's package installation."""
    return str(run("docker", "run", "--rm", str(image), "cat", "/etc/installed").stdout)


# --- the same key, one image -----------------------------------------------------------------------------------


def test_one_bakes_the_others_pull(shared: Project, second: Machine, classic: Machine) -> None:
    """A machine that never built finds, proves, pulls and remembers what the first one published; whatever its store,
    its key is the same; and other tools see the labels."""
    shared.change(cache="")  # the default
    built = answer(shared.bake("build", "--push", "--json"))
    assert built["status"] == "built"
    tag = f"{shared.repository}:{built['cache_key']}"
    for other in (second, classic):
        for _ in range(2):  # without a copy of the base, and with one
            key = answer(other.desktop_bake("key", "--json", cwd=shared.folder))
            assert key["cache_key"] == built["cache_key"]
            assert key["components"] == built["components"]
            other.run("docker", "pull", "-q", shared.base, check=True)
        found = other.desktop_bake("resolve", "--json", cwd=shared.folder)
        assert answer(found)["status"] == "registry-hit"
        assert f"[desktop-cache] hit (registry): {tag}" in found.stderr
        assert other.run("docker", "image", "ls", "-q", shared.repository).stdout == ""  # nothing was pulled
        pulled = other.desktop_bake("build", "--json", cwd=shared.folder)
        assert answer(pulled)["status"] == "registry-hit"
        assert "building" not in pulled.stderr
        image = answer(other.desktop_bake("resolve", "--json", cwd=shared.folder))
        assert image["status"] == "local-hit"
        assert stamp(other.run, image["image_id"]) == stamp(here, built["image_id"])
    by_hand = second.run("docker", "pull", "-q", tag, check=True).stdout.strip()
    labels = json.loads(second.run("docker", "image", "inspect", by_hand).stdout)[0]["Config"]["Labels"]
    assert labels["desktop-bake.cache-key"] == built["cache_key"]


def test_the_classic_store_bakes_too(shared: Project, second: Machine, classic: Machine) -> None:
    """An image that a machine with the classic store bakes and pushes is a hit on one with the containerd store."""
    built = answer(classic.desktop_bake("build", "--push", "--json", cwd=shared.folder))
    assert built["status"] == "built"
    assert answer(classic.desktop_bake("resolve", "--json", cwd=shared.folder))["image_id"] == built["image_id"]
    pulled = answer(second.desktop_bake("build", "--json", cwd=shared.folder))
    assert pulled["status"] == "registry-hit"
    assert stamp(second.run, pulled["image_id"]) == stamp(classic.run, built["image_id"])


def test_a_second_push_does_no_harm(shared: Project, second: Machine) -> None:
    """Two machines that built the same key may both push: the second sees that the image exists, and a forced push of
    its own image leaves a hit."""
    assert answer(shared.bake("build", "--push", "--json"))["status"] == "built"
    again = shared.bake("build", "--push", "--json")
    assert answer(again)["status"] == "local-hit"
    assert "in the registry already" in again.stderr
    second.run("docker", "pull", "-q", shared.base, check=True)
    second.stop_registry()
    try:
        alone = answer(second.desktop_bake("build", "--json", "--pull", "missing", cwd=shared.folder))
        assert alone["status"] == "built"
        assert "cannot be reached" in str(alone["registry_error"])
    finally:
        second.start_registry()
    late = second.desktop_bake("build", "--push", cwd=shared.folder)
    assert late.returncode == 0, late.stderr
    assert "in the registry already" in late.stderr
    tag = f"{shared.repository}:{alone['cache_key']}"
    assert second.run("docker", "push", "-q", tag).returncode == 0
    assert here("docker", "image", "rm", "-f", tag).returncode == 0
    assert answer(shared.bake("resolve", "--json"))["status"] == "registry-hit"


WRONG: dict[str, tuple[Callable[[dict[str, str]], dict[str, str]], str]] = {
    "no labels": (lambda _: {}, "label desktop-bake.schema is missing"),
    "another key": (lambda r: {**r, "desktop-bake.setup-digest": "sha256:" + "0" * 64}, "setup-digest is 'sha256:0"),
    "a truncated key": (lambda r: {**r, "desktop-bake.cache-key": r["desktop-bake.cache-key"][:-1]}, "cache-key is"),
    "another schema": (lambda r: {**r, "desktop-bake.schema": "2"}, "schema is '2', not '1'"),
}


def test_an_image_that_is_not_what_its_tag_says(shared: Project) -> None:
    """An image under our tag with other labels is reported, never used, and built over."""
    right = right_labels(shared)
    key = right["desktop-bake.cache-key"]
    for case, (change, says) in WRONG.items():
        push_image(shared.host, shared.path, key, {**change(right), "case": f"{case} {shared.path}"}, platforms=(HERE,))
        miss = shared.bake("resolve", "--json")
        assert answer(miss, 3)["status"] == "miss", case
        assert "in the registry is not what its tag says" in miss.stderr
        assert says in miss.stderr
    assert answer(shared.bake("build", "--push", "--json"))["status"] == "built"
    assert here("docker", "image", "rm", "-f", f"{shared.repository}:{key}").returncode == 0
    assert answer(shared.bake("resolve", "--json"))["status"] == "registry-hit"


def test_several_platforms(shared: Project) -> None:
    """One key for all platforms of an environment; an index is a hit if it has this machine's platform, else a miss
    that says so."""
    push_image(shared.host, f"{shared.path}/base", "1", {}, platforms=(OTHER, HERE), index=True)
    shared.base = f"{shared.repository}/base:1"
    shared.change(environment=f'platforms = ["{OTHER}", "{HERE}"]')
    right = right_labels(shared)
    key = right["desktop-bake.cache-key"]
    shared.change(environment=f'platforms = ["{HERE}", "{OTHER}"]')
    assert right_labels(shared) == right
    push_image(shared.host, shared.path, key, {**right, "n": shared.path}, platforms=(OTHER, "linux/s390x"), index=True)
    absent = shared.bake("resolve", "--json")
    assert answer(absent, 3)["status"] == "miss"
    assert f"has it for {OTHER}, linux/s390x, this engine runs {HERE}" in absent.stderr
    push_image(shared.host, shared.path, key, {**right, "n": shared.path}, platforms=(OTHER, HERE), index=True)
    assert answer(shared.bake("resolve", "--json"))["status"] == "registry-hit"
    assert answer(shared.bake("build", "--json"))["status"] == "registry-hit"
    assert answer(shared.bake("resolve", "--json"))["status"] == "local-hit"
    (shared.folder / "setup.sh").write_text("echo moved > /etc/configured\n")  # a pulled image is pruned like any other
    assert shared.bake("prune", "--yes").returncode == 0
    assert here("docker", "image", "ls", "-q", "--digests", shared.repository).stdout == ""


# --- faults ----------------------------------------------------------------------------------------------------

FAULTS: dict[str, tuple[list[Fault], str]] = {
    "a web page": ([html()], "not like a registry"),
    "30 s a request": ([slow(30)], "did not answer"),
    "connections that end": ([closes()], "cannot be reached"),
    "a rate limit": ([refuses(429, "TOOMANYREQUESTS")], "limits the rate"),
    "a failure": ([answers(500)], "failed with status 500"),
    "a refusal": ([refuses(403, "DENIED")], "denies access"),
    "a demanded login": ([answers(401, headers={"WWW-Authenticate": 'Basic realm="x"'})], "requires a login"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_faulty_registry_costs_no_build(
    shared: Project, team: Registry, case: str, rounds: Callable[[int, int], int]
) -> None:
    """A registry that does not answer is no miss: `resolve` says why and exits with 5, within the limit; a build does
    without it, and says why: one of the cases, and under `--soak` all."""
    faults, says = FAULTS[case]
    with faulty(team.address, *faults) as proxy:
        shared.host = proxy.host
        shared.change(limit="registry_timeout_s = 1")
        started = time.monotonic()
        asked = shared.bake("resolve", "--json")
        assert time.monotonic() - started < 8
        result = answer(asked, 5)
        assert result["status"] == "miss"
        assert says in str(result["registry_error"])
        assert f"[desktop-cache] WARNING: registry {proxy.host}" in asked.stderr
        if case not in list(FAULTS)[: rounds(1, len(FAULTS))]:
            return
        built = answer(shared.bake("build", "--json"))
        assert built["status"] == "built"
        assert says in str(built["registry_error"])
        assert answer(shared.bake("resolve", "--json"))["status"] == "local-hit"


def test_nobody_listens(shared: Project) -> None:
    """A registry that is down: the build goes on; a failed push is reported, exits with 5, and the image is used."""
    shared.host = f"127.0.0.1:{closed_port()}"
    shared.change()
    pushed = shared.bake("build", "--push", "--json")
    assert pushed.returncode == 5
    result = json.loads(pushed.stdout)["images"][0]
    assert result["status"] == "built"
    assert "connection refused" in str(result["push_error"])
    assert "WARNING: push failed" in pushed.stderr
    assert "docker login" in pushed.stderr.splitlines()[-1]
    assert answer(shared.bake("resolve", "--json"))["status"] == "local-hit"


def test_a_pull_that_fails_is_a_build(shared: Project, second: Machine, team: Registry) -> None:
    """A hit whose layers do not arrive is reported, and the image is built."""
    pushed = answer(second.desktop_bake("build", "--push", "--json", cwd=shared.folder))
    config = manifest_of(shared, str(pushed["cache_key"]))["config"]["digest"]
    with faulty(team.address, answers(500, on=f"GET .*/blobs/(?!{config})")) as proxy:
        shared.host = proxy.host
        shared.change()
        rebuilt = shared.bake("build", "--json")
    assert answer(rebuilt)["status"] == "built"
    assert "[desktop-cache] hit (registry)" in rebuilt.stderr
    assert "[desktop-cache] WARNING: cannot pull" in rebuilt.stderr
    assert "cannot pull" in str(answer(rebuilt)["registry_error"])


@pytest.mark.parametrize("step", ["upload of a layer", pytest.param("manifest", marks=pytest.mark.soak), "cache"])
def test_a_registry_that_goes_in_the_middle(shared: Project, tmp_path: Path, step: str) -> None:
    """A registry that dies during a push: the push fails and the image is used; a cache that could not be written is no
    failure at all."""
    on = {
        "upload of a layer": "PUT .*/blobs/uploads/",
        "manifest": "PUT .*/manifests/bookworm",
        "cache": "PUT .*/manifests/cache",
    }
    with real_registry(tmp_path / "dying") as registry:
        asked = threading.Event()

        def die() -> None:
            asked.set()
            registry.stop()

        with faulty(registry.host, then(die, on=on[step])) as proxy:
            shared.host = proxy.host
            shared.change(cache='cache = "registry"' if step == "cache" else "")
            pushed = shared.bake("build", "--push", "--json")
        assert asked.is_set()
    assert pushed.returncode == RegistryError.exit_status, pushed.stderr
    result = json.loads(pushed.stdout)["images"][0]
    assert result["status"] == "built"
    assert result["push_error"]
    assert answer(shared.bake("resolve", "--json"), 0)["status"] == "local-hit"


def test_login(shared: Project, tmp_path: Path) -> None:
    """A registry that requires a login: without one, with a wrong one, with the right one."""
    config = copy_client(tmp_path / "docker")
    with real_registry(tmp_path / "locked", htpasswd=True) as locked:
        shared.host = locked.host
        shared.change()
        without = shared.bake("build", "--push", "--json", DOCKER_CONFIG=str(config))
        assert without.returncode == 5
        assert "requires a login" in without.stderr
        subprocess.run(
            ["docker", "--config", str(config), "login", "-u", USER, "--password-stdin", locked.host],
            input=PASSWORD,
            text=True,
            check=True,
            capture_output=True,
        )
        pushed = shared.bake("build", "--push", "--json", DOCKER_CONFIG=str(config))
        assert answer(pushed)["push_error"] is None
        here("docker", "image", "rm", "-f", str(answer(pushed)["image_id"]))
        assert answer(shared.bake("resolve", "--json", DOCKER_CONFIG=str(config)))["status"] == "registry-hit"
        said = without.stdout + without.stderr + pushed.stdout + pushed.stderr
        assert PASSWORD not in said


REFUSALS = {
    "upper case": (["--repository", "registry.example.com/Team/desktop"], 2, "lower-case"),
    "a push to nowhere": (
        ["--repository", "desktop", "--push"],
        2,
        "not in a registry, so there is nowhere to push to",
    ),
    "an unknown policy": (["--pull", "sometimes"], 2, "missing, always, never"),
    "an unknown cache": (["--cache", "disk"], 2, "unknown cache backend"),
    "a secret in the cache": (["--cache", "type=s3,bucket=b,secret_access_key=SECRET-x"], 2, "secret_access_key"),
    "an unknown builder": (["--builder", "no-such-builder"], 4, "no-such-builder"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals(shared: Project, case: str) -> None:
    """Wrong registry settings are one line and a remedy."""
    words, status, says = REFUSALS[case]
    done = shared.bake("build", "-q", *words)
    assert done.returncode == status, done.stderr
    error, remedy = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert remedy.startswith("  ")
    assert says in done.stderr
    assert "SECRET" not in done.stderr


# --- the base's freshness --------------------------------------------------------------------------------------


def test_pull_policy(shared: Project, second: Machine, team: Registry) -> None:
    """`missing` uses the local copy, `always` sees that the tag moved and rebuilds on the new base, `never` asks no
    registry; without a copy that is a refusal."""
    moving = f"{team.address}/{shared.path}-base:moving"
    assert second.run("docker", "pull", "-q", team.base).returncode == 0

    def move(number: int) -> None:
        dockerfile = f"FROM {team.base}\nRUN echo {number} > /moved\n"
        (shared.folder / "base").mkdir(exist_ok=True)
        (shared.folder / "base" / "Dockerfile").write_text(dockerfile)
        done = here("docker", "buildx", "build", "-q", "--push", "-t", moving, str(shared.folder / "base"))
        assert done.returncode == 0, done.stderr

    move(1)
    shared.base = moving
    shared.change()
    never = second.desktop_bake("resolve", "--pull", "never", cwd=shared.folder)
    assert never.returncode == 5
    assert never.stderr.splitlines() == [
        f"error: base image {moving} is not in the local store, and pull is 'never'",
        f"  run: docker pull {moving}",
    ]
    second.run("docker", "pull", "-q", moving, check=True)
    first = answer(second.desktop_bake("build", "--json", cwd=shared.folder))
    move(2)
    for policy in ("missing", "never"):
        same = answer(second.desktop_bake("resolve", "--pull", policy, "--json", cwd=shared.folder))
        assert (same["status"], same["cache_key"]) == ("local-hit", first["cache_key"])
    moved = second.desktop_bake("build", "--pull", "always", "--json", cwd=shared.folder)
    rebuilt = answer(moved)
    assert rebuilt["status"] == "built"
    assert "miss: base image changed" in moved.stderr
    assert second.run("docker", "run", "--rm", str(rebuilt["image_id"]), "cat", "/moved").stdout == "2\n"
    second.stop_registry()
    try:
        offline = second.desktop_bake("resolve", "--pull", "always", "--json", cwd=shared.folder)
        assert answer(offline)["cache_key"] == first["cache_key"]
        assert "WARNING: base image" in offline.stderr
        assert "taking what is known here" in offline.stderr
        shared.base = f"{team.address}/{shared.path}-base:other"
        shared.change()
        nothing = second.desktop_bake("resolve", "--pull", "always", cwd=shared.folder)
        assert nothing.returncode == RegistryError.exit_status
        assert "cannot be reached" in nothing.stderr
    finally:
        second.start_registry()


def test_offline_with_the_image_alone(shared: Project, second: Machine) -> None:
    """A machine that pulled the desktop, and has no copy of its base, finds it even with the registry gone."""
    assert shared.bake("build", "--push").returncode == 0
    pulled = answer(second.desktop_bake("build", "--json", cwd=shared.folder))
    second.run("docker", "image", "rm", "-f", shared.base)
    second.stop_registry()
    try:
        for policy in ("missing", "always", "never"):
            found = second.desktop_bake("resolve", "--json", "--pull", policy, cwd=shared.folder)
            assert answer(found)["status"] == "local-hit"
            assert answer(found)["image_id"] == pulled["image_id"]
            assert ("WARNING: base image" in found.stderr) == (policy != "never")
        (shared.folder / "setup.sh").write_text("echo other\n")
        assert second.desktop_bake("resolve", cwd=shared.folder).returncode == RegistryError.exit_status
    finally:
        second.start_registry()


# --- caches ----------------------------------------------------------------------------------------------------


def test_the_team_cache(shared: Project, second: Machine) -> None:
    """With the registry cache, a changed setup script on a second machine does not install packages again; a branch
    writes its own scope and reads `main`'s."""
    shared.change(cache='cache = "registry"')
    first = answer(shared.bake("build", "--push", "--json"))
    (shared.folder / "setup.sh").write_text("echo changed > /etc/configured\n")
    changed = second.desktop_bake("build", "--json", cwd=shared.folder, DESKTOP_BAKE_CACHE_SCOPE="feature")
    assert answer(changed)["status"] == "built"
    assert stamp(second.run, answer(changed)["image_id"]) == stamp(here, first["image_id"]), changed.stderr
    tags = json.loads(Api(shared.host).send("GET", f"/v2/{shared.path}/tags/list").body)["tags"]
    scopes = sorted(tag.rsplit("-", 1)[1] for tag in tags if tag.startswith("cache-"))
    assert scopes == ["feature", "main"]


def test_the_inline_cache(shared: Project, second: Machine) -> None:
    """With the inline cache, the image under its second tag is the cache."""
    shared.change(cache='cache = "inline"')
    first = answer(shared.bake("build", "--push", "--json"))
    (shared.folder / "setup.sh").write_text("echo changed > /etc/configured\n")
    changed = answer(second.desktop_bake("build", "--json", cwd=shared.folder))
    assert stamp(second.run, changed["image_id"]) == stamp(here, first["image_id"])


def whole(cache: Path) -> bool:
    """Whether a cache folder has everything that its index names, with the right digests, and nothing else."""
    import hashlib

    there = {p.name: p.read_bytes() for p in (cache / "blobs" / "sha256").iterdir()}
    assert all(hashlib.sha256(content).hexdigest() == name for name, content in there.items())
    named = [d["digest"] for d in json.loads((cache / "index.json").read_bytes())["manifests"]]
    seen: set[str] = set()
    while named:
        digest = named.pop().removeprefix("sha256:")
        seen.add(digest)
        content = json.loads(there[digest])
        leaves = [*content.get("layers", []), *filter(None, [content.get("config")])]
        for entry in [*content.get("manifests", []), *leaves]:
            if "layer" in entry["mediaType"] or "config" in entry["mediaType"]:
                seen.add(entry["digest"].removeprefix("sha256:"))
            else:
                named.append(entry["digest"])
    return seen == set(there)


def test_the_local_cache_does_not_grow(shared: Project, second: Machine, rounds: Callable[[int, int], int]) -> None:
    """After any number of builds the folder is whole and has what the last one used; an engine that lost its own cache
    builds from it without installing again."""
    shared.change(cache='cache = "local"')
    cache = Path(second.environment["XDG_CACHE_HOME"]) / "desktop-bake" / "buildkit"
    sizes = []
    for number in range(rounds(3, 10)):
        (shared.folder / "setup.sh").write_text(f"echo {number} > /etc/configured\n")
        last = answer(second.desktop_bake("build", "--json", cwd=shared.folder))
        (family,) = [p for p in cache.iterdir() if shared_family(last) == p.name]
        assert whole(family)
        sizes.append(len(list((family / "blobs" / "sha256").iterdir())))
    assert len(set(sizes)) == 1
    before = stamp(second.run, last["image_id"])
    forget(second, last)
    again = answer(second.desktop_bake("build", "--json", cwd=shared.folder))
    assert again["status"] == "built"
    assert stamp(second.run, again["image_id"]) == before


def forget(second: Machine, built: dict[str, object]) -> None:
    """Remove an image and all that BuildKit kept of it from a machine."""
    second.run("docker", "image", "rm", "-f", str(built["image_id"]), check=True)
    forget_builds(second)


def forget_builds(second: Machine) -> None:
    """Remove all that BuildKit kept on a machine, by a restart, since a prune goes on for a while."""
    second.run("docker", "builder", "prune", "-af", check=True)
    second.restart_engine()


def shared_family(result: dict[str, object]) -> str:
    """The folder of a result's cache."""
    variant, _, install = str(result["cache_key"]).split("-")[:3]
    return f"{variant}-{install[:12]}"


def test_two_exports_at_once(shared: Project, second: Machine) -> None:
    """Two builds of one family that export at once leave a whole cache."""
    shared.change(cache='cache = "local"')
    (shared.folder / "setup.sh").write_text("sleep 1\n")
    other = shared.folder / "other"
    other.mkdir()
    for name in ("install.sh", "desktop-bake.toml"):
        shutil.copy(shared.folder / name, other)
    (other / "setup.sh").write_text("sleep 1.1\n")
    words = [sys.executable, "-m", "desktop_bake", "build", "--json"]
    two = [second.popen(*words, cwd=folder) for folder in (shared.folder, other)]
    for process in two:
        out, error = process.communicate(timeout=120)
        assert process.returncode == 0, error
    cache = Path(second.environment["XDG_CACHE_HOME"]) / "desktop-bake" / "buildkit"
    assert whole(cache / shared_family(json.loads(out)["images"][0]))
    assert list(cache.parent.glob("bake-*")) == []


BROKEN_CACHES = ("layers changed", "no folder", "truncated", "layers lost")


def test_a_cache_that_cannot_be_used(shared: Project, second: Machine, rounds: Callable[[int, int], int]) -> None:
    """A broken local cache, or one that cannot be written, never fails a build: one way, and under `--soak` all."""
    shared.change(cache='cache = "local"')
    cache = Path(second.environment["XDG_CACHE_HOME"]) / "desktop-bake" / "buildkit"
    for fault in BROKEN_CACHES[: rounds(1, len(BROKEN_CACHES))]:
        (shared.folder / "setup.sh").write_text(f"echo {fault} > /etc/configured\n")
        first = answer(second.desktop_bake("build", "--json", cwd=shared.folder))
        break_cache(cache, shared_family(first), fault)
        forget(second, first)
        try:
            again = answer(second.desktop_bake("build", "--json", cwd=shared.folder))
            assert again["status"] == "built", fault
        finally:
            if cache.is_file():
                cache.unlink()


def break_cache(cache: Path, family: str, fault: str) -> None:
    """Damage a family's cache, or put a file where the folder of caches was."""
    if fault == "no folder":
        shutil.rmtree(cache)
        cache.write_text("in the way")
        return
    for blob in (cache / family / "blobs" / "sha256").iterdir():
        content = blob.read_bytes()
        if fault == "truncated":
            blob.write_bytes(content[:10])
        elif not content.startswith(b"{"):
            blob.write_bytes(b"?" * len(content)) if fault == "layers changed" else blob.unlink()


# --- any builder, any engine -----------------------------------------------------------------------------------


def test_a_docker_context(shared: Project, second: Machine, tmp_path: Path) -> None:
    """The same by a docker context, as flag and as builder."""
    config = copy_client(tmp_path / "docker")
    made = here(
        "docker", "--config", str(config), "context", "create", "elsewhere", "--docker", f"host={second.remote}"
    )
    assert made.returncode == 0, made.stderr
    variables = {"DOCKER_CONFIG": str(config)}
    built = answer(shared.bake("build", "--context", "elsewhere", "--json", **variables))
    assert built["status"] == "built"
    assert second.run("docker", "image", "inspect", str(built["image_id"])).returncode == 0
    assert here("docker", "image", "inspect", str(built["image_id"])).returncode != 0
    unknown = shared.bake("resolve", "--context", "nowhere", **variables)
    assert unknown.returncode == 4
    assert "nowhere" in unknown.stderr


def test_a_remote_builder(
    shared: Project,
    second: Machine,
    tmp_path_factory: pytest.TempPathFactory,
    rounds: Callable[[int, int], int],
) -> None:
    """A builder other than the engine's own builds there and hands the image over; a registry cache works (in soak the
    other ones and none, too), and a push publishes it."""
    with remote_builder(second.remote, here, tmp_path_factory.mktemp("b")) as builder:
        for number, cache in enumerate(("registry", "local", "inline", "none")[: rounds(1, 4)]):
            (shared.folder / "setup.sh").write_text(f"echo {number} > /etc/configured\n")
            done = shared.bake("build", "--builder", builder, "--cache", cache, "--push", "--json")
            built = answer(done)
            assert built["status"] == "built", done.stderr
            assert (
                here("docker", "run", "--rm", str(built["image_id"]), "cat", "/etc/configured").stdout == f"{number}\n"
            )
            here("docker", "image", "rm", "-f", str(built["image_id"]))
            assert answer(shared.bake("resolve", "--json"))["status"] == "registry-hit"


# --- layers ----------------------------------------------------------------------------------------------------


def test_layers(shared: Project, second: Machine, classic: Machine, rounds: Callable[[int, int], int]) -> None:
    """Layers and desktop are published, also later, and pulled; a changed layer on a machine that has neither builds on
    the pulled desktop, whatever its store; a builder that forgot everything builds on the local one."""
    shared.change(environment='preflight_script = "preflight.sh"')
    preflight = shared.folder / "preflight.sh"
    preflight.write_text("date +%s%N > /etc/preflight\n")
    assert answer(shared.bake("build", "--json"))["status"] == "built"
    built = answer(shared.bake("build", "--push", "--json"))  # a local layer keeps its desktop
    assert built["status"] == "local-hit"
    shared.change()
    assert answer(second.desktop_bake("resolve", "--json", cwd=shared.folder))["status"] == "registry-hit"
    shared.change(environment='preflight_script = "preflight.sh"')
    first = stamp(here, built["image_id"])
    assert answer(second.desktop_bake("resolve", "--json", cwd=shared.folder))["status"] == "registry-hit"
    pulled = answer(second.desktop_bake("build", "--json", cwd=shared.folder))
    assert pulled["status"] == "registry-hit"
    assert stamp(second.run, pulled["image_id"]) == first
    for number, machine_ in enumerate((second, classic, second)[: rounds(2, 3)]):
        forget_builds(machine_)
        preflight.write_text(f"echo {number} > /etc/preflight\n")
        done = machine_.desktop_bake("build", "--json", cwd=shared.folder)
        assert answer(done)["status"] == "built"
        assert "WARNING" not in done.stderr
        assert done.stderr.count("[desktop-cache] building") == 1, done.stderr
        assert stamp(machine_.run, answer(done)["image_id"]) == first
        shown = machine_.run("docker", "run", "--rm", str(answer(done)["image_id"]), "cat", "/etc/preflight").stdout
        assert shown == f"{number}\n"
    (shared.folder / "setup.sh").write_text("echo other > /etc/configured\n")  # a desktop that no registry has
    for machine_ in (classic, second)[: rounds(1, 2)]:  # test_layer.py has the other store
        for number in range(2):
            preflight.write_text(f"echo here {number} > /etc/preflight\n")
            done = machine_.desktop_bake("build", "--json", cwd=shared.folder)
            assert answer(done)["status"] == "built"
            assert "WARNING" not in done.stderr
            assert done.stderr.count("[desktop-cache] building") == 2 - number


def test_a_layer_by_a_remote_builder(
    shared: Project, second: Machine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A builder that sees none of the engine's images uses the published desktop, or else its target."""
    preflight = shared.folder / "preflight.sh"
    preflight.write_text("echo 1 > /etc/preflight\n")
    shared.change(environment='preflight_script = "preflight.sh"')
    with remote_builder(second.remote, here, tmp_path_factory.mktemp("socket")) as builder:
        linked = answer(shared.bake("build", "--json", "--builder", builder))
        assert linked["status"] == "built"
        desktop = str(linked["cache_key"]).rpartition("-p")[0]
        shared.change()
        plain = answer(shared.bake("build", "--push", "--json", "--builder", builder))
        assert plain["cache_key"] == desktop
        assert stamp(here, plain["image_id"]) == stamp(here, linked["image_id"])
        forget_builds(second)
        shared.change(environment='preflight_script = "preflight.sh"')
        preflight.write_text("echo 2 > /etc/preflight\n")
        second_layer = answer(shared.bake("build", "--json", "--builder", builder))
        assert stamp(here, second_layer["image_id"]) == stamp(here, plain["image_id"])
