"""A rendered folder: plain Docker refuses to bake one that was changed, and `render` touches in it what is ours."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from desktop_bake.bake.build.rendered_folder import ALSO_READ, LIST

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.project import Run


def bake(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What plain Docker says to a rendered folder."""
    return subprocess.run(
        ["docker", "buildx", "bake", "-f", "docker-bake.hcl", "desktop", "--progress", "plain", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=300,
    )


def the_file(folder: Path, name: str) -> Path:
    """The one file of this name in a rendered folder; of a Dockerfile the desktop's, of a preflight's its own."""
    context = "*-p*" if name.startswith("preflight/") else "*-*-*-*-*"
    found = [
        f
        for f in folder.glob(f"context/{context}/{name.removeprefix('preflight/')}")
        if ("-p" in f.parent.name) == name.startswith("preflight/")
    ]
    assert len(found) == 1
    return found[0]


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
    """A script or Dockerfile that was edited, or whose line ends were converted, fails plain Docker by its name, and no
    image has the key."""
    file = the_file(rendered, name)
    content = file.read_bytes()
    file.write_bytes(content + b"# edited\n" if change == "edit" else content.replace(b"\n", b"\r\n"))
    done = bake(rendered, "--load")
    assert done.returncode == 1
    said = f"[desktop] {file.name} was changed after it was rendered; run desktop-bake render"
    assert said in done.stderr
    assert not tags_of(rendered, file.parent.name)


def test_what_was_rendered_is_baked(rendered: Path) -> None:
    """The same folder, as it was rendered, bakes desktop and preflight."""
    done = bake(rendered, "--load")
    assert done.returncode == 0, done.stderr
    desktop, preflight = (context.name for context in (rendered / "context").iterdir() if context.is_dir())
    assert tags_of(rendered, desktop)
    assert tags_of(rendered, preflight)


def tags_of(rendered: Path, key: str) -> str:
    """The images that have a key, by the repository that the bake file names."""
    (name,) = {
        line.strip().strip('",')
        for line in (rendered / "docker-bake.hcl").read_text().splitlines()
        if line.strip().endswith(f':{key}",')
    }
    done = subprocess.run(["docker", "image", "ls", "-q", name], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_render_removes_what_it_rendered_alone(cli: Run, project: Path) -> None:
    """Of a key that nobody has any more, what was rendered goes; a file that was edited, a file that somebody put there
    and a folder that only looks like ours stay, and are told."""
    assert cli("render", "-o", "ci").returncode == 0
    (context,) = (project / "ci/context").iterdir()
    edited, added, own = context / "desktop_setup.sh", context / "notes", project / "ci/context/my-own-data-lies-here/x"
    edited.write_text("echo edited\n")
    added.write_text("mine")
    own.parent.mkdir()
    own.write_text("mine")
    (project / "setup.sh").write_text("echo other\n")
    done = cli("render", "-o", "ci")
    assert done.returncode == 0, done.stderr
    assert sorted(context.iterdir()) == [edited, added]
    assert own.read_text() == "mine"
    for path in (edited, added):
        assert f"WARNING: {path.relative_to(project)} stays" in done.stderr
    check = cli("render", "-o", "ci", "--check")
    told = {f"extra: {path.relative_to(project)}: not known to be rendered" for path in (edited, added)}
    assert (check.returncode, set(check.stdout.splitlines())) == (1, told)
    assert "ci holds what was not rendered" in check.stderr
    edited.unlink()
    added.unlink()
    assert cli("render", "-o", "ci", "--check").returncode == 0


def test_a_folder_that_an_earlier_version_rendered(cli: Run, project: Path) -> None:
    """Without a list, a build context goes that holds what its name, the key, was computed from; any other stays."""
    config = project / "desktop-bake.toml"
    config.write_text(config.read_text() + 'build_args = { A = "1" }\nplatforms = ["linux/amd64"]\n')
    assert cli("render", "-o", "ci").returncode == 0
    (first,) = (project / "ci/context").iterdir()
    for setup, edited in (("echo two\n", False), ("echo three\n", True)):
        before = set((project / "ci/context").iterdir())
        (project / "ci" / LIST).unlink()
        if edited:
            (last,) = before
            (last / "Dockerfile").write_text("FROM base\nRUN echo mine\n")
        (project / "setup.sh").write_text(setup)
        done = cli("render", "-o", "ci")
        assert done.returncode == 0, done.stderr
        assert not first.exists()
    assert (last / "Dockerfile").read_text().endswith("mine\n")
    assert f"WARNING: {(last / 'Dockerfile').relative_to(project)} stays" in done.stderr


@pytest.mark.parametrize("name", ["docker-bake.hcl", "check/Dockerfile"])
def test_render_replaces_nothing_of_others(cli: Run, project: Path, name: str) -> None:
    """A file of somebody else where one of ours would go is not replaced, and nothing is written beside it."""
    path = project / "ci" / name
    path.parent.mkdir(parents=True)
    path.write_text('target "mine" {}\n')
    done = cli("render", "-o", "ci")
    assert done.returncode == 2
    assert f"error: ci/{name} is not ours, and would be replaced\n  render into a folder of its own" in done.stderr
    assert contents(project / "ci") == {name: b'target "mine" {}\n'}


@pytest.mark.parametrize("name", ALSO_READ)
def test_check_tells_what_bake_reads_besides(cli: Run, project: Path, name: str) -> None:
    """A file beside ours that Docker's own client reads, too, is told when a folder is rendered and checked."""
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


def test_git_leaves_every_byte(cli: Run, project: Path) -> None:
    """A clone that converts line ends has every file as it was rendered, as `sha256sum` finds by the list; pictures and
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
    """Somebody's own `.gitattributes` stays; what it lacks is told until it is there."""
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
