"""Options of a task's container: what is refused, and what it is reported by."""

from __future__ import annotations

import re

import pytest

from desktop_bake import Mount, TaskOptions
from desktop_bake.bake.task.docker_flags import docker_options
from desktop_bake.generator.errors import ConfigurationError
from tests.harness.every import every


@every(
    ("values", "says"),
    [
        ({"geometry": "800"}, "bad geometry '800'"),
        ({"geometry": "0x600"}, "bad geometry '0x600'"),
        ({"geometry": "99999x1"}, "bad geometry '99999x1'"),
        ({"geometry": "63x800"}, "bad geometry '63x800'"),
        ({"geometry": "800x16385"}, "bad geometry '800x16385'"),
        ({"depth": 8}, "bad depth 8"),
        ({"novnc_port": 0}, "bad noVNC port 0"),
        ({"novnc_port": 65536}, "bad noVNC port 65536"),
        ({"name": "-x"}, "bad container name '-x'"),
        ({"workdir": "here"}, "the working directory 'here' is not absolute"),
        ({"memory": "5m"}, "memory '5m' is too little"),
        ({"memory": "2 tons"}, "bad memory '2 tons'"),
        ({"memory": -1}, "bad memory -1"),
        ({"shm_size": "-1"}, "bad shm_size '-1'"),
        ({"shm_size": "9" * 30}, f"bad shm_size '{'9' * 30}'"),
        ({"cpus": "many"}, "bad cpus 'many'"),
        ({"cpus": "-1"}, "bad cpus '-1'"),
        ({"cpus": "1/0"}, "bad cpus '1/0'"),
        ({"cpus": 1e-12}, "bad cpus 1e-12"),
        ({"platform": "arm64"}, "malformed platform 'arm64'"),
        ({"gpus": "some"}, "bad value of gpus: 'some'"),
        ({"variables": {"": "x"}}, "malformed environment variable ''"),
        ({"variables": {"A": "\0"}}, "malformed environment variable 'A'"),
        (
            {"mounts": (Mount(kind="volume", target="/a"), Mount(kind="volume", target="/a/"))},
            "two mounts have the target /a: ",
        ),
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


@pytest.mark.parametrize(("others", "words"), [((Mount(kind="volume", target="/a/b/../"),), []), ((), ["--tmpfs=/a/"])])
def test_two_mounts_at_one_target(others: tuple[Mount, ...], words: list[str]) -> None:
    """Two mounts at one target are refused with what would happen, whichever way each is written."""
    mounts, extra = (Mount(kind="bind", source="/s", target="/a"), *others), docker_options(words)
    with pytest.raises(ConfigurationError, match="two mounts have the target /a: one would hide the other") as caught:
        TaskOptions(mounts=mounts, extra=extra)
    assert caught.value.remedy == "give each its own target"


def test_values_are_not_shown() -> None:
    """A variable's value does not get into a log by way of the options' representation."""
    assert "hunter2" not in repr(TaskOptions(variables={"PASSWORD": "hunter2"}))


def test_limits() -> None:
    """Numbers and texts ask for the same; none of them is none, and 0 of memory is no limit, as in docker."""
    assert TaskOptions(memory="1.5g", shm_size="64m", cpus=2).limits == {
        "Memory": 3 << 29,
        "ShmSize": 64 << 20,
        "NanoCpus": 2 * 10**9,
    }
    assert TaskOptions(memory=0, cpus="1/2").limits == {"Memory": 0, "NanoCpus": 5 * 10**8}
    assert TaskOptions().limits == {}
