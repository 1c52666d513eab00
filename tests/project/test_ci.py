"""The recipes for CI and the action: their linters pass and find faults, and all that can run here runs."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from desktop_bake import load_settings
from desktop_bake.bake.cli.parser import parser
from desktop_bake.generator.bakefile import OUTPUT
from desktop_bake.generator.cache_setting import check_scope
from desktop_bake.generator.errors import ConfigurationError
from tests.harness.builders import remote_builder
from tests.harness.documents import cron_faults, quoted_commands
from tests.harness.project import remove_images
from tests.harness.registries import Api
from tests.harness.team import Project, here, manifest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.harness.machines import Machine
    from tests.harness.project import Run


ROOT = Path(__file__).parents[2]
CI = ROOT / "docs" / "ci"
ACTION = ROOT / "action.yml"
WORKFLOWS = ROOT / ".github" / "workflows"
BIN = Path(sys.executable).parent
SCHEMAS = {
    CI / "github.yml": "vendor.github-workflows",
    CI / "github-action.yml": "vendor.github-workflows",
    CI / "github-lock.yml": "vendor.github-workflows",
    CI / "github-native.yml": "vendor.github-workflows",
    CI / "gitlab-ci.yml": "vendor.gitlab-ci",
    CI / "gitlab-lock.yml": "vendor.gitlab-ci",
    CI / "gitlab-native.yml": "vendor.gitlab-ci",
    ACTION: "vendor.github-actions",
    WORKFLOWS / "tests.yml": "vendor.github-workflows",
    WORKFLOWS / "release.yml": "vendor.github-workflows",
}
BROKEN = [
    (CI / "github.yml", "runs-on:", "run-on:"),
    (CI / "github-action.yml", "workflow_dispatch:", "workflow_dispach:"),
    (CI / "gitlab-ci.yml", "script:", "scripts:"),
    (ACTION, "using: composite", "using: composit"),
]


def schema_faults(path: Path, schema: str) -> str:
    """The published schema's complaints about a file; the schema comes with its tool, without a network."""
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    done = subprocess.run(
        [BIN / "check-jsonschema", "--builtin-schema", schema, path],
        capture_output=True,
        text=True,
        env={**os.environ, **nowhere},
        check=False,
    )
    return done.stdout + done.stderr if done.returncode else ""


def run_blocks(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every shell script of a workflow, an action or a GitLab pipeline, with its shell."""
    steps = list(document.get("runs", {}).get("steps", []))
    for job in document.get("jobs", {}).values():
        steps += job["steps"]
    yield from ((step.get("shell", "bash"), step["run"]) for step in steps if "run" in step)
    for job in document.values():
        if isinstance(job, dict) and "script" in job:
            yield "sh", "\n".join(job["script"])


def shell_faults(shell: str, script: str) -> str:
    """Shellcheck's complaints about a script that ends at its first error, and every expression pasted into it."""
    done = subprocess.run(
        [BIN / "shellcheck", "-s", shell, "-"], input=f"set -e\n{script}", capture_output=True, text=True, check=False
    )
    return done.stdout + "".join(f"pasted: {e}\n" for e in re.findall(r"\$\{\{.*?\}\}", script))


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_schema(path: Path) -> None:
    """Each recipe and the action follow their published schema."""
    assert not schema_faults(path, SCHEMAS[path])


@pytest.mark.parametrize(("path", "right", "wrong"), BROKEN)
def test_schema_bites(path: Path, right: str, wrong: str, tmp_path: Path) -> None:
    """The schema refuses a file with one wrong word."""
    assert right in path.read_text()
    broken = tmp_path / path.name
    broken.write_text(path.read_text().replace(right, wrong, 1))
    assert schema_faults(broken, SCHEMAS[path])


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_run_blocks(path: Path) -> None:
    """Every shell script in them passes shellcheck, and the runner pastes nothing into it."""
    blocks = list(run_blocks(YAML(typ="safe").load(path)))
    assert blocks
    for shell, script in blocks:
        assert not shell_faults(shell, script)


@pytest.mark.parametrize("path", sorted(WORKFLOWS.iterdir()), ids=lambda path: path.name)
def test_our_workflows(path: Path) -> None:
    """Our workflows are checked above; they name actions by commits, and only publishing jobs have tokens to write."""
    assert path in SCHEMAS
    workflow = YAML(typ="safe").load(path)
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    actions = [step["uses"] for step in steps if "uses" in step]
    assert actions
    assert [action for action in actions if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action)] == []
    assert workflow["permissions"] == {"contents": "read"}
    granted = {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}
    assert granted in ({}, {"publish": {"id-token": "write"}})


@pytest.mark.parametrize("script", ["echo $1", 'echo "${{ inputs.folder }}"', "if true; then echo"])
def test_shellcheck_bites(script: str) -> None:
    """An unquoted word, a pasted input and a script that ends in its middle are faults."""
    assert shell_faults("bash", script)


@pytest.mark.parametrize("name", ["nightly.sh", "lock.sh"])
def test_scripts(name: str) -> None:
    """The scripts of the cron job and of the weekly pull request pass shellcheck."""
    assert not shell_faults("bash", (CI / name).read_text())


def test_schedules() -> None:
    """The schedules of crontab and workflows are ones that cron runs, and the crontab names the script."""
    crontab = (CI / "desktop-bake.cron").read_text()
    assert not cron_faults(crontab)
    assert "nightly.sh" in crontab
    for path in (CI / "github.yml", CI / "github-action.yml", CI / "github-lock.yml", WORKFLOWS / "tests.yml"):
        (schedule,) = YAML(typ="safe").load(path)["on"]["schedule"]
        assert not cron_faults(f"{schedule['cron']} true\n")


@pytest.mark.parametrize(
    "line", ["63 3 * * * a\n", "3 * * * a\n", "3 3 * * *\n", "3 3 * * * date +%F\n", "3 3 31 2 * a\n", "3 3 * * * a"]
)
def test_cron_bites(line: str) -> None:
    """A wrong field, a field too few, a day that never comes, no command, a bare %, no newline: each is a fault."""
    assert cron_faults(line)


def test_quoted_commands_exist() -> None:
    """The parser accepts every `desktop-bake` command line of the recipes and the action."""
    files = [ACTION, *sorted(CI.iterdir())]
    commands = {path.name: list(quoted_commands(path.read_text())) for path in files}
    for name in ("action.yml", "github.yml", "gitlab-ci.yml", "nightly.sh"):
        assert ["render"] in [words[:1] for words in commands[name]], name
    for words in (words for found in commands.values() for words in found):
        parser().parse_args(words)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("x/desktop-bake rendr -o ci", "unknown command 'rendr'"),
        ("- run: desktop-bake render --chekc && true", "unrecognized arguments: --chekc"),
    ],
)
def test_quoted_commands_bite(line: str, says: str) -> None:
    """A misspelt command or flag is found and refused."""
    (words,) = quoted_commands(line)
    with pytest.raises(ConfigurationError, match=says):
        parser().parse_args(words)


def test_the_page_names_every_recipe() -> None:
    """Each file in docs/ci has a link from the page."""
    links = re.findall(r"\]\(([^):]+)\)", (ROOT / "docs" / "ci.md").read_text())
    assert {f"ci/{path.name}" for path in CI.iterdir()} <= set(links)


@pytest.fixture
def published(project: Path, local_cache: None) -> Iterator[Path]:
    """A project whose repository is in the test registry; a push's images in the local store are removed afterwards."""
    registry = os.environ["DESKTOP_BAKE_TEST_REGISTRY"]
    config = project / "desktop-bake.toml"
    config.write_text(config.read_text().replace('repository = "', f'repository = "{registry}/', 1))
    yield project
    remove_images(str(load_settings(config, {}).repository), check=True)


def rendered_targets(folder: Path) -> list[dict[str, Any]]:
    """The targets of a rendered folder, as buildx reads them."""
    done = subprocess.run(
        ["docker", "buildx", "bake", "desktop", "--print"], cwd=folder, capture_output=True, check=True
    )
    return list(json.loads(done.stdout)["target"].values())


def rendered_target(folder: Path) -> dict[str, Any]:
    """The only target of a rendered folder."""
    (target,) = rendered_targets(folder)
    return target


def registry_labels(tag: str) -> dict[str, str]:
    """The labels of an image in its registry."""
    done = subprocess.run(
        ["docker", "buildx", "imagetools", "inspect", "--format", "{{json .Image}}", tag],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout)["config"]["Labels"])


def raw(tag: str) -> dict[str, Any]:
    """A manifest or index in its registry."""
    words = ["docker", "buildx", "imagetools", "inspect", "--raw", tag]
    return dict(json.loads(subprocess.run(words, capture_output=True, check=True).stdout))


def test_plain_docker_publishes_a_committed_folder(cli: Run, published: Path, tmp_path: Path) -> None:
    """A clone of the committed folder, Docker and nothing of ours: the registry has the tag with every label."""
    git = ["git", "-c", "user.name=ci", "-c", "user.email=ci@example.com", "-c", "init.defaultBranch=main"]
    subprocess.run([*git, "init", "-q", "repo"], cwd=published, check=True, capture_output=True)
    assert cli("render", "-o", "repo/ci").returncode == 0
    for words in (["add", "ci"], ["commit", "-qm", "desktop"]):
        subprocess.run([*git, *words], cwd=published / "repo", check=True, capture_output=True)
    subprocess.run([*git, "clone", "-q", "repo", "clone"], cwd=published, check=True, capture_output=True)
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONFIG") if name in os.environ}
    plain["PATH"] = os.pathsep.join(p for p in plain["PATH"].split(os.pathsep) if Path(p) != BIN)
    folder = published / "clone" / "ci"
    done = subprocess.run(
        ["docker", "buildx", "bake", "desktop", "--push"],
        cwd=folder,
        env=plain,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    target = rendered_target(folder)
    (tag,) = target["tags"]
    labels = registry_labels(tag)
    assert target["labels"].items() <= labels.items()
    key = json.loads(cli("key", "--json").stdout)["cache_key"]
    assert tag.endswith(f":{key}")
    assert labels["desktop-bake.cache-key"] == key
    assert cli("render", "-o", "clone/ci", "--check").returncode == 0


@pytest.mark.parametrize(
    "builder", ["containerd's store", pytest.param("classic store", marks=pytest.mark.soak), "remote"]
)
def test_load_push_and_neither(
    shared: Project,
    second: Machine,
    classic: Machine,
    tmp_path_factory: pytest.TempPathFactory,
    builder: str,
    rounds: Callable[[int, int], int],
    figure: Callable[[str], None],
) -> None:
    """With any flags, on each kind of builder, every image of a fresh folder ends up where it was requested."""
    shared.change(cache='cache = "none"', environment='preflight_script = "preflight.sh"')
    with contextlib.ExitStack() as stack:
        runs: dict[str, Run] = {"containerd's store": second.run, "classic store": classic.run, "remote": here}
        run, flags = runs[builder], ["docker", "buildx", "bake", "desktop"]
        if builder == "remote":
            flags += [
                "--builder",
                stack.enter_context(remote_builder(second.remote, here, tmp_path_factory.mktemp("b"))),
            ]
        many = rounds(1, 20)
        for number in range(many):
            (shared.folder / "preflight.sh").write_text(f"echo {number} >/etc/preflight\n")
            (shared.folder / "setup.sh").write_text(f"echo {number} >/etc/configured\n")
            assert shared.bake("render", "-o", "ci").returncode == 0
            tags = [tag for target in rendered_targets(shared.folder / "ci") for tag in target["tags"]]
            assert len(tags) == 2
            for words in (["--push"], [], ["--load"]):
                run("docker", "image", "rm", "-f", *tags)
                packing = {"DESKTOP_BAKE_OUTPUT": OUTPUT} if "--push" in words else {}
                place = shared.folder / "ci"
                baked = run(*flags, *words, cwd=place, PWD=str(place), **packing)
                assert baked.returncode == 0, baked.stderr
                loaded = [tag for tag in tags if run("docker", "image", "inspect", tag).returncode == 0]
                assert loaded == (tags if "--load" in words or builder != "remote" else [])
            kinds = {manifest_of(shared, tag.rpartition(":")[2])["layers"][-1]["mediaType"] for tag in tags}
            assert [kind[-8:] for kind in kinds] == ["tar.gzip" if builder == "classic store" else "tar+zstd"]
    figure(f"{builder}: {many} fresh folders, 3 ways each, every image where it was asked for")


def test_nightly_publishes_and_tells_what_changed(published: Path) -> None:
    """The cron job's script publishes silently, logs a change as a diff, and reports only a failure."""

    def nightly() -> subprocess.CompletedProcess[str]:
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            [CI / "nightly.sh", published],
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    first = nightly()
    assert (first.returncode, first.stdout, first.stderr) == (0, "", "")
    modes = {name: (published / "nightly" / name).stat().st_mode & 0o077 for name in (".", "lock", "log")}
    assert set(modes.values()) == {0}, modes
    (tag,) = rendered_target(published / "nightly" / "ci")["tags"]
    assert registry_labels(tag)["desktop-bake.cache-key"] == tag.rpartition(":")[2]
    (published / "setup.sh").write_text("echo changed\n")
    assert nightly().returncode == 0
    assert "\n+echo changed\n" in (published / "nightly" / "log").read_text()
    (published / "setup.sh").write_text("exit 9\n")
    failed = nightly()
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: exit status 1; the end of ")
    assert "exit code: 9" in failed.stderr
    with (published / "nightly" / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = nightly()
    assert (refused.returncode, refused.stderr) == (1, "error: the last run has not ended, nothing was done\n")


OWN_NAMES = ("main", "Main", "release_1.2", 63 * "x")  # of branches, each with its own scope
REFS = {
    **{f"refs/heads/{name}": name for name in OWN_NAMES},
    **dict.fromkeys(f"refs/heads/{name}" for name in ("feature-a", "feature/a", "feature a", "Feature-a", "pr-7")),
    **dict.fromkeys(
        f"refs/heads/{name}" for name in (64 * "x", 99 * "é", "ä$(id)", "ö$(id)", "main\n", "refs/heads/main")
    ),
    "refs/tags/main": None,
}


def scope_by_workflow(ref: str, folder: Path) -> str:
    """The cache scope that the workflow's own step gives to a build."""
    (script,) = (script for _, script in run_blocks(YAML(typ="safe").load(CI / "github.yml")) if "scope=" in script)
    (folder / "output").write_text("")
    names = {"GITHUB_REF": ref, "GITHUB_OUTPUT": str(folder / "output")}
    subprocess.run(["bash", "-ec", script], env={**os.environ, **names}, check=True)
    return (folder / "output").read_text().removeprefix("scope=").removesuffix("\n")


def asked_by_action(folder: Path, **event: str) -> tuple[str, str]:
    """The cache scope and the arguments that the action's step gives to a docker that does nothing."""
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "ci").mkdir(exist_ok=True)
    docker = folder / "bin" / "docker"
    docker.write_text(
        '#!/bin/sh\necho "$DESKTOP_BAKE_CACHE_SCOPE" "$@" >asked\ntouch "$RUNNER_TEMP/desktop-bake.json"\n'
    )
    docker.chmod(0o755)
    done, _ = act("Bake", folder, event={**event, "PATH": f"{folder}/bin:{os.environ['PATH']}"})
    assert done.returncode == 0, done.stderr
    scope, _, words = (folder / "ci" / "asked").read_text().partition(" ")
    return scope, words


@pytest.mark.parametrize("name", ["the workflow", "the action"])
def test_no_two_branches_share_a_cache_scope(tmp_path: Path, name: str) -> None:
    """Each branch has its own scope, which a tag can contain, even a branch named like another's scope."""
    refs, found = dict(REFS), dict[str, str]()

    def scope_of(ref: str) -> str:
        action = name == "the action"
        return asked_by_action(tmp_path, GITHUB_REF=ref)[0] if action else scope_by_workflow(ref, tmp_path)

    for _ in range(2):
        for ref in refs:
            scope = scope_of(ref)
            check_scope(scope)
            assert scope == refs[ref] or (not refs[ref] and re.fullmatch(r".{0,46}-[0-9a-f]{16}", scope)), (ref, scope)
            found[ref] = scope
        refs = dict.fromkeys(f"refs/heads/{scope}" for scope in found.values() if "-" in scope)
    assert len(set(found.values())) == len(found)
    assert [ref for ref, scope in found.items() if scope == "main"] == ["refs/heads/main"]


def test_a_pull_request_has_a_scope_of_its_own(tmp_path: Path) -> None:
    """Whatever its branch's name, a pull request reads as `pr-NUMBER` and writes no cache, in each recipe."""
    event = {"PULL_REQUEST": "7", "GITHUB_REF": "refs/heads/main", "GITHUB_HEAD_REF": "main", "GITHUB_REF_NAME": "main"}
    scope, words = asked_by_action(tmp_path, **event)
    assert scope == "pr-7"
    assert words.endswith(" --set *.cache-to=\n")
    assert "cache-to" not in asked_by_action(tmp_path, GITHUB_REF="refs/heads/main")[1]
    load = YAML(typ="safe").load
    bake = load(CI / "github.yml")["jobs"]["bake"]["steps"][-1]
    assert bake["env"]["DESKTOP_BAKE_CACHE_SCOPE"] == "pr-${{ github.event.pull_request.number }}"
    assert bake["with"]["set"] == "*.cache-to="
    assert "push" not in bake["with"]
    merge = load(CI / "gitlab-ci.yml")["bake"]
    assert merge["variables"]["DESKTOP_BAKE_CACHE_SCOPE"] == "pr-$CI_MERGE_REQUEST_IID"
    assert merge["script"] == ["docker buildx bake -f docker-bake.hcl desktop --set '*.cache-to='"]
    (step,) = (step for step in load(ACTION)["runs"]["steps"] if step["name"] == "Bake")
    assert step["env"]["PULL_REQUEST"] == "${{ github.event.pull_request.number }}"


def test_a_pull_request_writes_no_cache(cli: Run, published: Path) -> None:
    """The registry has a branch's cache after the action has run for it, and none after a pull request."""
    assert cli("render", "-o", "ci", "--cache", "registry").returncode == 0
    repository = load_settings(published / "desktop-bake.toml", {}).repository
    scopes = []
    for number in ("7", ""):
        done, _ = act("Bake", published, event={"PULL_REQUEST": number}, push="true", builder="default")
        assert done.returncode == 0, done.stderr
        tags = json.loads(Api(repository.domain).send("GET", f"/v2/{repository.path}/tags/list").body)["tags"]
        scopes.append([re.sub("^cache-bookworm-[0-9a-f]{12}-", "", tag) for tag in tags if tag.startswith("cache-")])
    assert scopes[0] == []
    (written,) = scopes[1]
    assert re.fullmatch("feature-New-[0-9a-f]{16}", written)


@pytest.mark.parametrize("path", [p for p in SCHEMAS if not p.name.startswith("gitlab")], ids=lambda path: path.name)
def test_actions_are_pinned(path: Path) -> None:
    """Every action of others is named by its commit, with the release beside it, except this project's copy."""
    used = re.findall(r"uses: (\S+)(.*)", path.read_text())
    assert used
    for name, comment in used:
        if not name.startswith("example/desktop-bake@"):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", name), name
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), name


@pytest.mark.parametrize("name", ["github.yml", "github-action.yml"])
def test_only_the_job_that_publishes_may(name: str) -> None:
    """Only the publishing job, which no pull request starts, has a token that may write packages."""
    workflow = YAML(typ="safe").load(CI / name)
    assert workflow["permissions"] == {"contents": "read"}
    may = {job for job, body in workflow["jobs"].items() if "write" in body.get("permissions", {}).values()}
    assert may == {"publish"}
    assert workflow["jobs"]["publish"]["if"] == "github.event_name != 'pull_request'"
    assert workflow["jobs"]["bake"]["if"] == "github.event_name == 'pull_request'"


def act(
    name: str, folder: Path, event: Mapping[str, str] | None = None, **inputs: str
) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run one step of the action like a runner: its environment from the inputs, its outputs from a file. What the
    step has installed in this workspace before is not installed again.

    Args:
        name: the step's name.
        folder: the workspace.
        event: variables of the runner that differ from those of a push to `feature/New`.
        inputs: the action's inputs.
    """
    action = YAML(typ="safe").load(ACTION)
    (step,) = (step for step in action["runs"]["steps"] if step["name"] == name)
    values = {name: declared["default"] for name, declared in action["inputs"].items()} | inputs
    script = step["run"]
    temporary = folder / "runner"
    if (temporary / "desktop-bake").exists():
        script = re.sub(r"(?m)^(python3 -m venv|pip install) .*\n", "", script)
    temporary.mkdir(exist_ok=True)
    output = temporary / "output"
    output.write_text("")
    environment = {
        variable: re.sub(
            r"\$\{\{ (?:inputs\.([\w-]+)|github\.event).*?\}\}", lambda m: values.get(m[1], ""), expression
        )
        for variable, expression in step["env"].items()
    }
    runner = {
        "RUNNER_TEMP": str(temporary),
        "GITHUB_OUTPUT": str(output),
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_REF": "refs/heads/feature/New",
        "GITHUB_HEAD_REF": "",
    }
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, **runner, **environment, **(event or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    return done, output.read_text()


def test_action_bakes_and_tells_its_tags(cli: Run, published: Path) -> None:
    """The action's step publishes, and its outputs are the metadata of BuildKit and the tags."""
    assert cli("render", "-o", "ci").returncode == 0
    done, output = act("Bake", published, push="true", builder="default", targets="default desktop\n")
    assert done.returncode == 0, done.stderr
    found = re.fullmatch(r"metadata<<(\w+)\n(.*)\n\1\ntags<<(\w+)\n(.*)\n\3\n", output, re.DOTALL)
    assert found, output
    assert rendered_target(published / "ci")["tags"] == found[4].splitlines()
    (metadata,) = (value for value in json.loads(found[2]).values() if "image.name" in value)
    assert metadata["image.name"] == found[4]
    assert registry_labels(found[4])["desktop-bake.schema"] == "1"


def test_action_packs_as_the_job_says(cli: Run, published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job's own `DESKTOP_BAKE_OUTPUT` has precedence, even if empty, as for a registry that refuses zstd."""
    for packed in ("zstd", "gzip"):
        if packed == "gzip":
            monkeypatch.setenv("DESKTOP_BAKE_OUTPUT", "")
        (published / "setup.sh").write_text(f"echo {packed} >/etc/configured\n")
        assert cli("render", "-o", "ci").returncode == 0
        done, _ = act("Bake", published, push="true", builder="default")
        assert done.returncode == 0, done.stderr
        (tag,) = rendered_target(published / "ci")["tags"]
        (image, *_) = raw(tag)["manifests"]
        manifest = raw(f"{tag.rpartition(':')[0]}@{image['digest']}")
        assert manifest["layers"][-1]["mediaType"].endswith(packed)


def test_action_refuses_a_push_that_is_neither(cli: Run, published: Path) -> None:
    """`push` is true or false: anything else fails the job instead of publishing nothing."""
    assert cli("render", "-o", "ci").returncode == 0
    done, _ = act("Bake", published, push="yes", builder="default")
    assert done.returncode == 2
    assert "push is true or false" in done.stdout


def test_action_skips_what_is_published(cli: Run, published: Path) -> None:
    """With `skip-published` a second run bakes nothing, and says so; anything but true or false fails the job."""
    assert cli("render", "-o", "ci").returncode == 0
    for skipped in (False, True):
        skip = {"skip-published": "true"}
        done, output = act("Bake", published, None, push="true", builder="default", **skip)
        assert done.returncode == 0, done.stderr
        assert ("every image is published" in done.stdout) is skipped
        assert ("metadata={}\ntags=\n" in output) is skipped
    done, _ = act("Bake", published, None, **{"skip-published": "maybe"})
    assert done.returncode == 2


def test_action_checks_the_folder(cli: Run, published: Path) -> None:
    """The action's check installs this checkout, passes a fresh folder, and fails a stale one with a diff, even in a
    job's container, whose user does not own the workspace."""
    assert cli("render", "-o", "ci").returncode == 0
    os.chown(published / "desktop-bake.toml", 65534, 65534)
    fresh, _ = act("Check that the folder is up to date", published)
    assert (fresh.returncode, fresh.stdout) == (0, ""), fresh.stderr
    (published / "setup.sh").write_text("echo other\n")
    stale, _ = act("Check that the folder is up to date", published, config="desktop-bake.toml")
    assert stale.returncode == 1
    assert "\n+echo other\n" in stale.stdout
    assert "run: desktop-bake render -o ci --config desktop-bake.toml" in stale.stderr
