"""Options of a task's container: what people write, what the engine is asked for, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from desktop_bake import DockerRunnerConfig, Mount, Port, TaskOptions
from desktop_bake.bake.cli.commands.run import options_of
from desktop_bake.bake.cli.parser import parser
from desktop_bake.bake.task.docker_flags import docker_options, parse_env_file, parse_environment
from desktop_bake.bake.task.mounts import check_sources, parse_mount, parse_volume
from desktop_bake.bake.task.options import container_body, device_request
from desktop_bake.bake.task.ports import parse_ports
from desktop_bake.generator.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "mount"),
    [
        ("/a:/b", Mount(kind="bind", source="/a", target="/b")),
        ("/a:/b:ro", Mount(kind="bind", source="/a", target="/b", read_only=True)),
        ("./a:/b:rw", Mount(kind="bind", source=str(Path("a").absolute()), target="/b")),
        ("cache:/b", Mount(kind="volume", source="cache", target="/b")),
        ("/b", Mount(kind="volume", target="/b")),
    ],
)
def test_volumes(text: str, mount: Mount) -> None:
    """`-v` as docker reads it."""
    assert parse_volume(text) == mount


@pytest.mark.parametrize(
    ("text", "mount"),
    [
        ("type=bind,src=/a,dst=/b,readonly", Mount(kind="bind", source="/a", target="/b", read_only=True)),
        ("type=bind,source=/a,target=/b,ro=false", Mount(kind="bind", source="/a", target="/b")),
        ("type=tmpfs,destination=/b", Mount(kind="tmpfs", target="/b")),
        ("source=cache,target=/b", Mount(kind="volume", source="cache", target="/b")),
    ],
)
def test_mounts(text: str, mount: Mount) -> None:
    """`--mount` as docker reads it."""
    assert parse_mount(text) == mount


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("80", Port(container=80)),
        ("8080:80", Port(container=80, host=8080)),
        ("0.0.0.0:8080:80/udp", Port(container=80, host=8080, address="0.0.0.0", protocol="udp")),
        ("[::1]::80", Port(container=80, address="::1")),
    ],
)
def test_ports(text: str, port: Port) -> None:
    """`-p` as docker reads it, but on the loopback unless an address is given."""
    assert parse_ports(text) == (port,)


def test_environment() -> None:
    """A name alone takes this process's value; one that is not set here takes the image's away."""
    found = parse_environment(["A=1=2", "B", "C=", "D"], {"B": "secret"})
    assert found == {"A": "1=2", "B": "secret", "C": "", "D": None}
    body = container_body("i", ["x"], "e", TaskOptions(variables=found), desktop=False, publish=False)
    assert body["Env"] == ["A=1=2", "B=secret", "C=", "D", "LANG=C.UTF-8"]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"# caf\xe9\n", "line 1 is not UTF-8"), (b"A=1\n=x\n", "line 2 has no name"), (b"\nA \n", "line 2 has no name")],
)
def test_env_files_refused(content: bytes, said: str) -> None:
    """What is wrong in a file of variables is told by its line, and no value is."""
    with pytest.raises(ConfigurationError, match=f"^a.env: {said}"):
        parse_env_file("a.env", content, {})


def test_docker_options() -> None:
    """Options of docker run, as the engine's API has them."""
    words = """--shm-size=1g --cpus=1.5 --cap-add=SYS_PTRACE --cap-add=NET_ADMIN --privileged --label=a=b
        --tmpfs=/t:size=1m --ulimit=nofile=1:2 --device=/dev/a:/dev/b --hostname=h"""
    assert docker_options(words.split()) == {
        "Hostname": "h",
        "Labels": {"a": "b"},
        "HostConfig": {
            "ShmSize": 1 << 30,
            "NanoCpus": 1_500_000_000,
            "CapAdd": ["SYS_PTRACE", "NET_ADMIN"],
            "Privileged": True,
            "Tmpfs": {"/t": "size=1m"},
            "Ulimits": [{"Name": "nofile", "Soft": 1, "Hard": 2}],
            "Devices": [{"PathOnHost": "/dev/a", "PathInContainer": "/dev/b", "CgroupPermissions": "rwm"}],
        },
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("--pid=host", "the option '--pid' is not let through"),
        ("shm-size=1g", "the option 'shm-size' is not let through"),
        ("--shm-size", "bad value in '--shm-size'"),
        ("--shm-size=much", "bad value in '--shm-size=much'"),
        ("--privileged=yes", "bad value in '--privileged=yes'"),
        ("--label=desktop-bake-task=x", "bad value in '--label=desktop-bake-task=x'"),
        ("--security-opt=seccomp=file", "bad value in '--security-opt=seccomp=file'"),
        ("--network=host", "the option '--network' is not let through"),
    ],
)
def test_docker_options_refused(text: str, says: str) -> None:
    """What is not known, malformed, or would get around a check is named."""
    with pytest.raises(ConfigurationError, match=f"{re.escape(says)}$"):
        docker_options([text])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "malformed volume ''"),
        (":", "malformed volume ':'"),
        ("a:", "the mount's target '' is no path in the container"),
        ("/a:b", "the mount's target 'b' is no path in the container"),
        ("/a:/b:z:z", "malformed volume '/a:/b:z:z'"),
        ("/a:/b:z,Z", "malformed volume '/a:/b:z,Z'"),
        ("/a:/b:mine", "unknown flag 'mine' in '/a:/b:mine'"),
        ("/a:/b:", "unknown flag '' in '/a:/b:'"),
        ("/a:/", "the mount's target '/' is no path in the container"),
    ],
)
def test_volumes_refused(text: str, says: str) -> None:
    """Of a malformed volume the part that is wrong is named."""
    with pytest.raises(ConfigurationError, match=f"{re.escape(says)}$"):
        parse_volume(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        *((text, f"malformed port '{text}'") for text in ("", "x", "65536", "1:2:3", "90-80", "host:1:2", "::1:1:2")),
        ("0", "bad port 0:0"),
        ("1-2:3-5", "'1-2:3-5': the two ranges of ports differ in length"),
        ("80/icmp", "unknown protocol 'icmp'"),
    ],
)
def test_ports_refused(text: str, says: str) -> None:
    """Of a malformed port it is said what is wrong."""
    with pytest.raises(ConfigurationError, match=f"^{re.escape(says)}$"):
        parse_ports(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("type=npipe,target=/a", "unknown kind of mount 'npipe'"),
        ("type=bind,source=/a", "the mount's target '' is no path in the container"),
        ("target=/b,shared=1", "--mount: unknown key 'shared'"),
        ("type=bind,target=/b", "the mount's source '' is not absolute"),
    ],
)
def test_mounts_refused(text: str, says: str) -> None:
    """Of a malformed mount the part that is wrong is named."""
    with pytest.raises(ConfigurationError, match=f"^{re.escape(says)}$"):
        parse_mount(text)


def test_missing_source(tmp_path: Path) -> None:
    """A folder that is not there is named, with the command that makes it."""
    check_sources([Mount(kind="bind", source=str(tmp_path), target="/a"), Mount(kind="volume", target="/b")])
    with pytest.raises(ConfigurationError, match="does not exist") as caught:
        check_sources([Mount(kind="bind", source=str(tmp_path / "no"), target="/a")])
    assert caught.value.remedy == f"mkdir -p {tmp_path / 'no'}"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"geometry": "800"}, "bad geometry '800'"),
        ({"geometry": "0x600"}, "bad geometry '0x600'"),
        ({"geometry": "99999x1"}, "bad geometry '99999x1'"),
        ({"depth": 8}, "bad depth 8"),
        ({"name": "-x"}, "bad container name '-x'"),
        ({"workdir": "here"}, "the working directory 'here' is not absolute"),
        ({"gpus": "some"}, "bad value of gpus: 'some'"),
        ({"variables": {"": "x"}}, "malformed environment variable ''"),
        ({"variables": {"A": "\0"}}, "malformed environment variable 'A'"),
        ({"mounts": (Mount(kind="volume", target="/a"), Mount(kind="volume", target="/a/"))}, "two mounts at /a: "),
    ],
)
def test_options_refused(values: dict[str, object], says: str) -> None:
    """A value that the engine or X would stumble over is named."""
    with pytest.raises(ConfigurationError, match=f"^{re.escape(says)}") as caught:
        TaskOptions(**values)  # type: ignore[arg-type]
    assert caught.value.remedy


@pytest.mark.parametrize("network", ["host", "container:other"])
def test_shared_networks_are_refused(network: str) -> None:
    """A desktop is never put into a network in which its sockets are others' too."""
    with pytest.raises(ConfigurationError, match="share"):
        TaskOptions(network=network).check_desktop()


SOCKETS = "/tmp/.X11-unix"


def test_limits() -> None:
    """A browser has the shared memory that it needs, a fork bomb has an end, and both can be changed."""

    def limits(*words: str) -> list[object]:
        options = options_of(parser().parse_args(["run", *words]))
        host = container_body("image", ["true"], "env", options, desktop=True, publish=True)["HostConfig"]
        return [host["ShmSize"], host["PidsLimit"], host.get("SecurityOpt")]

    assert limits() == [1 << 30, 4096, None]
    assert limits("--shm-size", "2g", "--pids-limit=-1", "--security-opt", "no-new-privileges") == [
        2 << 30,
        -1,
        ["no-new-privileges"],
    ]
    assert limits("--docker=--shm-size=64m", "--docker=--pids-limit=9") == [64 << 20, 9, None]


def test_novncs_port_is_refused() -> None:
    """A desktop's own port cannot be published a second time; without a desktop it is like any other."""
    options = TaskOptions(ports=(*parse_ports("6079-6081:6079-6081"), Port(container=6080, protocol="udp")))
    with pytest.raises(ConfigurationError, match="port 6080 is noVNC's, and published already") as caught:
        options.check_desktop()
    assert "another port than 6080" in caught.value.remedy
    body = container_body("image", ["true"], "env", options, desktop=False, publish=False)
    assert body["HostConfig"]["PortBindings"]["6080/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": "6080"}]


@pytest.mark.parametrize(("others", "words"), [((Mount(kind="volume", target="/a/b/../"),), []), ((), ["--tmpfs=/a/"])])
def test_two_mounts_at_one_target(others: tuple[Mount, ...], words: list[str]) -> None:
    """Two mounts at one target are refused with what would happen, whichever way each is written."""
    mounts, extra = (Mount(kind="bind", source="/s", target="/a"), *others), docker_options(words)
    with pytest.raises(ConfigurationError, match="two mounts at /a: one would hide the other") as caught:
        TaskOptions(mounts=mounts, extra=extra)
    assert caught.value.remedy == "give each its own target"


@pytest.mark.parametrize(
    "options",
    [
        *(
            TaskOptions(mounts=(Mount(kind=kind, source="/s" if kind == "bind" else "", target=target),))
            for kind in ("bind", "volume", "tmpfs")
            for target in (SOCKETS, f"/x/..//{SOCKETS}/", f"{SOCKETS}/X1")
        ),
        TaskOptions(extra=docker_options([f"--tmpfs={SOCKETS}:size=1m"])),
        TaskOptions(extra=docker_options(["--tmpfs=/tmp/x/../.X11-unix/a"])),
    ],
)
def test_mounts_for_x_sockets_are_refused(options: TaskOptions) -> None:
    """Nothing is mounted where the desktop has its own X sockets; without a desktop it may be."""
    with pytest.raises(ConfigurationError, match="in the way of the desktop's own X sockets") as caught:
        options.check_desktop()
    assert caught.value.remedy.startswith("leave it out")
    container_body("image", ["true"], "env", options, desktop=False, publish=False)


def test_container_body() -> None:
    """noVNC is on the loopback; no value is lost; our label cannot be overwritten."""
    options = TaskOptions(
        ports=(Port(container=80, host=8080),),
        variables={"A": "b"},
        gpus="device=0,1",
        user="1:2",
        workdir="/w",
        network="mine",
        extra={"HostConfig": {"ShmSize": 1}, "Labels": {"x": "y"}, "Hostname": "h"},
        mounts=(Mount(kind="bind", source="/s", target="/t", read_only=True),),
    )
    body = container_body("image", ["bash", "-c", "x"], "env", options, desktop=True, publish=True)
    host = body["HostConfig"]
    assert host["PortBindings"] == {
        "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}],
        "6080/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}],
    }
    assert host["DeviceRequests"] == device_request("device=0,1")
    assert (host["NetworkMode"], host["ShmSize"], host["AutoRemove"]) == ("mine", 1, True)
    assert host["Mounts"][0] == {"Type": "bind", "Source": "/s", "Target": "/t", "ReadOnly": True}
    assert [mount["Target"] for mount in host["Mounts"]] == ["/t", SOCKETS]
    assert {"A=b", "DESKTOP_GEOMETRY=1280x800", "DISPLAY=:1"} <= set(body["Env"])
    assert (body["User"], body["WorkingDir"], body["Hostname"]) == ("1:2", "/w", "h")
    assert body["Labels"] == {"x": "y", "desktop-bake-task": "env"}


def test_values_are_not_shown() -> None:
    """A variable's value does not get into a log by way of the options' representation."""
    assert "hunter2" not in repr(TaskOptions(variables={"PASSWORD": "hunter2"}))


@pytest.mark.parametrize(
    ("desktop", "cache", "effective"),
    [(False, False, False), (False, True, False), (True, False, False), (True, True, True)],
)
def test_the_toggles(desktop: bool, cache: bool, effective: bool) -> None:
    """Both are off by default; the cache has no effect without a desktop."""
    config = DockerRunnerConfig(base_image="debian", headless_desktop_enabled=desktop, desktop_cache_enabled=cache)
    assert config.desktop_cache_enabled is effective
    assert config.environment.desktop_cache_enabled is effective
    assert DockerRunnerConfig.of(config.environment) == config
    plain = DockerRunnerConfig(base_image="debian")
    assert (plain.headless_desktop_enabled, plain.desktop_cache_enabled) == (False, False)
