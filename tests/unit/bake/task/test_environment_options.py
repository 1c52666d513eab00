"""What an environment says of its tasks' containers, as in Agents Runner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from desktop_bake import ConfigurationError, DockerRunnerConfig, Environment, ImageReference, TaskOptions
from desktop_bake.bake.task.docker_flags import docker_options
from desktop_bake.bake.task.environment_options import check, left_out, with_environment, with_profiles
from desktop_bake.bake.task.mounts import parse_volume
from desktop_bake.bake.task.ports import parse_ports
from tests.harness.every import every
from tests.harness.their_reader import mounts_given, ports_given


def environment(**fields: Any) -> Environment:
    """One with a desktop and these fields."""
    return Environment(
        **{"env_id": "e", "base_image": ImageReference.parse("a"), "headless_desktop_enabled": True, **fields}
    )


MOUNTS = ["/a:/x", "/b:/x:ro", "/c:/y:ro", "v:/z", "/d:/z"]
PORTS = [
    "8080:80",
    "6080:6080",
    "127.0.0.1::6080",
    "6070-6090:6070-6090",
    "9000:6081/udp",
    "53:6080/udp",
    "[::1]:81:81",
]


def test_duplicate_targets() -> None:
    """If several mounts have one target, the first counts, as in Agents Runner; requested ones come before."""
    made = with_environment(TaskOptions(), environment(extra_mounts=MOUNTS))
    assert [*made.mounts] == [parse_volume(text) for text in mounts_given(MOUNTS)]
    asked = parse_volume("/e:/x/")
    made = with_environment(TaskOptions(mounts=(asked,)), environment(extra_mounts=MOUNTS))
    assert [(mount.source, mount.target) for mount in made.mounts] == [("/e", "/x"), ("/c", "/y"), ("v", "/z")]


@pytest.mark.parametrize("desktop", [True, False])
def test_ports(desktop: bool) -> None:
    """With a desktop what covers 6080 is left out, as in Agents Runner; the rest is published once."""
    made = environment(ports=[*PORTS, "8080:80"], headless_desktop_enabled=desktop)
    kept = ports_given(PORTS, desktop=desktop)
    given = dict.fromkeys(port for text in kept for port in parse_ports(text))
    assert with_environment(TaskOptions(), made).ports == (*given,)
    assert left_out(made) == [text for text in PORTS if text not in kept]
    asked = TaskOptions(ports=parse_ports("8080:80"))
    assert len(with_environment(asked, made).ports) == len(with_environment(TaskOptions(), made).ports)


def test_variables() -> None:
    """Variables of the environment reach the task, and those that were asked for override them."""
    made = with_environment(TaskOptions(variables={"A": "2", "C": None}), environment(env_vars={"A": "1", "B": "x=y"}))
    assert made.variables == {"A": "2", "B": "x=y", "C": None}


@every(
    ("fields", "says"),
    [
        ({"ports": ["8080:80", "80:eighty"]}, "environment 'e': ports: malformed port '80:eighty'"),
        ({"ports": ["-p80"]}, "environment 'e': ports: malformed port '-p80'"),
        ({"ports": ["None"]}, "environment 'e': ports: malformed port 'None'"),
        ({"extra_mounts": ["/a"]}, "environment 'e': extra_mounts: malformed mount '/a'"),
        (
            {"extra_mounts": ["/a:b"]},
            "environment 'e': extra_mounts: the mount's target 'b' is not a path in the container",
        ),
        ({"extra_mounts": ["/a:/b:rw,ro"]}, "environment 'e': extra_mounts: malformed volume '/a:/b:rw,ro'"),
        ({"extra_mounts": ["/a:/tmp/.X11-unix"]}, "environment 'e': extra_mounts: a mount at /tmp/.X11-unix is in"),
        ({"shm_size": "much"}, "environment 'e': shm_size: bad value in '--shm-size=much'"),
        ({"security_opt": ["seccomp={"]}, "environment 'e': security_opt: bad value in '--security-opt=seccomp={'"),
        ({"env_vars": {"A=B": "hunter2"}}, "environment 'e': env_vars: malformed environment variable 'A=B'"),
        ({"env_vars": {"A": "hunter2\0"}}, "environment 'e': env_vars: malformed environment variable 'A'"),
    ],
)
def test_malformed(fields: dict[str, Any], says: str) -> None:
    """What is malformed is one line that names environment and field, and no value of a variable."""
    with pytest.raises(ConfigurationError) as refused:
        with_environment(TaskOptions(), environment(**fields))
    assert str(refused.value).startswith(says)
    assert "hunter2" not in str(refused.value) + refused.value.remedy


def test_a_missing_source(tmp_path: Path) -> None:
    """The mounts of the environment and of the start have to exist on this machine, if the engine is here."""
    made = environment(extra_mounts=[f"{tmp_path}/nowhere:/b", f"{tmp_path}:/c"])
    with pytest.raises(
        ConfigurationError, match=r"^environment 'e': extra_mounts: cannot mount .*/nowhere: it does not"
    ):
        check(made, TaskOptions(), tmp_path, here=True)
    check(made, TaskOptions(), tmp_path, here=False)
    asked = TaskOptions(mounts=(parse_volume("/nowhere:/b"),))
    with pytest.raises(ConfigurationError, match=r"^cannot mount /nowhere: it does not"):
        check(made, asked, tmp_path, here=True)
    check(made, asked, tmp_path, here=False)


def host(options: TaskOptions) -> dict[str, Any]:
    """What is asked for of the engine's host configuration."""
    return dict(options.extra.get("HostConfig", {}))


def test_user_security_and_memory() -> None:
    """User, security options and `/dev/shm` reach the task; a flag overrides each, and no other security option."""
    made = environment(user="1000", security_opt=["seccomp=a.json", "no-new-privileges"], shm_size="2g")
    options = with_environment(TaskOptions(), made)
    assert options.user == "1000"
    assert host(options) == {"ShmSize": 2 << 30, "SecurityOpt": ["seccomp=a.json", "no-new-privileges"]}
    assert with_environment(options, made) == options
    flags = docker_options(["--shm-size=1g", "--security-opt=seccomp=unconfined", "--memory=1g", "--hostname=h"])
    options = with_environment(TaskOptions(user="0", extra=flags), made)
    assert options.user == "0"
    assert host(options) == {
        "ShmSize": 1 << 30,
        "Memory": 1 << 30,
        "SecurityOpt": ["no-new-privileges", "seccomp=unconfined"],
    }
    assert options.extra["Hostname"] == "h"
    assert with_environment(TaskOptions(extra=flags), environment()).extra == flags


def test_a_profile(tmp_path: Path) -> None:
    """The engine gets the content of the profile that lies in the configuration's folder, of a runner's, too."""
    made = environment(security_opt=["seccomp=a.json", "apparmor=x"])
    (tmp_path / "a.json").write_text('{"defaultAction": "SCMP_ACT_ALLOW"}')
    whole = with_profiles(DockerRunnerConfig.of(made).options, made, tmp_path)
    assert host(whole) == {"SecurityOpt": ['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}', "apparmor=x"]}
    assert with_profiles(whole, made, tmp_path) == whole
    assert with_profiles(TaskOptions(), made, tmp_path) == TaskOptions()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("b.json", "environment 'e': security_opt: b.json is not a seccomp profile"),
        ("c.json", "environment 'e': security_opt: cannot read c.json: No such file or directory"),
        (".", "environment 'e': security_opt: cannot read .: "),
        ("../a.json", "environment 'e': security_opt: seccomp '../a.json' leads out of the configuration's folder"),
        ("/a.json", "environment 'e': security_opt: seccomp '/a.json' leads out of the configuration's folder"),
    ],
)
def test_a_wrong_profile(tmp_path: Path, name: str, says: str) -> None:
    """A profile that is none, not there or elsewhere is reported by environment and field before anything is built."""
    (tmp_path / "b.json").write_text("[]")
    with pytest.raises(ConfigurationError) as refused:
        check(environment(security_opt=[f"seccomp={name}"]), TaskOptions(), tmp_path, here=False)
    assert str(refused.value).startswith(says)
