"""The grammar of `docker run`: what the docker client requests from the engine, and what we request."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake.bake.cli.container_flags import options_of
from desktop_bake.bake.task.container_request import ContainerRequest
from desktop_bake.generator.errors import ConfigurationError
from tests.harness.command_line import whole_parser

if TYPE_CHECKING:
    from pathlib import Path

    from desktop_bake.bake.engine.engine import Engine


VARIABLES = b"""\xef\xbb\xbfFIRST=with a mark
  INDENTED= kept spaces \n\t# an indented comment
# a comment

IS_SET
NOT_SET_HERE
EQUAL=a=b
LINE=a\x0bb\xc2\x85c
CR=x\r
TWICE=file
"""
# each row makes one container with either
ROWS = {
    "volumes": """-v {0}/a:/a -v {0}/a:/b:ro -v {0}/a:/c:z -v {0}/a:/d:Z -v {0}/a:/e:ro,z -v {0}/a:/f:cached
        -v {0}/a:/g:delegated,ro -v {0}/a:/h:rshared -v {0}/a:/i:rslave,ro,Z -v named-{1}:/j -v named-{1}:/k:nocopy
        -v named-{1}:/l:ro,nocopy -v /m -v {0}/a:/n:rw,consistent -v {0}/a:/a -v {0}/a:/o/../p//""",
    "mounts": """--mount type=bind,source={0}/a,target=/a,consistency=cached --mount type=bind,src={0}/a,dst=/b,ro
        --mount type=BIND,source={0}/a,destination=/c,readonly=1,bind-propagation=rslave
        --mount type=bind,source={0}/a,target=/d,bind-nonrecursive --mount type=tmpfs,target=/e,tmpfs-size=1.5m
        --mount type=bind,source={0}/a,target=/f,readonly,bind-recursive=writable
        --mount type=bind,source={0}/a,target=/g,bind-recursive=disabled,Consistency=Delegated
        --mount type=tmpfs,target=/h,tmpfs-mode=1770 --mount source=named-{1},target=/i,volume-nocopy
        --mount type=volume,source=labelled-{1},target=/j,volume-label=a=b,volume-label=c,volume-driver=local
        --mount target=/k,readonly=false
        --mount type=bind,"source={0}/b,c",target=/l""",
    "ports": """-p 80 -p 8080:81 -p 0.0.0.0:8081:82/udp -p 127.0.0.1::83 -p [::1]:8083:84
        -p 9000-9002:9000-9002 -p 9100-9105:86 -p 9200-9201:9300-9301/UDP -p 300-301 -p 8085:87/sctp -p [::]::88
        -p published=8090,target=90 -p target=91,protocol=udp -p 0:92""",
    "variables": "--env-file {0}/variables -e IS_SET -e PATH -e NOT_SET_HERE -e TWICE=flag -e A=1=2 -e EMPTY=",
    "gpus": "--gpus all",
    "more gpus": "--gpus capabilities=utility,count=2,driver=nvidia",
    "devices": '--gpus "device=0,1"',
    "users": "-u 1:2 -w /w --hostname=h --label=a=b",
    "limits": """--shm-size=1.5g --memory=96MiB --memory-swap=1gb --cpus=1.5 --pids-limit=7 --tmpfs=/t:size=1m
        --ulimit=nofile=1:2 --cap-add=SYS_PTRACE --cap-drop=KILL --device=/dev/null:/dev/other:r --add-host=a:1.2.3.4
        --security-opt=no-new-privileges --group-add=9 --dns=1.2.3.4 --sysctl=net.core.somaxconn=9""",
}
OURS = ("-v", "--mount", "-p", "--env-file", "-e", "--gpus", "-u", "-w")  # the others need --docker
OUR_DEFAULTS = ("--shm-size=1g", "--pids-limit=4096")
REFUSED = """-v /a:/b:x|-v /a:/b:ro,rw|-v /a:/b:z,Z|-v /a:|-v /a::ro|-v /a:b|-v /a:/b:ro:z|-v /a:/
-v /a:/b:nocopy,nocopy
--mount type=bind,source=/,target=/a,consistency|--mount type=bind,source=/|--mount type=bind,target=/a
--mount target=/a,unknown=1|--mount type=volume,target=/a,tmpfs-size=1m|--mount target=/a,readonly=maybe
--mount type=tmpfs,target=/a,tmpfs-mode=9|--mount type=bind,source=/,target=/a,bind-recursive=some
-v /usr:/b -v /srv:/b/|-v /usr:/b --mount type=tmpfs,target=/b
-p 1-2:1-3|-p 2-1|-p 70000|-p a|-p 1:2/icmp|-p host:1:2|-p ::1:8084:85|-p [::1:1:2|--gpus some|--gpus count=x|--gpus a=b
-e =x|--env-file {0}/no-name|--env-file {0}/space|--env-file {0}/latin""".replace("\n", "|").split("|")


SAYS = {
    "-v": "volume|mount|unknown flag",
    "--mount": "mount|key",
    "-p": "port|protocol",
    "--gpus": "value of gpus",
    "-e": "environment variable",
    "--env-file": "line 1 ",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders to mount and files of variables."""
    for name in ("a", "b,c"):
        (tmp_path / name).mkdir()
    files = {"variables": VARIABLES, "no-name": b"=x\n", "space": b"A B=1\n", "latin": b"A=caf\xe9\n"}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.setenv("IS_SET", "ours")
    return tmp_path


def words(row: str, folder: Path) -> list[str]:
    """A row's words, split with the quotes of the grammar."""
    return row.format(folder, os.getpid()).split()


def created(container: str) -> dict[str, Any]:
    """The engine's description of a container, which is then removed."""
    try:
        shown = subprocess.run(["docker", "inspect", container], capture_output=True, check=True).stdout
        return dict(json.loads(shown)[0])
    finally:
        subprocess.run(["docker", "rm", "-fv", container], capture_output=True, check=False)


def by_docker(asked: list[str], base: str) -> subprocess.CompletedProcess[str]:
    """The docker client creates it."""
    words = ["docker", "create", *OUR_DEFAULTS, *asked, base, "true"]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def by_us(asked: list[str], base: str, engine: Engine) -> str:
    """We create it, as a task without a desktop."""
    given = [w if asked[i - 1] in OURS or w in OURS else f"--docker={w}" for i, w in enumerate(asked)]
    options = options_of(whole_parser().parse_args(["run", *given]))
    request = ContainerRequest(image=base, command=["true"], labels={}, options=options, desktop=False, publish=False)
    body = request.body()
    answer = engine.endpoint.ask("POST", "/containers/create", {}, body)
    if answer.status != 201:
        raise ConfigurationError(answer.message, "")
    return str(answer.content["Id"])


def comparable(shown: dict[str, Any]) -> str:
    """What both have to agree on; without an address we publish on the loopback, without a locale we set UTF-8."""
    host, config = shown["HostConfig"], shown["Config"]
    ports = {
        port: [
            {**b, "HostIp": b["HostIp"] or "127.0.0.1", "HostPort": b["HostPort"].removeprefix("0") or ""} for b in bs
        ]
        for port, bs in (host["PortBindings"] or {}).items()
    }
    new = re.compile("[0-9a-f]{64}")
    mounted = sorted(
        (
            m["Type"],
            new.sub("", m["Source"]),
            new.sub("", m.get("Name", "")),
            m["Destination"],
            m["RW"],
            m.get("Propagation") or "rprivate" * (m["Type"] == "bind"),
        )
        for m in shown["Mounts"]
    )
    binds = [bind.rsplit(":", 1) for bind in host["Binds"] or () if re.search(":[^:/]+$", bind)]
    flags = [(bind, sorted({*text.split(",")} - {"rw"})) for bind, text in binds]
    fields = ("Consistency", "BindOptions", "VolumeOptions", "TmpfsOptions")
    described = {m["Target"]: {f: m[f] for f in fields if f in m} for m in host.get("Mounts") or ()}
    limits = [
        "ShmSize",
        "Memory",
        "MemorySwap",
        "NanoCpus",
        "PidsLimit",
        "Tmpfs",
        "Ulimits",
        "CapAdd",
        "CapDrop",
        "Devices",
        "ExtraHosts",
        "SecurityOpt",
        "GroupAdd",
        "Dns",
        "Sysctls",
    ]
    devices = [{name: value for name, value in d.items() if value} for d in host["DeviceRequests"] or ()]
    parts = {
        "ports": ports,
        "exposed": sorted(config.get("ExposedPorts") or ()),
        "mounted": mounted,
        "flagged": sorted((bind, found) for bind, found in flags if {*found} - {"ro"}),
        "described": {target: found for target, found in described.items() if found},
        "variables": {"LANG": "C.UTF-8", **dict(variable.partition("=")[::2] for variable in config["Env"])},
        "devices": devices,
        "limits": {name: host.get(name) or None for name in limits},
        "config": [config["User"], config["WorkingDir"], config["Labels"].get("a")],
    }
    text = json.dumps(parts, indent=1, sort_keys=True)
    return text.replace('"CAP_', '"').replace('    "DriverConfig": {},\n', "")  # the client's own habits


@pytest.mark.parametrize("row", ROWS)
def test_as_docker(row: str, folder: Path, base: str, engine: Engine) -> None:
    """The engine has the same description of the docker client's container and of ours."""
    asked = words(ROWS[row], folder)
    try:
        done = by_docker(asked, base)
        assert done.returncode == 0, done.stderr
        theirs = created(done.stdout.split()[-1])
        ours = created(by_us(asked, base, engine))
    finally:
        volumes = [f"{kind}-{os.getpid()}" for kind in ("named", "labelled")]
        subprocess.run(["docker", "volume", "rm", "-f", *volumes], capture_output=True, check=False)
    assert comparable(ours) == comparable(theirs)


@pytest.mark.parametrize("row", REFUSED)
def test_refused_as_by_docker(row: str, folder: Path, base: str, engine: Engine) -> None:
    """What the docker client, or the engine, refuses is refused here, with the wrong words."""
    asked = words(row, folder)
    done = by_docker(asked, base)
    if done.returncode == 0:
        created(done.stdout.split()[-1])
    assert done.returncode, "docker takes it"
    with pytest.raises(ConfigurationError, match=SAYS[asked[0]]):
        created(by_us(asked, base, engine))
