"""Variables and further options of `docker run`, as people write them and as the engine takes them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from desktop_bake import ConfigurationError
from desktop_bake.bake.task.docker_flags import (
    docker_options,
    parse_env_file,
    parse_environment,
    profile_of,
    with_profile,
)
from tests.harness.every import every


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ([], {}),
        (["A=1=2", "C="], {"A": "1=2", "C": ""}),
        (["HERE", "GONE"], {"HERE": "secret", "GONE": None}),
        (["A=1", "A=2"], {"A": "2"}),
        (["a b=c"], {"a b": "c"}),
    ],
)
def test_variables(lines: list[str], wanted: dict[str, str | None]) -> None:
    """A name alone takes this process's value; one that is not set here takes the image's away; the last one counts."""
    assert parse_environment(lines, {"HERE": "secret"}) == wanted


@pytest.mark.parametrize("line", ["", "=", "=hunter2"])
def test_variables_refused(line: str) -> None:
    """A variable without a name is refused, and its value not repeated."""
    with pytest.raises(ConfigurationError, match=r"^malformed environment variable after -e$"):
        parse_environment(["A=1", line], {})


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"", {}),
        (b"A=1\nB=a b \n", {"A": "1", "B": "a b "}),
        (b"\xef\xbb\xbfA=1\r\n\r\n# B=2\n  # C=3\n  D=4", {"A": "1", "D": "4"}),
        (b"HERE\nGONE\n", {"HERE": "secret"}),
        ("A=ü".encode(), {"A": "ü"}),
        (b"A=1\nA=", {"A": ""}),
        (b"A=x\x0cy\x0b", {"A": "x\x0cy\x0b"}),
    ],
)
def test_env_files(content: bytes, wanted: dict[str, str]) -> None:
    """Lines as docker reads them: comments, marks and ends of lines of any system are no values."""
    assert parse_env_file("a.env", content, {"HERE": "secret"}) == wanted


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"# caf\xe9\n", "line 1 is not UTF-8"),
        (b"A=1\n=x\n", "line 2 has no name"),
        (b"\nA \n", "line 2 has no name"),
        (b"A\tB=hunter2", "line 1 has"),
    ],
)
def test_env_files_refused(content: bytes, said: str) -> None:
    """What is wrong in a file of variables is reported by its line, and no value is."""
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


@every(
    ("words", "wanted"),
    [
        ((), {}),
        (
            ("--memory=1g", "--memory-swap=2g", "--pids-limit=-1"),
            {"Memory": 1 << 30, "MemorySwap": 2 << 30, "PidsLimit": -1},
        ),
        (("--sysctl=a=b", "--sysctl=c=d"), {"Sysctls": {"a": "b", "c": "d"}}),
        (("--tmpfs=/t", "--tmpfs=/u:ro"), {"Tmpfs": {"/t": "", "/u": "ro"}}),
        (("--ulimit=core=0",), {"Ulimits": [{"Name": "core", "Soft": 0, "Hard": 0}]}),
        (("--security-opt=seccomp=unconfined",), {"SecurityOpt": ["seccomp=unconfined"]}),
        (('--security-opt=seccomp={"a":1}',), {"SecurityOpt": ['seccomp={"a":1}']}),
        (("--cpus=1", "--cpus=2"), {"NanoCpus": 2_000_000_000}),
        (
            ("--device=/dev/a", "--device=/dev/a:/dev/b:r"),
            {
                "Devices": [
                    {"PathOnHost": "/dev/a", "PathInContainer": "/dev/a", "CgroupPermissions": "rwm"},
                    {"PathOnHost": "/dev/a", "PathInContainer": "/dev/b", "CgroupPermissions": "r"},
                ]
            },
        ),
    ],
)
def test_of_the_host(words: tuple[str, ...], wanted: dict[str, Any]) -> None:
    """Several of one option are a list or a table; of the others the last one counts."""
    assert docker_options(words) == ({"HostConfig": wanted} if wanted else {})


@every(
    ("text", "says"),
    [
        ("--pid=host", "the option '--pid' is not allowed"),
        ("shm-size=1g", "the option 'shm-size' is not allowed"),
        ("--shm-size", "bad value in '--shm-size'"),
        ("--shm-size=much", "bad value in '--shm-size=much'"),
        ("--privileged=yes", "bad value in '--privileged=yes'"),
        ("--label=desktop-bake-task=x", "bad value in '--label=desktop-bake-task=x'"),
        ("--security-opt=seccomp=file", "bad value in '--security-opt=seccomp=file'"),
        ("--cpus=nan", "bad value in '--cpus=nan'"),
        ("--cpus=inf", "bad value in '--cpus=inf'"),
        ("--tmpfs=t", "bad value in '--tmpfs=t'"),
        ("--device=a", "bad value in '--device=a'"),
        ("--device=/a:/b:r:w", "bad value in '--device=/a:/b:r:w'"),
        ("--ulimit=core", "bad value in '--ulimit=core'"),
        ("--ulimit=core=a:b", "bad value in '--ulimit=core=a:b'"),
        ("--label==x", "bad value in '--label==x'"),
        ("--cap-add=", "bad value in '--cap-add='"),
        ("--", "the option '--' is not allowed"),
        ("", "the option '' is not allowed"),
        ("--network=host", "the option '--network' is not allowed"),
    ],
)
def test_docker_options_refused(text: str, says: str) -> None:
    """What is not known, malformed, or would get around a check is named."""
    with pytest.raises(ConfigurationError, match=f"{re.escape(says)}$"):
        docker_options([text])


def test_a_seccomp_profile() -> None:
    """The option names a file, and the engine gets its content; a file that is no profile is refused."""
    word = "--security-opt=seccomp=my.json"
    assert profile_of(word) == "my.json"
    for other in ("--security-opt=seccomp=unconfined", "--security-opt=no-new-privileges", "--shm-size=1g"):
        assert profile_of(other) is None
    whole = with_profile(word, b'{ "defaultAction": "SCMP_ACT_ERRNO" }')
    assert whole == '--security-opt=seccomp={"defaultAction":"SCMP_ACT_ERRNO"}'
    assert profile_of(whole) is None
    assert docker_options([whole]) == {"HostConfig": {"SecurityOpt": [whole.partition("=")[2]]}}
    for content in (b"", b"{}", b"[1]", b"\xff"):
        with pytest.raises(ConfigurationError, match=r"my\.json is not a seccomp profile"):
            with_profile(word, content)
