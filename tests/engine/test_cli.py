"""The command line on a real engine: arguments, output and exit statuses."""

from __future__ import annotations

import json
import os
import platform
import shlex
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.bake_files import called_in
from tests.harness.project import base_name, copy_client

if TYPE_CHECKING:
    from tests.harness.project import Run


def labels_of(image: str) -> dict[str, str]:
    """An image's labels, as docker prints them."""
    done = subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=True)
    return dict(json.loads(done.stdout)[0]["Config"]["Labels"])


def test_miss_build_hit(cli: Run, project: Path) -> None:
    """A miss exits with 3; the build makes the image; then it is found by its labels, by its ID."""
    miss = cli("resolve", "--json")
    assert miss.returncode == 3, miss.stderr
    answer = json.loads(miss.stdout)
    assert answer["schema"] == 1
    assert answer["status"] == "miss"
    assert answer["image_id"] is None
    assert "[desktop-cache] miss: " in miss.stderr
    built = cli("build", "--json")
    assert built.returncode == 0, built.stderr
    (image,) = json.loads(built.stdout)["images"]
    assert image["status"] == "built"
    assert labels_of(image["image_id"])["desktop-bake.cache-key"] == answer["cache_key"]
    hit = cli("resolve", "--json")
    assert hit.returncode == 0
    assert json.loads(hit.stdout)["image_id"] == image["image_id"]
    assert "[desktop-cache] hit (local): " in hit.stderr
    again = cli("build")
    assert again.stdout.startswith("local-hit")


@pytest.mark.soak  # test_layer.py has a layer as well
def test_docker_builds_what_resolve_finds(cli: Run, project: Path) -> None:
    """`docker buildx bake desktop` in a rendered folder, and `resolve` finds what it built."""
    assert cli("render", "-o", "ci").returncode == 0
    done = subprocess.run(
        ["docker", "buildx", "bake", "desktop"],
        cwd=project / "ci",
        env=called_in(project / "ci"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(cli("resolve", "--json").stdout)["status"] == "local-hit"


def test_a_change_is_a_miss_with_its_reason(cli: Run, project: Path) -> None:
    """Changing one input changes exactly its part of the key and is reported, and a rebuild follows."""
    assert cli("build").returncode == 0
    before = json.loads(cli("key", "--json").stdout)["components"]
    for name, text, part, reason in (
        ("install.sh", "echo 1 > /etc/installed\n", "install", "install script changed"),
        ("setup.sh", "echo 2 > /etc/configured\n", "setup", "setup script changed"),
        (
            "desktop-bake.toml",
            '[environments.default.build_args]\nNEW = "1"\n',
            "dockerfile",
            "Dockerfile: build argument NEW added",
        ),
    ):
        content = (project / name).read_text()
        (project / name).write_text(content + text)
        after = json.loads(cli("key", "--json").stdout)["components"]
        assert {p for p in before if before[p] != after[p]} == {part}
        miss = cli("resolve")
        assert miss.returncode == 3
        assert f"[desktop-cache] miss: {reason}" in miss.stderr
        if part == "dockerfile":
            assert cli("build").stdout.startswith("built")
        (project / name).write_text(content)


def test_a_moved_base_is_a_miss(cli: Run, project: Path, base: str) -> None:
    """Another image under the base's name: another key, and a rebuild on the new one."""
    local = "desktop-bake-test-base:moving"
    config = project / "desktop-bake.toml"
    config.write_text(config.read_text().replace(base, local))
    try:
        subprocess.run(["docker", "tag", base, local], check=True)
        assert cli("build").stdout.startswith("built")
        dockerfile = f"FROM {base}\nLABEL moved=1\n".encode()
        subprocess.run(
            ["docker", "buildx", "build", "-q", "-t", local, "-"], input=dockerfile, check=True, capture_output=True
        )
        miss = cli("resolve")
        assert miss.returncode == 3
        assert "miss: base image changed" in miss.stderr
        assert cli("build").stdout.startswith("built")
    finally:
        subprocess.run(["docker", "image", "rm", "-f", local], capture_output=True, check=False)


def test_a_tag_without_the_labels_is_no_hit(cli: Run, project: Path, base: str) -> None:
    """An image whose tag has the key and whose labels do not is reported and built over."""
    tag = json.loads(cli("resolve", "--json").stdout)["image"]
    subprocess.run(["docker", "tag", base, tag], check=True)
    miss = cli("resolve")
    assert miss.returncode == 3
    assert "is not what its tag says" in miss.stderr
    assert cli("build").stdout.startswith("built")
    assert json.loads(cli("resolve", "--json").stdout)["status"] == "local-hit"


def test_setup_is_a_layer_of_its_own(cli: Run, project: Path) -> None:
    """Changing the setup script does not run the install script again."""
    (project / "install.sh").write_text("date +%s%N > /etc/installed\n")
    stamps = []
    for text in ("echo 1\n", "echo 2\n"):
        (project / "setup.sh").write_text(text)
        image = json.loads(cli("build", "--json").stdout)["images"][0]["image_id"]
        done = subprocess.run(
            ["docker", "run", "--rm", image, "cat", "/etc/installed"], capture_output=True, check=True
        )
        stamps.append(done.stdout)
    assert stamps[0] == stamps[1]


def test_disabled(cli: Run, project: Path) -> None:
    """With the toggle off nothing is looked up and nothing is built."""
    config = project / "desktop-bake.toml"
    config.write_text(config.read_text().replace("cache_desktop_build = true", ""))
    answer = cli("resolve", "--json")
    assert answer.returncode == 0
    assert json.loads(answer.stdout)["status"] == "disabled"
    built = cli("build")
    assert built.returncode == 0
    assert (
        "nothing to build for default: cache_desktop_build is off\n  switch it on: desktop-bake env set" in built.stderr
    )


def test_failed_build(cli: Run, project: Path) -> None:
    """A failed build is one line with the script's own words, a remedy, exit status 6, and no image."""
    (project / "setup.sh").write_text("echo boom-boom; exit 9\n")
    failed = cli("build")
    assert failed.returncode == 6
    assert failed.stderr.endswith("error: build failed: the setup script ended with status 9\n  it said: boom-boom\n")
    assert cli("resolve").returncode == 3


def test_time_limit_stops_buildkit(cli: Run, project: Path) -> None:
    """At the limit the build ends in BuildKit too: its running step is gone."""
    own = f"{10**6 + os.getpid()}"  # others may run this test on the same engine
    (project / "setup.sh").write_text(f"exec sleep {own}\n")
    with ThreadPoolExecutor(1) as pool:
        started = time.monotonic()
        build = pool.submit(cli, "build", "--timeout", "6")
        ran = until(lambda: sleeping(own) or build.done(), 40) and not build.done()
        done = build.result()
    assert ran, done.stderr
    assert done.returncode == 124, done.stderr
    assert 6 <= time.monotonic() - started < 40
    assert until(lambda: not sleeping(own), 15)


def until(true: Callable[[], bool], limit_s: float) -> bool:
    """Wait until something is true; return whether that happened in time."""
    end = time.monotonic() + limit_s
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def sleeping(seconds: str) -> bool:
    """Whether a build step that sleeps this long runs on this machine."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if entry.read_bytes() == f"sleep\0{seconds}\0".encode():
                return True
        except OSError:
            continue
    return False


def test_render_check(cli: Run, project: Path) -> None:
    """`--check` is silent if the folder is fresh, and exits with 1, the cause and a diff if it is stale."""
    assert cli("render", "-o", "ci").returncode == 0
    fresh = cli("render", "-o", "ci", "--check")
    assert (fresh.returncode, fresh.stdout) == (0, "")
    (project / "setup.sh").write_text("echo other\n")
    stale = cli("render", "-o", "ci", "--check")
    assert stale.returncode == 1
    assert stale.stdout.startswith("setup script of default changed\n\n--- ci/context/default/desktop_setup.sh\n")
    assert "-echo configured > /etc/configured\n" in stale.stdout
    assert "+echo other\n" in stale.stdout
    assert stale.stderr.splitlines() == ["error: ci is stale", "  run: desktop-bake render -o ci"]
    assert cli("render", "-o", "ci").returncode == 0
    assert cli("render", "-o", "ci", "--check").returncode == 0


def test_render_check_as_json(cli: Run, project: Path) -> None:
    """`--check --json` reports the same as one object, also for a fresh folder; without `--check` it is refused."""
    assert cli("render", "-o", "ci").returncode == 0
    fresh = json.loads(cli("render", "-o", "ci", "--check", "--json").stdout)
    assert fresh == {
        "schema": 1,
        "folder": "ci",
        "stale": False,
        "causes": [],
        "diffs": [],
        "files": [],
        "others": [],
    }
    (project / "setup.sh").write_text("echo other\n")
    done = cli("render", "-o", "ci", "--check", "--json")
    stale = json.loads(done.stdout)
    assert (done.returncode, stale["stale"]) == (1, True)
    assert [cause["said"] for cause in stale["causes"]] == ["setup script of default changed"]
    assert done.stderr.splitlines() == ["error: ci is stale", "  run: desktop-bake render -o ci"]
    refused = cli("render", "-o", "ci", "--json")
    assert refused.returncode == 2
    assert "run: desktop-bake render -o DIR --check --json" in refused.stderr


def test_render_needs_no_engine(cli: Run, project: Path) -> None:
    """If nothing answers at DOCKER_HOST, the registry gives the base's digest, or if it may not, the folder does."""
    nobody = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
    made = cli("render", "-o", "ci", **nobody)
    assert made.returncode == 0, made.stderr
    assert cli("render", "-o", "ci", "--check").returncode == 0
    never = cli("render", "-o", "ci", "--check", "--pull", "never", **nobody)
    assert (never.returncode, never.stderr) == (0, "")
    unknown = cli("render", "-o", "other", "--pull", "never", **nobody)
    assert unknown.returncode == 5
    assert "is not in the local store, and pull is 'never'" in unknown.stderr


def test_render_check_tells_the_file(cli: Run, project: Path) -> None:
    """A file that is missing, changed, added or of a wrong mode is one line, and the remedy repeats the flags."""
    words = ("render", "default", "-o", "ci", "--config", "desktop-bake.toml")
    assert cli(*words).returncode == 0
    context = project / "ci/context/default"
    (context / "desktop_install.sh").unlink()
    (context / "desktop_setup.sh").chmod(0o755)
    (context / "Dockerfile").write_bytes(b"\x00\xff\x1b[31m")
    (context / "deep").mkdir()
    (context / "deep" / "added").write_text("")
    done = cli(*words, "--check")
    place = f"ci/context/{context.name}"
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "context/default/Dockerfile was edited after it was rendered",
        "context/default/desktop_install.sh was removed after it was rendered",
        "context/default/desktop_setup.sh has another mode than it was rendered with",
        "",
        "binary: no lines to compare",
        "",
        f"stale: {place}/Dockerfile: content",
        f"missing: {place}/desktop_install.sh",
        f"stale: {place}/desktop_setup.sh: must not be executable",
        f"extra: {place}/deep/added: not known to be rendered",
    ]
    assert "  run: desktop-bake render default -o ci --config desktop-bake.toml\n" in done.stderr
    assert cli(*words).returncode == 0
    assert cli(*words, "--check").stdout == f"extra: {place}/deep/added: not known to be rendered\n"


@pytest.mark.parametrize(
    "flags",
    [
        ["--environments", "of runner.json", "render", "-o", "out/it's here"],
        [
            "render",
            "-oci",
            "--environments=of runner.json",
            "--pull",
            "missing",
            "--cache=registry",
            "--builder=default",
        ],
        ["render", "--attest", "type=sbom", "--attest=type=provenance,mode=max", "-o", "ci", "default"],
        ["render", "--repository", "registry.example.com/team/desktop", "-q", "-o", "ci", "--", "default"],
    ],
    ids=" ".join,
)
def test_render_check_tells_the_command(cli: Run, project: Path, flags: list[str]) -> None:
    """Typed into a shell, the remedy renders exactly the checked folder: it has every flag of the check."""
    own = {"env_id": "default", "headless_desktop_enabled": True, "base_image": base_name()}
    (project / "of runner.json").write_text(json.dumps(own))
    for abbreviated in ("--chec", "--check"):
        verb = flags.index("render") + 1
        stale = cli(*flags[:verb], abbreviated, *flags[verb:])
        assert stale.returncode == 1, stale.stderr
        command = stale.stderr.splitlines()[-1].removeprefix("  run: ")
        assert abbreviated not in command
    variables = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(["bash", "-c", command], cwd=project, env=variables, check=True, capture_output=True)
    fresh = cli(*flags[:verb], "--check", *flags[verb:])
    assert (fresh.returncode, fresh.stdout) == (0, "")


def test_render_check_is_coloured_on_a_terminal_alone(cli: Run, project: Path) -> None:
    """Colours appear only on a terminal without NO_COLOR; a file's content never reaches the terminal raw."""
    assert cli("render", "-o", "ci").returncode == 0
    with (project / "ci" / "docker-bake.hcl").open("a") as file:
        file.write("\033[2J")
    command = f"{sys.executable} -m desktop_bake render -o ci --check"
    said = {}
    for colour in ("TERM=xterm ", "NO_COLOR=1 "):
        terminal = subprocess.run(
            ["script", "-qec", f"{colour}{command}", "/dev/null"],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
        assert terminal.returncode == 1, terminal.stdout
        said[colour] = terminal.stdout
    assert "\033[31m-\\x1b[2J\033[0m\n" in said["TERM=xterm "].replace("\r", "")
    assert "\n\\ No newline at end of file" in said["TERM=xterm "].replace("\r", "")
    assert "\033" not in said["NO_COLOR=1 "]
    assert "-\\x1b[2J\n" in said["NO_COLOR=1 "].replace("\r", "")
    assert "\033" not in cli("render", "-o", "ci", "--check").stdout


def test_render_stays_in_its_folder(cli: Run, project: Path) -> None:
    """A symbolic link in the folder cannot lead a write out of it."""
    (project / "elsewhere").mkdir()
    (project / "ci").mkdir()
    (project / "ci" / "context").symlink_to(project / "elsewhere")
    done = cli("render", "-o", "ci")
    assert done.returncode == 2
    assert list((project / "elsewhere").iterdir()) == []


def test_render_removes_nothing_outside_its_folder(cli: Run, project: Path) -> None:
    """A symbolic link in place of an old context is reported; it and its target stay."""
    assert cli("render", "-o", "ci").returncode == 0
    (project / "elsewhere").mkdir()
    (project / "elsewhere" / "precious").write_text("")
    (context,) = (project / "ci" / "context").iterdir()
    link = context.with_name(json.loads(cli("key", "--json").stdout)["cache_key"])
    link.symlink_to(project / "elsewhere")
    assert f"extra: ci/context/{link.name}: " in cli("render", "-o", "ci", "--check").stdout
    assert cli("render", "-o", "ci").returncode == 0
    assert link.is_symlink()
    assert (project / "elsewhere" / "precious").is_file()


def test_version(cli: Run) -> None:
    """`--version` prints the version of pyproject.toml."""
    about = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert cli("--version").stdout == f"desktop-bake {about['version']}\n"


def test_init(cli: Run, project: Path) -> None:
    """`init` writes a file that loads, and never touches an existing one."""
    assert cli("init").returncode == 2
    assert cli("init", "--config", "new.toml", "--base-image", "a:b").returncode == 0
    # a base without a registry is refused there, which takes no engine
    assert cli("render", "--config", "new.toml", DOCKER_HOST="unix:///nowhere").returncode == 5
    assert (project / "new.toml").stat().st_mode & 0o777 == 0o644


def test_init_is_cut_off(project: Path) -> None:
    """If the file cannot be written completely, nothing is left, not even an empty one that blocks the next try."""
    words = f"ulimit -f 0; exec {sys.executable} -m desktop_bake init --config new.toml"
    done = subprocess.run(["bash", "-c", words], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "error: cannot write new.toml: File too large" in done.stderr
    assert not [*project.glob("*new.toml*"), *project.glob(".*new.toml*")]


REFUSALS = {
    "unknown environment": (["resolve", "defalt"], "", 2, "did you mean 'default'?"),
    "unknown key": (["resolve"], "repositry = 'a'\n", 2, "did you mean 'repository'?"),
    "invalid TOML": (["resolve"], "a = \n", 2, "line 1"),
    "malformed reference": (["resolve", "e"], "[environments.e]\nbase_image = 'UPPER CASE'\n", 2, "UPPER CASE"),
    "malformed digest": (["resolve", "e"], "[environments.e]\nbase_image = 'a@sha256:1'\n", 2, "malformed digest"),
    "long tag": (["resolve", "e"], f"[environments.e]\nbase_image = 'a:{'t' * 129}'\n", 2, "129"),
    "wrong type": (["resolve", "e"], "[environments.e]\nbase_image = 1\n", 2, "base_image"),
    "no base": (["resolve", "e"], "[environments.e]\n", 2, "base_image is missing"),
    "unknown flag": (["resolve", "--jsn"], "", 2, "did you mean '--json'?"),
    "unknown command": (["resolv"], "", 2, "unknown command 'resolv'"),
    "a repository's tag": (["key", "--repository", "a.example/b:1"], "", 2, "has a tag or a digest"),
    "bad limit": (["build", "--timeout", "0"], "", 2, "positive"),
    "no such config": (["resolve", "--config", "no.toml"], "", 2, "no.toml"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals(case: str, cli: Run, project: Path) -> None:
    """Bad input is one line and a remedy, with its exit status."""
    words, text, status, says = REFUSALS[case]
    config = project / "desktop-bake.toml"
    own = config.read_text()
    config.write_text(own + text if text.startswith("[") else text + own)
    done = cli(*words)
    assert done.returncode == status
    assert done.stdout == ""
    error, remedy = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert remedy.startswith("  ")
    assert says in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("setup.sh", None, "cannot read setup.sh"),
        ("setup.sh", b"", "is empty"),
        ("install.sh", b"echo\r\necho\r\n", "CRLF"),
        ("Dockerfile", b"FROM scratch\n", "FROM base"),
    ],
)
def test_recipe_refusals(cli: Run, project: Path, name: str, content: bytes | None, says: str) -> None:
    """A wrong recipe never falls back: exit status 2, also for `run`."""
    config = project / "desktop-bake.toml"
    if name == "Dockerfile":
        config.write_text(config.read_text() + 'dockerfile = "Dockerfile"\n')
    if content is None:
        (project / name).unlink()
    else:
        (project / name).write_bytes(content)
    for words in (["build"], ["run", "--", "true"]):
        done = cli(*words)
        assert done.returncode == 2
        assert says in done.stderr


def test_missing_base(cli: Run, project: Path, base: str) -> None:
    """A base image that exists nowhere is named."""
    config = project / "desktop-bake.toml"
    config.write_text(config.read_text().replace(base, base.replace("small:", "no-such-image:")))
    done = cli("resolve")
    assert done.returncode == 2
    assert "no-such-image" in done.stderr


def test_engine_down(cli: Run, project: Path) -> None:
    """Without an engine: exit status 4 and a remedy."""
    done = cli("resolve", DOCKER_HOST="unix:///nowhere/docker.sock")
    assert done.returncode == 4
    assert "no Docker Engine answers" in done.stderr


def test_buildx_missing(cli: Run, project: Path, tmp_path: Path) -> None:
    """Without buildx: exit status 4 and what to install."""
    (tmp_path / "empty").mkdir()
    done = cli("build", DOCKER_CONFIG=str(tmp_path / "empty"), HOME=str(tmp_path))
    assert done.returncode == 4, done.stderr
    assert "buildx is missing" in done.stderr


def test_buildx_too_old(cli: Run, project: Path, tmp_path: Path) -> None:
    """A buildx too old for our bake files: exit status 4, its version, and what to install; `run` falls back."""
    plugin = tmp_path / "docker" / "cli-plugins" / "docker-buildx"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(
        """#!/bin/sh
case $1 in
  docker-cli-plugin-metadata) echo '{"SchemaVersion": "0.1.0", "Vendor": "Docker Inc.", "Version": "v0.9.1"}' ;;
  *) echo "github.com/docker/buildx v0.9.1 ed00243" ;;
esac
"""
    )
    plugin.chmod(0o755)
    done = cli("build", DOCKER_CONFIG=str(tmp_path / "docker"))
    assert done.returncode == 4, done.stderr
    assert "buildx v0.9.1 is too old" in done.stderr
    assert "0.13 or newer" in done.stderr


def client_that(first: str, folder: Path) -> str:
    """The folder of a docker client whose buildx first does this."""
    plugins = '{{range .ClientInfo.Plugins}}{{if eq .Name "buildx"}}{{.Path}}{{end}}{{end}}'
    real = subprocess.run(["docker", "info", "-f", plugins], capture_output=True, text=True, check=True).stdout.strip()
    plugin = copy_client(folder) / "cli-plugins" / "docker-buildx"
    plugin.parent.mkdir(exist_ok=True)
    plugin.unlink(missing_ok=True)
    plugin.write_text(f'#!/bin/sh\n{first}\nexec {real} "$@"\n')
    plugin.chmod(0o755)
    return str(folder)


@pytest.mark.parametrize(("said", "status"), [("failed to get dead record abc: not found", 0), ("other", 6)])
def test_a_record_that_was_collected(cli: Run, project: Path, tmp_path: Path, said: str, status: int) -> None:
    """A build that BuildKit's own garbage collection broke is tried once more, even if no cache is imported."""
    client = client_that(
        f"""case " $* " in *" bake "*)
  if mkdir {tmp_path}/failed 2>/dev/null; then
    echo 'ERROR: target desktop: failed to solve: Internal: {said}' >&2
    exit 1
  fi ;;
esac""",
        tmp_path / "docker",
    )
    done = cli("build", "--cache", "none", DOCKER_CONFIG=client)
    assert done.returncode == status, done.stderr
    assert ("; once more" in done.stderr) == (status == 0)
    assert cli("resolve").returncode == (3 if status else 0)


@pytest.mark.parametrize("status", [0, 6])
@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipe"])
def test_a_build_is_one_bake(project: Path, tmp_path: Path, terminal: bool, status: int) -> None:
    """A build calls buildx to bake once, even on a terminal, on which buildx draws."""
    (project / "setup.sh").write_text(f"echo {tmp_path} >/etc/configured\nexit {status}\n")
    client = client_that(f'echo " $* " >>{tmp_path}/asked', tmp_path / "docker")
    command = [sys.executable, "-m", "desktop_bake", "build"]
    done = subprocess.run(
        ["script", "-qec", shlex.join(command), "/dev/null"] if terminal else command,
        cwd=project,
        env={**os.environ, "DOCKER_CONFIG": client},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert (tmp_path / "asked").read_text().count(" bake ") == 1
    assert ("\033[1A" in done.stdout) == terminal  # the cursor goes up: a picture, not lines


def test_an_image_for_another_platform_is_no_hit(cli: Run, project: Path) -> None:
    """An image with right labels that is for another kind of machine is reported and built over."""
    other = "arm64" if platform.machine() == "x86_64" else "amd64"
    answer = json.loads(cli("resolve", "--json").stdout)
    assert cli("build").returncode == 0
    labels = labels_of(answer["image"])
    assert cli("resolve").returncode == 0
    subprocess.run(["docker", "image", "rm", "-f", answer["image"]], check=True, capture_output=True)
    flags = [part for name, value in labels.items() for part in ("--label", f"{name}={value}")]
    subprocess.run(
        ["docker", "buildx", "build", "--load", "--platform", f"linux/{other}", "-t", answer["image"], *flags, "-"],
        input=b"FROM scratch\nENV A=1\n",
        check=True,
        capture_output=True,
    )
    miss = cli("resolve")
    assert miss.returncode == 3
    assert f"is for linux/{other}" in miss.stderr
    assert cli("build").stdout.startswith("built")
    assert cli("resolve").returncode == 0


def test_interrupt(cli: Run, project: Path) -> None:
    """Ctrl-C in a build: exit status 130, the build is over, nothing is left behind."""
    (project / "setup.sh").write_text("exec sleep 98765\n")
    process = subprocess.Popen([sys.executable, "-m", "desktop_bake", "build"], cwd=project, stderr=subprocess.PIPE)
    assert process.stderr
    for line in process.stderr:
        if b"desktop_setup.sh" in line:
            break
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert list((Path(os.environ["XDG_CACHE_HOME"]) / "desktop-bake").glob("bake-*")) == []
