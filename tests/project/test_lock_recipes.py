"""The weekly pull request: its text, the pictures before and after; and what Renovate reads of a lock."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from tests.harness.crane import crane
from tests.harness.locks import LOCK, OLD, TEXT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.harness.project import Run

CI = Path(__file__).parents[2] / "docs" / "ci"
BIN = Path(sys.executable).parent
# A docker that takes no picture but writes one, of what it was asked to bake; a gh and a curl that record what they
# were called with; and the part of jq that is used.
PROGRAMS = {
    "docker": 'grep -o "base:1@sha256:[0-9a-f]*" docker-bake.hcl | head -n 1 >picture\n'
    "mkdir -p pictures/default && mv picture pictures/default/desktop.png\n",
    "gh": 'printf "%s\\n" "$@" >>"$ASKED"\n[ "$2" != create ] || [ ! -e "$ASKED.open" ]\n',
    "curl": 'cat >>"$ASKED"\nprintf "%s\\n" "$@" >>"$ASKED"\n'
    'case "$*" in *uploads) echo \'{"markdown": "![](/uploads/1)"}\' ;; *) echo "[]" ;; esac\n',
    "jq": """exec python3 -c 'import json, sys
found = json.load(sys.stdin)
print(found["markdown"] if "markdown" in found else "")' """,
}


@pytest.fixture
def repository(cli: Run, project: Path, base: str) -> Path:
    """A repository whose base has changed since it was locked and rendered, and stand-ins for programs."""
    name = f"{base.partition('/')[0]}/{project.name}/base:1"
    crane("mutate", "--label", f"n={uuid.uuid4().hex}", base, "-t", name)
    config = project / "desktop-bake.toml"
    config.write_text(config.read_text().replace(base, name))
    assert cli("lock").returncode == 0
    lock = project / "desktop-bake.lock"
    today = lock.read_text().partition('packages = "')[2][:10]
    lock.write_text(lock.read_text().replace(today, "2026-01-01"))
    assert cli("render", "-o", "ci").returncode == 0
    crane("mutate", "--label", f"n={uuid.uuid4().hex}", base, "-t", name)
    git(project, "init", "--quiet", "--initial-branch", "main")
    git(project, "add", "ci", "desktop-bake.lock", "desktop-bake.toml", "install.sh", "setup.sh")
    git(project, "commit", "--quiet", "--message", "desktop")
    git(project, "clone", "--quiet", "--bare", ".", "origin.git")
    git(project, "remote", "add", "origin", str(project / "origin.git"))
    (project / "bin").mkdir()
    for program, script in PROGRAMS.items():
        (project / "bin" / program).write_text(f"#!/bin/sh\nset -e\n{script}")
        (project / "bin" / program).chmod(0o755)
    return project


def git(folder: Path, *words: str) -> str:
    """Run git, which has to succeed."""
    who = {"GIT_CONFIG_GLOBAL": str(folder / "gitconfig"), "GIT_CONFIG_NOSYSTEM": "1"}
    named = ["git", "-c", "user.name=ci", "-c", "user.email=ci@example.com", *words]
    done = subprocess.run(named, cwd=folder, env={**os.environ, **who}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(folder: Path, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script of a job, in the clone."""
    environment = {
        **os.environ,
        "PATH": f"{folder / 'bin'}:{BIN}:{os.environ['PATH']}",
        "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
        "ASKED": str(folder / "asked"),
        **variables,
    }
    words = ["bash", "-eo", "pipefail", "-c", script]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def steps(name: str) -> Mapping[str, str]:
    """The scripts of a workflow's job by their names."""
    job = YAML(typ="safe").load(CI / name)["jobs"]["upgrade"]
    return {step["name"]: step["run"] for step in job["steps"] if "run" in step}


def test_github(repository: Path) -> None:
    """A branch with lock and folder, and a text with existing pictures; later the same request is edited."""
    github = {
        "RUNNER_TEMP": str(repository / "runner"),
        "GITHUB_WORKSPACE": str(repository),
        "GITHUB_SERVER_URL": "https://github.example.com",
        "GITHUB_REPOSITORY": "team/desktop",
    }
    (repository / ".github").mkdir()
    (repository / ".github" / "desktop-lock.sh").write_text((CI / "lock.sh").read_text())
    scripts = steps("github-lock.yml")
    for name in ("Upgrade, render and bake", "Open a pull request"):
        done = run(repository, scripts[name], **github)
        assert done.returncode == 0, done.stdout + done.stderr
    asked = (repository / "asked").read_text().splitlines()
    assert asked[:4] == ["pr", "create", "--head", "desktop-bake/lock"]
    body = (repository / "runner" / "lock" / "body.md").read_text()
    assert re.match(r"- base \S+ moved from sha256:\S+ to sha256:\S+\n- packages 2026-01-01 → \S+\n- reinst", body)
    pictures = re.findall(r"!\[(\w+)\]\(https://github\.example\.com/team/desktop/raw/(\w+)/(\S+)\)", body)
    assert [when for when, _, _ in pictures] == ["before", "after"]
    shown = [git(repository, "show", f"{commit}:{path}") for _, commit, path in pictures]
    assert len(set(shown)) == 2
    assert git(repository, "ls-remote", "origin", "desktop-bake/pictures").startswith(pictures[0][1])
    changed = git(repository, "diff", "--name-only", "main", "desktop-bake/lock").splitlines()
    assert "desktop-bake.lock" in changed
    assert {name.partition("/")[0] for name in changed} == {"desktop-bake.lock", "ci"}
    assert run(repository, "desktop-bake render -o ci --check --frozen").returncode == 0

    git(repository, "switch", "--quiet", "main")
    (repository / "asked").rename(repository / "asked.open")
    for name in ("Upgrade, render and bake", "Open a pull request"):
        assert run(repository, scripts[name], **github).returncode == 0
    assert "edit" in (repository / "asked").read_text().splitlines()


def test_gitlab(repository: Path) -> None:
    """The same as a merge request: its text with uploaded pictures; no token is in a process list."""
    (repository / "ci-scripts").mkdir()
    (repository / "ci-scripts" / "desktop-lock.sh").write_text((CI / "lock.sh").read_text())
    (script,) = YAML(typ="safe").load(CI / "gitlab-lock.yml")["lock"]["script"]
    git(repository, "config", "--global", "url.file://.insteadOf", "https://gitlab.example.com")
    gitlab = {
        "CI_PROJECT_DIR": str(repository),
        "CI_API_V4_URL": "https://gitlab.example.com/api/v4",
        "CI_PROJECT_ID": "7",
        "CI_SERVER_HOST": "gitlab.example.com",
        "CI_SERVER_URL": "https://gitlab.example.com",
        "CI_PROJECT_PATH": str(repository / "origin").removeprefix("/"),
        "CI_DEFAULT_BRANCH": "main",
        "DESKTOP_BAKE_TOKEN": "secret-token",
    }
    done = run(repository, script, **gitlab)
    assert done.returncode == 0, done.stdout + done.stderr
    asked = (repository / "asked").read_text().splitlines()
    assert 'header = "PRIVATE-TOKEN: secret-token"' in asked  # on standard input
    assert not any("secret-token" in line for line in asked if not line.startswith("header = "))
    assert "source_branch=desktop-bake/lock&remove_source_branch=true" in asked
    body = Path(f"{repository}.lock", "body.md").read_text()
    assert body.startswith("- base ")
    assert body.count("![](/uploads/1)") == 2
    assert git(repository, "ls-remote", "origin", "desktop-bake/lock")


def test_nothing_moved(repository: Path) -> None:
    """A week in which nothing is old or has changed makes no picture and no pull request."""
    assert run(repository, f"MAX_AGE=520w bash {CI}/lock.sh out").stdout.endswith("nothing moved\n")
    assert (repository / "out" / "words").read_text() == ""
    assert not (repository / "out" / "before").exists()


def test_renovate_reads_a_lock() -> None:
    """Renovate's expression finds each base and tool with its tag and digest, and no published image."""
    (manager,) = json.loads((CI / "renovate.json").read_text())["customManagers"]
    (pattern,) = manager["matchStrings"]
    python = pattern.replace("(?<", "(?P<")
    found = [match.groupdict() for match in re.finditer(python, TEXT)]
    assert found == [
        {"depName": name.rpartition(":")[0], "currentValue": name.rpartition(":")[2], "currentDigest": str(OLD)}
        for name in (*LOCK.bases, *LOCK.tools)
    ]
    (file,) = manager["managerFilePatterns"]
    assert re.search(file.strip("/"), "team/desktop-bake.lock")
