"""A rendered folder: plain Docker refuses a changed one, and `render` touches only our files in it."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Digest
from desktop_bake.bake.build.rendered_folder import ALSO_READ, LIST
from tests.harness.bake_files import called_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.project import Run


def bake(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Plain Docker's output for a rendered folder."""
    return subprocess.run(
        ["docker", "buildx", "bake", "-f", "docker-bake.hcl", "desktop", "--progress", "plain", *words],
        cwd=folder,
        env=called_in(folder),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=300,
    )


def the_file(folder: Path, name: str) -> Path:
    """The file of this name in a rendered folder: the desktop's, or the preflight's."""
    context = "preflight-default" if name.startswith("preflight/") else "default"
    return folder / "context" / context / name.removeprefix("preflight/")


@pytest.fixture
def rendered(cli: Run, project: Path) -> Path:
    """A rendered folder with a desktop and a preflight on it."""
    (project / "preflight.sh").write_text("echo preflight > /etc/preflight\n")
    config = project / "desktop-bake.toml"
    config.write_text(config.read_text() + 'preflight_script = "preflight.sh"\n')
    done = cli("render", "-o", "ci")
    assert done.returncode == 0, done.stderr
    return project / "ci"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("Dockerfile", "edit"),
        ("desktop_install.sh", "line ends"),
        ("desktop_setup.sh", "edit"),
        ("preflight/Dockerfile", "line ends"),
        ("preflight/preflight.sh", "edit"),
    ],
)
def test_a_changed_file_is_not_baked(rendered: Path, name: str, change: str) -> None:
    """An edited script or Dockerfile, or one with converted line ends, fails plain Docker by its name, and no image has
    the key."""
    file = the_file(rendered, name)
    content = file.read_bytes()
    file.write_bytes(content + b"# edited\n" if change == "edit" else content.replace(b"\n", b"\r\n"))
    done = bake(rendered, "--load")
    assert done.returncode == 1
    said = f"[desktop] {file.name} was changed after it was rendered; run desktop-bake render"
    assert said in done.stderr
    assert not images_of(rendered, "preflight-default" if "preflight" in name else "desktop-default")


def test_what_was_rendered_is_baked(rendered: Path) -> None:
    """The same folder, as it was rendered, bakes desktop and preflight."""
    done = bake(rendered, "--load")
    assert done.returncode == 0, done.stderr
    assert images_of(rendered, "desktop-default")
    assert images_of(rendered, "preflight-default")


def images_of(rendered: Path, target: str) -> str:
    """The images that have a target's tag."""
    words = ["docker", "buildx", "bake", "-f", "docker-bake.hcl", "--print", target]
    plan = subprocess.run(words, cwd=rendered, env=called_in(rendered), capture_output=True, check=True)
    (name,) = json.loads(plan.stdout)["target"][target]["tags"]
    done = subprocess.run(["docker", "image", "ls", "-q", name], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_render_removes_what_it_rendered_alone(cli: Run, project: Path) -> None:
    """The rendered files of a removed environment go; an edited file, a file that somebody put there and a foreign
    folder stay, and the first two are reported."""
    assert cli("render", "-o", "ci").returncode == 0
    context = project / "ci/context/default"
    edited, added, own = context / "desktop_setup.sh", context / "notes", project / "ci/context/my-own-data-lies-here/x"
    edited.write_text("echo edited\n")
    added.write_text("mine")
    own.parent.mkdir()
    own.write_text("mine")
    config = project / "desktop-bake.toml"
    config.write_text(config.read_text().replace("[environments.default]", "[environments.office]"))
    done = cli("render", "-o", "ci")
    assert done.returncode == 0, done.stderr
    assert sorted(context.iterdir()) == [edited, added]
    assert len(list((project / "ci/context/office").iterdir())) == 3
    assert own.read_text() == "mine"
    for path in (edited, added):
        assert f"WARNING: {path.relative_to(project)} stays" in done.stderr
    edited.unlink()
    added.unlink()
    context.rmdir()
    assert cli("render", "-o", "ci", "--check").returncode == 0


def test_a_file_that_somebody_put_into_a_context(cli: Run, project: Path) -> None:
    """A file added to the build context of an existing environment is reported, and stays."""
    assert cli("render", "-o", "ci").returncode == 0
    added = project / "ci/context/default/deep/notes"
    added.parent.mkdir()
    added.write_text("mine")
    check = cli("render", "-o", "ci", "--check")
    assert check.returncode == 1
    assert "extra: ci/context/default/deep/notes: not known to be rendered\n" in check.stdout
    assert "ci contains files that were not rendered" in check.stderr
    assert "WARNING: ci/context/default/deep/notes stays" in cli("render", "-o", "ci").stderr


def as_before(project: Path, cli: Run, *, listed: bool) -> Path:
    """Turn a rendered folder into one of earlier versions: contexts are named after keys; return the context."""
    key = json.loads(cli("key", "--json").stdout)["cache_key"]
    folder = project / "ci"
    context = (folder / "context/default").rename(folder / "context" / key)
    text = (folder / "docker-bake.hcl").read_text().replace("${DESKTOP_BAKE_FOLDER}/context/default", f"context/{key}")
    (folder / "docker-bake.hcl").write_text(text.replace("desktop-default", f"desktop-{key}"))
    lines = (folder / LIST).read_text().replace("  context/default/", f"  context/{key}/")
    lines = re.sub(".*  docker-bake.hcl", f"{sha256(text)}  docker-bake.hcl", lines)
    (folder / LIST).unlink()
    if listed:
        (folder / LIST).write_text(lines)
    return context


def sha256(text: str) -> str:
    """The digest of a text, as in a folder's list."""
    return Digest.of(text.encode()).hex


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("change", ["nothing", "a script", "by hand"])
def test_a_folder_that_an_earlier_version_rendered(cli: Run, project: Path, change: str, listed: bool) -> None:
    """Rendering over it leaves none of its files, whether it has a list of rendered files or only each context's key;
    but an edited file stays and is reported."""
    config = project / "desktop-bake.toml"
    config.write_text(config.read_text() + 'build_args = { A = "1" }\nplatforms = ["linux/amd64"]\n')
    assert cli("render", "-o", "ci").returncode == 0
    context = as_before(project, cli, listed=listed)
    if change == "a script":
        (project / "setup.sh").write_text("echo two\n")
    elif change == "by hand":
        (context / "Dockerfile").write_text("FROM base\nRUN echo mine\n")
    done = cli("render", "-o", "ci")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (project / "ci/context/default").iterdir()} == {
        "Dockerfile",
        "desktop_install.sh",
        "desktop_setup.sh",
    }
    if change == "by hand":
        assert (context / "Dockerfile").read_text().endswith("mine\n")
        assert f"WARNING: {(context / 'Dockerfile').relative_to(project)} stays" in done.stderr
    else:
        assert [path.name for path in (project / "ci/context").iterdir()] == ["default"]
        assert cli("render", "-o", "ci", "--check").returncode == 0
    assert context.name not in (project / "ci" / LIST).read_text()


@pytest.mark.parametrize("name", ["docker-bake.hcl", "check/Dockerfile", "context/default/Dockerfile"])
def test_render_replaces_nothing_of_others(cli: Run, project: Path, name: str) -> None:
    """Somebody else's file in the place of ours is not replaced, and nothing is written beside it."""
    path = project / "ci" / name
    path.parent.mkdir(parents=True)
    path.write_text('target "mine" {}\n')
    done = cli("render", "-o", "ci")
    assert done.returncode == 2
    assert f"error: ci/{name} is not ours, and would be replaced\n  render into a folder of its own" in done.stderr
    assert contents(project / "ci") == {name: b'target "mine" {}\n'}


@pytest.mark.parametrize("name", ALSO_READ)
def test_check_tells_what_bake_reads_besides(cli: Run, project: Path, name: str) -> None:
    """A file beside ours that Docker's own client reads too is reported by render and `--check`."""
    assert cli("render", "-o", "ci").returncode == 0
    path = project / "ci" / name
    added = {"target": {"added": {"dockerfile": "x"}}, "services": {"added": {"build": "."}}}
    path.write_text('target "added" {}' if name.endswith("hcl") else json.dumps(added))
    words = ["docker", "buildx", "bake", "--print", "added"]
    assert subprocess.run(words, cwd=path.parent, capture_output=True, check=False).returncode == 0
    words[3:3] = ["-f", "docker-bake.hcl"]
    assert subprocess.run(words, cwd=path.parent, capture_output=True, check=False).returncode == 1
    done = cli("render", "-o", "ci", "--check")
    assert (done.returncode, done.stdout) == (1, f"extra: ci/{name}: Bake reads it as well\n")
    assert f"WARNING: Bake reads ci/{name} as well" in cli("render", "-o", "ci").stderr


def test_git_leaves_every_byte(cli: Run, project: Path, local_cache: None) -> None:
    """A clone that converts line ends has every file as rendered, as `sha256sum` confirms by the list; pictures and
    caches are not for Git."""
    assert cli("render", "-o", "ci").returncode == 0
    (project / "ci/pictures").mkdir()
    (project / "ci/pictures/x.png").write_text("x")
    identity = ["git", "-c", "user.name=ci", "-c", "user.email=ci@example.com"]
    for words in (
        ["git", "init", "-q"],
        ["git", "add", "ci"],
        [*identity, "commit", "-qm", "rendered"],
        ["git", "clone", "-q", "-c", "core.autocrlf=true", ".", "clone"],
    ):
        subprocess.run(words, cwd=project, check=True, capture_output=True)
    (project / "ci/pictures/x.png").unlink()
    clone = project / "clone/ci"
    assert contents(clone) == contents(project / "ci")
    subprocess.run(["sha256sum", "--check", "--quiet", "--strict", LIST], cwd=clone, check=True)


def test_files_for_git_that_others_wrote(cli: Run, project: Path) -> None:
    """Somebody's own `.gitattributes` stays; what it lacks is reported until it is there."""
    attributes = project / "ci/.gitattributes"
    attributes.parent.mkdir()
    attributes.write_text("*.png binary\n")
    done = cli("render", "-o", "ci")
    assert done.returncode == 0
    assert "WARNING: ci/.gitattributes stays as it is: add to it '* -text'" in done.stderr
    check = cli("render", "-o", "ci", "--check")
    assert (check.returncode, check.stdout) == (1, "stale: ci/.gitattributes: lacks the line '* -text'\n")
    attributes.write_text("*.png binary\n* -text\n")
    assert cli("render", "-o", "ci", "--check").returncode == 0
    assert cli("render", "-o", "ci").returncode == 0
    assert attributes.read_text() == "*.png binary\n* -text\n"
