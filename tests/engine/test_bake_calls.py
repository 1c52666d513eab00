"""A rendered folder, as people call Bake: in the root or the folder, by a Git address, with variables set."""

from __future__ import annotations

import contextlib
import json
import os
import socketserver
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.bake_files import called_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.project import Run


def bake(folder: Path, *words: str, **variables: str) -> str:
    """The output of `docker buildx bake`, called by a shell in a folder."""
    done = subprocess.run(
        ["docker", "buildx", "bake", *words],
        cwd=folder,
        env=called_in(folder, **variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def plan(folder: Path, *words: str, **variables: str) -> dict[str, Any]:
    """The targets that it would build."""
    return dict(json.loads(bake(folder, *words, "--print", **variables))["target"])


@pytest.fixture
def rendered(cli: Run, project: Path, local_cache: None) -> Path:
    """A folder `ci` in a repository, with two environments."""
    config = project / "desktop-bake.toml"
    text = config.read_text()
    (_, table) = text.split("[environments.default]\n")
    config.write_text(f'{text}[environments.office]\n{table}build_args = {{ A = "1" }}\n')
    done = cli("render", "-o", "ci")
    assert done.returncode == 0, done.stderr
    return project / "ci"


@pytest.mark.parametrize(
    ("where", "words", "variables"),
    [
        (".", ("-f", "ci/docker-bake.hcl"), {}),
        ("ci", ("-f", "docker-bake.hcl"), {}),
        ("ci", (), {}),
        ("deep/below", ("-f", "../../ci/docker-bake.hcl", "--allow=fs=*"), {"DESKTOP_BAKE_FOLDER": "../../ci"}),
        ("ci", (), {"PWD": "/elsewhere", "DESKTOP_BAKE_FOLDER": "."}),
        ("ci", (), {"PWD": ""}),
    ],
    ids=["root", "within", "within, without -f", "elsewhere", "no shell", "no PWD"],
)
def test_calls(
    where: str, words: tuple[str, ...], variables: dict[str, str], rendered: Path, cli: Run, tmp_path: Path
) -> None:
    """Each call builds exactly the images that `resolve` finds, from the same contexts."""
    folder = tmp_path / where
    folder.mkdir(parents=True, exist_ok=True)
    bake(folder, *words, "office", "--set", "*.cache-to=", **variables)
    assert json.loads(cli("resolve", "office", "--json").stdout)["status"] == "local-hit"
    assert json.loads(cli("resolve", "default", "--json").stdout)["status"] == "miss"
    checks = plan(folder, *words, "desktop-check", **variables)
    pictures = {os.path.normpath(folder / c["output"][0]["dest"]) for n, c in checks.items() if "check" in n}
    assert pictures == {str(rendered / "pictures" / name) for name in ("default", "office")}


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a Git server for a folder's repositories."""

    class Daemon(socketserver.BaseRequestHandler):
        """A conversation, which Git's own daemon handles."""

        def handle(self) -> None:
            """Hand the connection to the daemon."""
            words = ["git", "daemon", "--inetd", "--export-all", f"--base-path={folder}"]
            subprocess.run(words, stdin=self.request, stdout=self.request, stderr=subprocess.DEVNULL, check=False)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Daemon) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"git://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def test_a_git_address(rendered: Path, cli: Run, project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Bake reads file and contexts from a repository by its root's path; with the folder's path it reports an error."""
    git = ["git", "-c", "user.name=ci", "-c", "user.email=ci@example.com", "-c", "init.defaultBranch=main"]
    for words in (["init", "-q"], ["add", "ci"], ["commit", "-qm", "desktop"]):
        subprocess.run([*git, *words], cwd=project, check=True, capture_output=True)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    cached = ("--set", "*.cache-to=", "--set", "*.cache-from=")
    with served(project) as address:
        bake(elsewhere, f"{address}/.git#main", "-f", "ci/docker-bake.hcl", "office", *cached)
        assert json.loads(cli("resolve", "office", "--json").stdout)["status"] == "local-hit"
        bake(elsewhere, f"{address}/.git#main:ci", "default", *cached, DESKTOP_BAKE_FOLDER=".")
        assert json.loads(cli("resolve", "default", "--json").stdout)["status"] == "local-hit"


def test_a_fork_has_a_repository_of_its_own(cli: Run, project: Path, rendered: Path) -> None:
    """One variable changes every tag and every registry cache, and nothing else."""
    config = project / "desktop-bake.toml"
    config.write_text(
        config.read_text().replace('repository = "', 'cache = "registry"\nrepository = "r.example.com/', 1)
    )
    assert cli("render", "-o", "ci").returncode == 0
    before, after = plan(rendered), plan(rendered, DESKTOP_BAKE_REPOSITORY="fork.example.com/x")
    for name, target in before.items():
        (tag,) = target["tags"]
        repository, _, key = tag.rpartition(":")
        assert repository.startswith("r.example.com/")
        assert after[name]["tags"] == [f"fork.example.com/x:{key}"]
        assert json.dumps(after[name]) == json.dumps(target).replace(f"{repository}:", "fork.example.com/x:")
        assert {entry["ref"].rpartition(":")[0] for entry in (*target["cache-from"], *target["cache-to"])} == {
            repository
        }


def test_platforms_of_a_call(rendered: Path) -> None:
    """A native runner builds only for its own platform, including self-tests."""
    for target in plan(rendered, "desktop", "desktop-check", DESKTOP_BAKE_PLATFORMS=" linux/arm64, ").values():
        assert target["platforms"] == ["linux/arm64"]
    assert "platforms" not in plan(rendered)["desktop-default"]


def test_the_metadata_action(rendered: Path, tmp_path: Path) -> None:
    """The labels of docker/metadata-action's additional file are in every image; its tags are not, and no label that
    proves a key changes."""
    handed_over = {  # like the action's output `bake-file`
        "target": {
            "docker-metadata-action": {
                "tags": ["user/app:sha-860c190", "user/app:latest"],
                "labels": {
                    "org.opencontainers.image.created": "2026-11-01T00:00:00.000Z",
                    "org.opencontainers.image.revision": "860c1904a1ce19322e91ac35af1ab07466440c37",
                    "desktop-bake.schema": "9",
                },
                "annotations": ["manifest:org.opencontainers.image.title=app"],
                "args": {"DOCKER_META_IMAGES": "user/app", "DOCKER_META_VERSION": "latest"},
            }
        }
    }
    (tmp_path / "meta.json").write_text(json.dumps(handed_over))
    plain, merged = plan(rendered), plan(rendered, "-f", "docker-bake.hcl", "-f", str(tmp_path / "meta.json"))
    labels = handed_over["target"]["docker-metadata-action"]["labels"]
    for name, target in plain.items():
        got = merged[name]
        assert got["tags"] == target["tags"]
        assert got["labels"] == {**labels, **target["labels"]}  # type: ignore[dict-item]
        assert got["annotations"] == ["manifest:org.opencontainers.image.title=app"]
        assert got["args"] == {**target["args"], "DOCKER_META_IMAGES": "user/app", "DOCKER_META_VERSION": "latest"}
        assert (got["context"], got["contexts"]) == (target["context"], target["contexts"])


def test_what_bake_lists(rendered: Path) -> None:
    """Targets and variables are listed with their purpose."""
    targets = bake(rendered, "--list=targets")
    for name, said in {
        "default": "desktop",
        "desktop": "desktop-default, desktop-office",
        "desktop-default": "desktop of default",
        "desktop-office": "desktop of office",
        "desktop-check-office": "start the desktop of office, and take its picture",
        "office": "desktop-office",
    }.items():
        assert any(line.split("\t")[0] == name and line.endswith(f"\t{said}") for line in targets.splitlines()), name
    assert "_desktop" not in targets
    listed = [line.split("\t") for line in bake(rendered, "--list=variables").splitlines()[1:]]
    assert [line[0] for line in listed] == [
        "DESKTOP_BAKE_CACHE_DIR",
        "DESKTOP_BAKE_FOLDER",
        "DESKTOP_BAKE_OUTPUT",
        "DESKTOP_BAKE_PLATFORMS",
        "DESKTOP_BAKE_REPOSITORY",
        "PWD",
    ]
    assert all(line[-1].strip() for line in listed)
