"""The supply chain: attestations, identical bytes of two machines, and the check of an image before it is pulled."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import CancelledError, ConfigurationError, ensure_desktop_image, load_settings
from tests.harness.builders import remote_builder
from tests.harness.project import TINY, remove_images
from tests.harness.proxy import faulty
from tests.harness.registries import ACCEPT, HERE, Api, push_image
from tests.harness.team import Project, answer, here, manifest_of, right_labels, top_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.harness.machines import Machine
    from tests.harness.project import Run


EPOCH = "1700000000"
SPDX = "https://spdx.dev/Document"
SECRET = "SECRET-of-the-attested-build"


# --- attestations ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scanner(base: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scanner of BuildKit's SBOM protocol: its document has the name in the image's own file."""
    name, folder = f"scanner-{uuid.uuid4().hex[:8]}", tmp_path_factory.mktemp("scanner")
    document = {"SPDXID": "SPDXRef-DOCUMENT", "name": "%s"}
    statement = {"_type": "https://in-toto.io/Statement/v0.1", "predicateType": SPDX, "predicate": document}
    (folder / "scan").write_text(
        f'printf \'{json.dumps(statement)}\' "$(cat "$BUILDKIT_SCAN_SOURCE/etc/installed")" '
        '>"$BUILDKIT_SCAN_DESTINATION/$(basename "$BUILDKIT_SCAN_SOURCE").spdx.json"\n'
    )
    (folder / "Dockerfile").write_text(f'FROM {base}\nCOPY scan /scan\nENTRYPOINT ["sh", "/scan"]\n')
    subprocess.run(["docker", "build", "-q", "-t", name, folder], check=True, capture_output=True)
    yield name
    subprocess.run(["docker", "image", "rm", "-f", name], check=True, capture_output=True)


def attestations(project: Project, tag: str) -> dict[str, dict[str, Any]]:
    """The statements about an image by their predicate's type (BuildKit, "Image attestation storage")."""
    statements = {}
    for entry in top_of(project, tag)["manifests"]:
        if entry.get("annotations", {}).get("vnd.docker.reference.type") == "attestation-manifest":
            for layer in top_of(project, entry["digest"])["layers"]:
                blob = Api(project.host).send("GET", f"/v2/{project.path}/blobs/{layer['digest']}").body
                statements[layer["annotations"]["in-toto.io/predicate-type"]] = json.loads(blob)
    return statements


def test_attestations(shared: Project, scanner: str) -> None:
    """Provenance and the scanner's SBOM are on the published image, the key is unchanged; a secret is in neither."""
    (shared.folder / "install.sh").write_text(TINY.format("installed"))
    (shared.folder / "Dockerfile").write_text(
        "FROM base\nARG WORD\nRUN --mount=type=secret,id=TOKEN,env=TOKEN true\n"
        "RUN --mount=type=bind,source=desktop_install.sh,target=/i sh /i\n"
    )
    own = 'dockerfile = "Dockerfile"\nbuild_args = { WORD = "told-by-provenance" }\nbuild_secrets = ["TOKEN"]'
    shared.change(environment=own)
    before = shared.bake("key", "--json").stdout
    attest = f'attest = ["type=provenance,mode=max", "type=sbom,generator={scanner}"]'
    shared.change(attest=attest, environment=own)
    assert shared.bake("key", "--json").stdout == before
    built = answer(shared.bake("build", "--push", "--json", TOKEN=SECRET))
    said = attestations(shared, str(built["cache_key"]))
    (provenance,) = (value for kind, value in said.items() if kind.startswith("https://slsa.dev/provenance/"))
    assert "told-by-provenance" in json.dumps(provenance)
    assert said[SPDX]["predicate"]["name"] == "installed"
    assert SECRET not in json.dumps(said)
    assert answer(shared.bake("resolve", "--json"))["status"] == "local-hit"


def test_a_scanner_that_cannot_be_had(shared: Project) -> None:
    """An SBOM was requested and none can be had: no image, and BuildKit's reason."""
    failed = shared.bake("build", "--attest", "type=sbom,generator=127.0.0.1:9/scanner:1")
    assert failed.returncode == 6
    assert "error: build failed: failed to solve: " in failed.stderr
    assert "127.0.0.1:9/scanner:1" in failed.stderr


def test_the_classic_store_holds_none(shared: Project, classic: Machine) -> None:
    """An engine that cannot store attestations says so before it builds, and builds if none are requested."""
    shared.change(attest='attest = ["type=provenance,mode=max"]')
    refused = classic.desktop_bake("build", cwd=shared.folder)
    assert refused.returncode == 6
    said = "the engine's classic image store cannot hold attestations"
    assert f"error: build failed: {said}\n  switch to containerd's image store, or build without: " in refused.stderr
    assert "[desktop-cache] building" not in refused.stderr
    doctor = classic.desktop_bake("doctor", cwd=shared.folder)
    assert doctor.returncode == 6
    assert "classic: it cannot hold attestations" in doctor.stdout
    for without in ("", "type=provenance,disabled=true"):
        done = classic.desktop_bake("build", "--json", cwd=shared.folder, DESKTOP_BAKE_ATTEST=without)
        assert answer(done)["status"] in ("built", "local-hit")


# --- identical bytes of two builds ----------------------------------------------------------------------------


def contents(project: Project, tag: str) -> tuple[str, list[str], str]:
    """The parts of an image: digests of its configuration and its layers, and its creation time."""
    image = manifest_of(project, tag)
    config = Api(project.host).send("GET", f"/v2/{project.path}/blobs/{image['config']['digest']}").body
    return image["config"]["digest"], [layer["digest"] for layer in image["layers"]], json.loads(config)["created"]


def test_two_machines_make_the_same_bytes(shared: Project, second: Machine, figure: Callable[[str], None]) -> None:
    """With SOURCE_DATE_EPOCH, a recipe that sets its files' times gives one configuration and the same layers on two
    machines that share nothing, under the same key as without it."""
    at = 'touch -d "@$SOURCE_DATE_EPOCH"'
    (shared.folder / "Dockerfile").write_text(
        f"FROM base\nARG SOURCE_DATE_EPOCH\nRUN echo {shared.path} >/etc/made && {at} /etc /etc/made\n"
    )
    shared.change(environment='dockerfile = "Dockerfile"', cache='cache = "none"')
    before = json.loads(shared.bake("key", "--json").stdout)["cache_key"]
    made: list[tuple[str, list[str], str]] = []
    for run in (shared.bake, second.desktop_bake):
        folder: dict[str, Any] = {} if run == shared.bake else {"cwd": shared.folder}
        words = ("build", "--push", "--json", "--repository", f"{shared.repository}/{len(made)}")
        built = answer(run(*words, SOURCE_DATE_EPOCH=EPOCH, **folder))
        assert (built["status"], built["cache_key"]) == ("built", before)
        made.append(contents(Project(shared.folder, shared.host, f"{shared.path}/{len(made)}"), before))
    assert made[0] == made[1]
    assert made[0][2] == "2023-11-14T22:13:20Z"
    figure(f"2 machines, 1 configuration, {len(made[0][1])} layers, no other digest")


def test_another_builder_sets_the_times(
    shared: Project, second: Machine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A separate builder sets the times of all files: two builds from nothing of a plain recipe are the same."""
    (shared.folder / "Dockerfile").write_text(f"FROM base\nRUN echo {shared.path} >/made\n")
    shared.change(environment='dockerfile = "Dockerfile"', cache='cache = "none"')
    made = []
    with remote_builder(second.remote, here, tmp_path_factory.mktemp("b")) as builder:
        for number in range(2):
            repository = f"{shared.repository}/{number}"
            words = ("build", "--push", "--json", "--builder", builder, "--repository", repository)
            built = answer(shared.bake(*words, SOURCE_DATE_EPOCH=EPOCH))
            assert built["status"] == "built"
            tag = str(built["cache_key"])
            made.append(contents(Project(shared.folder, shared.host, f"{shared.path}/{number}"), tag))
            here("docker", "image", "rm", "-f", str(built["image_id"]))
            second.run("docker", "builder", "prune", "-af", check=True)
    assert made[0] == made[1]


# --- verification ----------------------------------------------------------------------------------------------


@pytest.fixture
def signed(shared: Project) -> Callable[..., str]:
    """Publish an image that proves the key, and let a shell script verify it; return its `repository@digest`."""

    def publish(script: str, *more: str) -> str:
        program = shared.folder / "verify"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        top = f'verify_command = ["./verify", "--key", "team.pub", "{{image}}"]\n{"".join(more)}'
        shared.change(verify=top)
        labels = right_labels(shared)
        digest = push_image(
            shared.host,
            shared.path,
            labels["desktop-bake.cache-key"],
            {**labels, "only": shared.path},
            platforms=(HERE,),
        )
        return f"{shared.repository}@{digest}"

    return publish


def test_what_is_verified_is_used(shared: Project, signed: Callable[..., str]) -> None:
    """Exit status 0 accepts; the command got the digest that is pulled, no shell, and nothing else of ours."""
    image = signed('printf "%s\\n" "$@" >seen; for word; do :; done; test "$word" != "${word#*@sha256:}"')
    hit = shared.bake("resolve", "--json", PASSWORD=SECRET)
    assert answer(hit)["status"] == "registry-hit"
    assert (shared.folder / "seen").read_text().splitlines() == ["--key", "team.pub", image]
    pulled = answer(shared.bake("build", "--json"))
    assert pulled["status"] == "registry-hit"
    assert pulled["image_id"]


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo no matching signatures >&2; exit 3", "./verify ended with status 3: no matching signatures"),
        ("sleep 60", "./verify was stopped after 1 s"),
        ("kill -9 $$", "./verify ended with status -9"),
    ],
)
def test_what_is_refused_is_a_miss(shared: Project, signed: Callable[..., str], script: str, says: str) -> None:
    """Any other end is a miss, with its reason in log and JSON."""
    signed(script, "verify_timeout_s = 1")
    began = time.monotonic()
    miss = shared.bake("resolve", "--json")
    assert time.monotonic() - began < 30
    assert answer(miss, 3)["status"] == "miss"
    reason = str(answer(miss, 3)["reason"])
    assert f"in the registry is not verified: {says}" in reason
    assert f"[desktop-cache] miss: {reason}" in miss.stderr


def test_what_is_refused_is_not_pulled(
    shared: Project, signed: Callable[..., str], rounds: Callable[[int, int], int], figure: Callable[[str], None]
) -> None:
    """A task's image is built instead, and the engine sends no request to the registry; the tag stays as it is."""
    many = rounds(1, 20)
    for number in range(many):
        (shared.folder / "setup.sh").write_text(f"echo {number} >/etc/configured\n")
        image = signed("exit 1")
        with faulty(shared.host) as proxy:
            done = shared.bake("build", "--json", "--push", "--repository", f"{proxy.host}/{shared.path}")
            asked = [request for request in proxy.requests if "docker/" in request.headers.get("user-agent", "")]
        built = answer(done)
        assert built["status"] == "built"
        assert "pulling" not in done.stderr
        assert proxy.requests
        assert not asked
        there = Api(shared.host).send("HEAD", f"/v2/{shared.path}/manifests/{built['cache_key']}", headers=ACCEPT)
        assert there.headers["docker-content-digest"] == image.partition("@")[2]
        here("docker", "image", "rm", "-f", str(built["image_id"]))
    figure(f"{many} images refused, {many} built instead, nothing pulled")


COSIGN = """#!/bin/sh
verb=$1
for image; do :; done
case $verb in
  sign) echo "$image" >>"$SIGNED" ;;
  verify) grep -qx "$image" "$SIGNED" ;;
esac
"""


def test_the_recipe_of_the_page(shared: Project, tmp_path: Path) -> None:
    """docs/team.md: what CI published and signed, as the page says, is used; what is only published is not.

    A stand-in for cosign records what it has to sign, and accepts that.
    """
    page = (Path(__file__).parents[2] / "docs" / "team.md").read_text()
    (script,) = re.findall(r"```bash\n(.*?)```", page, re.DOTALL)
    (verify,) = re.findall(r"```toml\n(verify_.*\n)```", page)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "cosign").write_text(COSIGN)
    (tmp_path / "bin" / "cosign").chmod(0o755)
    variables = {"PATH": f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}", "SIGNED": str(tmp_path / "signed")}
    shared.change(verify=verify, environment='preflight_script = "setup.sh"')
    assert shared.bake("render", "-o", "ci").returncode == 0
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=shared.folder / "ci",
        env={**os.environ, **variables},
        check=True,
        capture_output=True,
    )
    assert len((tmp_path / "signed").read_text().splitlines()) == 2  # the desktop and the layer on it
    remove_images(shared.path)
    assert answer(shared.bake("resolve", "--json", **variables))["status"] == "registry-hit"
    (tmp_path / "signed").write_text("")
    assert answer(shared.bake("resolve", "--json", **variables), 3)["status"] == "miss"


def test_a_command_that_leaves_something_behind(shared: Project, signed: Callable[..., str]) -> None:
    """Programs that it leaves running, with its output open, are not waited for."""
    signed("sleep 300 & echo $! >left")
    began = time.monotonic()
    assert answer(shared.bake("resolve", "--json"))["status"] == "registry-hit"
    assert time.monotonic() - began < 30
    subprocess.run(["kill", (shared.folder / "left").read_text().strip()], check=True)


def test_cancelled_while_it_verifies(shared: Project, signed: Callable[..., str]) -> None:
    """Another thread cancels: the command is ended, and nothing is built."""
    signed(": >begun; exec sleep 1000", "verify_timeout_s = 300\n")
    settings, cancel, lines = load_settings(shared.folder / "desktop-bake.toml", {}), threading.Event(), list[str]()

    def wait() -> None:
        while not (shared.folder / "begun").exists():
            time.sleep(0.05)
        cancel.set()

    threading.Thread(target=wait, daemon=True).start()
    start = time.monotonic()
    with pytest.raises(CancelledError):
        ensure_desktop_image(settings.environment(None), settings, log=lines.append, cancel=cancel)
    assert time.monotonic() - start < 60
    assert not any("building" in line or "falling back" in line for line in lines), lines


def test_a_program_that_is_missing(shared: Project, signed: Callable[..., str]) -> None:
    """A command that cannot run is wrong configuration: no image, no build, and no fallback either."""
    signed("exit 0")
    shared.change(verify='verify_command = ["no-such-cosign", "{image}"]')
    for command in ("resolve", "build"):
        refused = shared.bake(command)
        assert refused.returncode == 2
        assert "error: verify_command: no-such-cosign cannot be run: No such file or directory" in refused.stderr
    settings = load_settings(shared.folder / "desktop-bake.toml", {})
    with pytest.raises(ConfigurationError, match="no-such-cosign"):
        ensure_desktop_image(settings.environment(None), settings)
    doctor = shared.bake("doctor")
    assert "verify_command: no-such-cosign is not installed" in doctor.stdout
    assert doctor.returncode == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        *((words, "verify_command has no {image} after its program") for words in ("true", "{image}", "cosign image")),
        ("cosign verify --key 'a", 'DESKTOP_BAKE_VERIFY_COMMAND is "cosign verify --key \'a": No closing quotation'),
    ],
)
def test_a_command_that_checks_nothing(cli: Run, words: str, says: str) -> None:
    """A command that does not get the image would accept any, and is refused, also in the variable."""
    refused = cli("key", DESKTOP_BAKE_VERIFY_COMMAND=words)
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"error: {says}")
