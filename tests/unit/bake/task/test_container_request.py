"""The engine's container: limits, ports, mounts and variables, and what is refused for a desktop's sake."""

from __future__ import annotations

from typing import Any

import pytest

from desktop_bake import ConfigurationError, Mount, Port, TaskOptions
from desktop_bake.bake.cli.container_flags import options_of
from desktop_bake.bake.task.container_request import ContainerRequest
from desktop_bake.bake.task.docker_flags import docker_options, parse_environment
from desktop_bake.bake.task.labels import TASK_LABEL
from desktop_bake.bake.task.options import device_request
from desktop_bake.bake.task.ports import parse_ports
from tests.harness.command_line import whole_parser
from tests.harness.every import every

SOCKETS = "/tmp/.X11-unix"


def body_of(image: str, command: list[str], options: TaskOptions, *, desktop: bool, publish: bool) -> dict[str, Any]:
    """What the engine is asked for."""
    request = ContainerRequest(
        image=image, command=command, labels={TASK_LABEL: "env"}, options=options, desktop=desktop, publish=publish
    )
    return request.body()


def test_environment() -> None:
    """A name alone takes this process's value; one that is not set here takes the image's away."""
    found = parse_environment(["A=1=2", "B", "C=", "D"], {"B": "secret"})
    assert found == {"A": "1=2", "B": "secret", "C": "", "D": None}
    body = body_of("i", ["x"], TaskOptions(variables=found), desktop=False, publish=False)
    assert body["Env"] == ["A=1=2", "B=secret", "C=", "D", "LANG=C.UTF-8"]


def test_a_session() -> None:
    """A desktop's programs find the session's folder and bus, Qt its platform, unless image or task say otherwise."""

    def variables(*inherited: str, **given: str) -> dict[str, str]:
        options = TaskOptions(variables=given)
        request = ContainerRequest(
            image="i", command=["x"], labels={}, options=options, desktop=True, publish=True, inherited=inherited
        )
        return dict(text.split("=", 1) for text in request.body()["Env"])

    found = variables()
    assert found["XDG_RUNTIME_DIR"] == f"{SOCKETS}/run"
    assert found["DBUS_SESSION_BUS_ADDRESS"] == f"unix:path={SOCKETS}/run/bus"
    assert (found["QT_QPA_PLATFORM"], found["XAPPLRESDIR"]) == ("xcb", "/etc/desktop-bake/app-defaults")
    assert variables(QT_QPA_PLATFORM="offscreen")["QT_QPA_PLATFORM"] == "offscreen"
    assert "QT_QPA_PLATFORM" not in variables("QT_QPA_PLATFORM=offscreen")
    plain = body_of("i", ["x"], TaskOptions(), desktop=False, publish=False)
    assert plain["Env"] == ["LANG=C.UTF-8"]


def test_limits() -> None:
    """A browser has the shared memory that it needs, a fork bomb has an end, and both can be changed."""

    def limits(*words: str) -> list[object]:
        options = options_of(whole_parser().parse_args(["run", *words]))
        host = body_of("image", ["true"], options, desktop=True, publish=True)["HostConfig"]
        return [host["ShmSize"], host["PidsLimit"], host.get("SecurityOpt")]

    assert limits() == [1 << 30, 4096, None]
    assert limits("--shm-size", "2g", "--pids-limit=-1", "--security-opt", "no-new-privileges") == [
        2 << 30,
        -1,
        ["no-new-privileges"],
    ]
    assert limits("--docker=--shm-size=64m", "--docker=--pids-limit=9") == [64 << 20, 9, None]
    assert limits("--docker=--shm-size=64m", "--shm-size=1m")[0] == 1 << 20


def test_memory_and_processors() -> None:
    """Flags and fields mean the same, in the engine's units; without them there is no limit."""
    options = options_of(whole_parser().parse_args(["run", "-m", "2g", "--cpus", "1.5", "--docker=--memory-swap=-1"]))
    asked = TaskOptions(memory=2 << 30, cpus=1.5, extra=docker_options(["--memory-swap=-1"]))
    for one in (options, asked):
        host = body_of("image", ["true"], one, desktop=True, publish=True)["HostConfig"]
        assert (host["Memory"], host["NanoCpus"], host["MemorySwap"]) == (2 << 30, 1_500_000_000, -1)
    host = body_of("image", ["true"], TaskOptions(), desktop=True, publish=True)["HostConfig"]
    assert not {"Memory", "NanoCpus"} & host.keys()


def test_a_fixed_port() -> None:
    """noVNC's port outside is a free one, or the one that is requested; nobody but this machine reaches it."""
    for wanted, port in ((None, ""), (6081, "6081")):
        body = body_of("i", ["x"], TaskOptions(novnc_port=wanted), desktop=True, publish=True)
        assert body["HostConfig"]["PortBindings"] == {"6080/tcp": [{"HostIp": "127.0.0.1", "HostPort": port}]}


def test_novncs_port_is_refused() -> None:
    """A desktop's own port cannot be published a second time; without a desktop it is like any other."""
    options = TaskOptions(ports=(*parse_ports("6079-6081:6079-6081"), Port(container=6080, protocol="udp")))
    with pytest.raises(ConfigurationError, match="port 6080 is noVNC's, and published already") as caught:
        options.check_desktop()
    assert "another port than 6080" in caught.value.remedy
    body = body_of("image", ["true"], options, desktop=False, publish=False)
    assert body["HostConfig"]["PortBindings"]["6080/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": "6080"}]


@every(
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
    body_of("image", ["true"], options, desktop=False, publish=False)


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
    body = body_of("image", ["bash", "-c", "x"], options, desktop=True, publish=True)
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
