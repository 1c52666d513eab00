"""`doctor`: its checks, its messages if something is wrong, and its exit status, which is the build's."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.faults import refuses
from tests.harness.project import copy_client
from tests.harness.proxy import faulty
from tests.harness.registries import closed_port, real_registry

if TYPE_CHECKING:
    from tests.harness.project import Run


def examined(cli: Run, status: int, **variables: str) -> dict[str, dict[str, str]]:
    """The checks by name, when `doctor` exits with this status."""
    done = cli("doctor", "--json", **variables)
    assert done.returncode == status, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    assert answer["schema"] == 1
    assert answer["works"] == (status == 0)
    checks: dict[str, dict[str, str]] = {check["name"]: check for check in answer["checks"]}
    assert all(check["remedy"] for check in checks.values() if check["state"] != "ok")
    return checks


def change(project: Path, before: str, after: str) -> None:
    """Change the configuration."""
    file = project / "desktop-bake.toml"
    assert before in file.read_text()
    file.write_text(file.read_text().replace(before, after))


def repository(project: Path) -> str:
    """The project's repository as it is in the configuration."""
    return (project / "desktop-bake.toml").read_text().split('"')[1]


def test_all_is_well(cli: Run, project: Path) -> None:
    """If all is well every check is made and ok, and the build works as promised."""
    checks = examined(cli, 0)
    assert list(checks) == [
        "configuration",
        "engine",
        "clock",
        "image store",
        "buildx",
        "builder",
        "platforms",
        "environment default",
        "cache folder",
        "disk of the cache folder",
        "disk of the engine",
    ]
    assert {check["state"] for name, check in checks.items() if not name.startswith("disk")} == {"ok"}
    assert checks["environment default"]["detail"] == json.loads(cli("key", "--json").stdout)["cache_key"]
    assert cli("doctor").stdout.startswith("ok       configuration: 1 environment\n")
    assert cli("build").returncode == 0


def test_no_engine(cli: Run, project: Path) -> None:
    """Without an engine, all checks that need none are made, and the status is 4, like the build's."""
    nobody = {"DOCKER_HOST": f"unix://{project}/nobody.sock"}
    checks = examined(cli, 4, **nobody)
    assert checks["engine"]["state"] == "failure"
    assert "builder" not in checks
    assert checks["cache folder"]["state"] == "ok"
    assert cli("build", **nobody).returncode == 4


def test_no_buildx(cli: Run, project: Path) -> None:
    """A client without buildx is a failure that says what to install; the build fails too."""
    (project / "client").mkdir()
    empty = {"DOCKER_CONFIG": str(project / "client"), "HOME": str(project)}
    checks = examined(cli, 4, **empty)
    assert checks["buildx"]["detail"] == "buildx is missing"
    assert "install" in checks["buildx"]["remedy"]
    assert cli("build", **empty).returncode == 4


@pytest.mark.parametrize(
    ("before", "after", "name", "says", "status"),
    [
        ("[environments", "unknown = 1\n[environments", "configuration", "unknown key 'unknown'", 2),
        ("setup.sh", "nowhere.sh", "environment default", "cannot read nowhere.sh", 2),
        ("[environments", 'builder = "nobody"\n[environments', "builder", "builder nobody", 4),
        ("[environments.default]", '[environments.default]\nplatforms = ["linux/s390x"]', "platforms", "s390x", 4),
    ],
)
def test_what_would_fail_a_build(
    cli: Run, project: Path, before: str, after: str, name: str, says: str, status: int
) -> None:
    """A wrong configuration, recipe, builder or platform fails by its name, with the build's own status."""
    change(project, before, after)
    check = examined(cli, status)[name]
    assert check["state"] == "failure"
    assert says in check["detail"]


def test_base_of_nowhere(cli: Run, project: Path, base: str) -> None:
    """A base that cannot be had is its environment's failure, with a build's status."""
    change(project, base, f"127.0.0.1:{closed_port()}/debian:bookworm")
    assert "cannot be reached" in examined(cli, 5)["environment default"]["detail"]
    assert cli("build").returncode == 5


def test_an_environment_that_is_off(cli: Run, project: Path) -> None:
    """An environment that bakes nothing is fine, and the check says why."""
    change(project, "cache_desktop_build = true", "")
    assert "cache_desktop_build is off" in examined(cli, 0)["environment default"]["detail"]


def test_a_registry_that_is_down(cli: Run, project: Path) -> None:
    """A registry that does not answer is a warning, as a build goes on without it; with push on it is a failure."""
    where = f"127.0.0.1:{closed_port()}/team/test"
    assert examined(cli, 0, DESKTOP_BAKE_REPOSITORY=where)["registry"]["state"] == "warning"
    check = examined(cli, 5, DESKTOP_BAKE_REPOSITORY=where, DESKTOP_BAKE_PUSH="1")["registry"]
    assert check["state"] == "failure"
    assert "cannot be reached" in check["detail"]


def test_permissions(cli: Run, project: Path, tmp_path: Path) -> None:
    """Reading and writing are tried and reported separately; the try leaves nothing in the registry."""
    with real_registry(tmp_path / "registry") as registry:
        push = {"DESKTOP_BAKE_PUSH": "1"}
        checks = examined(cli, 0, DESKTOP_BAKE_REPOSITORY=f"{registry.host}/team/test", **push)
        assert checks["registry"]["state"] == checks["push"]["state"] == "ok"
        assert not list((tmp_path / "registry/storage").rglob("data"))
        with faulty(registry.host, refuses(403, "DENIED", on="POST ")) as proxy:
            checks = examined(cli, 5, DESKTOP_BAKE_REPOSITORY=f"{proxy.host}/team/test", **push)
            assert checks["registry"]["state"] == "ok"
            assert checks["push"]["detail"].endswith("denies access to team/test (DENIED)")
            assert checks["push"]["remedy"] == "ask for permission to push there"
            assert examined(cli, 0, DESKTOP_BAKE_REPOSITORY=f"{proxy.host}/team/test")["push"]["state"] == "ok"


def test_logins(cli: Run, project: Path, tmp_path: Path) -> None:
    """A registry that requires a login is reported as such, and a missing credential helper is named."""
    with real_registry(tmp_path / "registry", htpasswd=True) as registry:
        variables = {"DESKTOP_BAKE_REPOSITORY": f"{registry.host}/team/test", "DESKTOP_BAKE_PUSH": "1"}
        checks = examined(cli, 5, **variables)
        assert checks["registry"]["remedy"] == f"run: docker login {registry.host}"
        helped = copy_client(tmp_path / "helped")
        (helped / "config.json").write_text('{"credsStore": "nowhere"}')
        checks = examined(cli, 5, DOCKER_CONFIG=str(helped), **variables)
        assert "docker-credential-nowhere is not installed" in checks["credentials"]["detail"]


def test_a_cache_folder_that_is_none(cli: Run, project: Path, local_cache: None) -> None:
    """An unusable cache folder is a warning that names the other one, which a build uses."""
    (project / "file").write_text("")
    (project / "tmp").mkdir()
    variables = {"XDG_CACHE_HOME": str(project / "file"), "TMPDIR": str(project / "tmp")}
    check = examined(cli, 0, **variables)["cache folder"]
    other = project / "tmp" / f"desktop-bake-{os.geteuid()}"
    assert check["state"] == "warning"
    assert check["detail"] == f"{project}/file/desktop-bake cannot be used: Not a directory, so the cache is in {other}"
    built = cli("build", **variables)
    assert built.returncode == 0, built.stderr
    assert f"[desktop-cache] WARNING: {check['detail']}: {check['remedy']}\n" in built.stderr
    assert (other / "locks").is_dir()
    (project / "tmp" / other.name).chmod(0o777)
    refused = examined(cli, 2, **variables)["cache folder"]
    assert refused["detail"].endswith(f"and everybody could write {other}")


def test_a_builder_at_rest(cli: Run, project: Path) -> None:
    """A builder that is not started is a warning: the build starts it."""
    name = repository(project)
    subprocess.run(["docker", "buildx", "create", "--name", name], check=True, capture_output=True)
    try:
        assert examined(cli, 0, DESKTOP_BAKE_BUILDER=name)["builder"]["state"] == "warning"
    finally:
        subprocess.run(["docker", "buildx", "rm", name], check=True, capture_output=True)
