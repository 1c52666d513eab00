"""Mounts as people write them, as docker reads them, and as the engine takes them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from desktop_bake import ConfigurationError, Mount
from desktop_bake.bake.task.mounts import check_sources, parse_mount, parse_volume
from tests.harness.every import every


@every(
    ("text", "mount"),
    [
        ("/a:/b", Mount(kind="bind", source="/a", target="/b")),
        ("/a:/b:ro", Mount(kind="bind", source="/a", target="/b", read_only=True)),
        ("./a:/b:rw", Mount(kind="bind", source=str(Path("a").absolute()), target="/b")),
        ("cache:/b", Mount(kind="volume", source="cache", target="/b")),
        ("/b", Mount(kind="volume", target="/b")),
        ("/a:/b:z,ro,rshared", Mount(kind="bind", source="/a", target="/b", read_only=True, flags=("z", "rshared"))),
        ("a/b:/b", Mount(kind="bind", source=str(Path("a/b").absolute()), target="/b")),
        ("~/a:/b", Mount(kind="bind", source=str(Path("~/a").expanduser()), target="/b")),
        ("/a://b/../c/", Mount(kind="bind", source="/a", target="/c")),
    ],
)
def test_volumes(text: str, mount: Mount) -> None:
    """`-v` as docker reads it."""
    assert parse_volume(text) == mount


@every(
    ("text", "says"),
    [
        ("", "malformed volume ''"),
        (":", "malformed volume ':'"),
        ("a:", "the mount's target '' is not a path in the container"),
        ("/a:b", "the mount's target 'b' is not a path in the container"),
        ("/a:/b:z:z", "malformed volume '/a:/b:z:z'"),
        ("/a:/b:z,Z", "malformed volume '/a:/b:z,Z'"),
        ("/a:/b:mine", "unknown flag 'mine' in '/a:/b:mine'"),
        ("/a:/b:", "unknown flag '' in '/a:/b:'"),
        ("/a:/b:ro,rw", "malformed volume '/a:/b:ro,rw'"),
        ("/a:/..", "the mount's target '/' is not a path in the container"),
        ("~nobody-of-this-name/a:/b", "no folder has the name '~nobody-of-this-name/a'"),
        ("/a:/", "the mount's target '/' is not a path in the container"),
    ],
)
def test_volumes_refused(text: str, says: str) -> None:
    """The error names the wrong part of a malformed volume."""
    with pytest.raises(ConfigurationError, match=f"{re.escape(says)}$"):
        parse_volume(text)


@pytest.mark.parametrize(
    ("text", "mount"),
    [
        ("type=bind,src=/a,dst=/b,readonly", Mount(kind="bind", source="/a", target="/b", read_only=True)),
        ("type=bind,source=/a,target=/b,ro=false", Mount(kind="bind", source="/a", target="/b")),
        ("type=tmpfs,destination=/b", Mount(kind="tmpfs", target="/b")),
        ("TYPE=Bind,SRC=/a,Target=/b", Mount(kind="bind", source="/a", target="/b")),
        ('"source=a,b",target=/b', Mount(kind="volume", source="a,b", target="/b")),
        ("source=cache,target=/b", Mount(kind="volume", source="cache", target="/b")),
    ],
)
def test_mounts(text: str, mount: Mount) -> None:
    """`--mount` as docker reads it."""
    assert parse_mount(text) == mount


@every(
    ("text", "fields"),
    [
        ("type=bind,src=/a,dst=/b,bind-propagation=RSLAVE", {"BindOptions": {"Propagation": "rslave"}}),
        ("type=bind,src=/a,dst=/b,bind-nonrecursive", {"BindOptions": {"NonRecursive": True}}),
        ("type=bind,src=/a,dst=/b,bind-recursive=enabled", {"BindOptions": {}}),
        ("type=bind,src=/a,dst=/b,bind-recursive=readonly", {"BindOptions": {"ReadOnlyForceRecursive": True}}),
        ("type=bind,src=/a,dst=/b,consistency=cached", {"Consistency": "cached"}),
        ("dst=/b,volume-nocopy", {"VolumeOptions": {"NoCopy": True}}),
        ("dst=/b,volume-nocopy=false", {"VolumeOptions": {"NoCopy": False}}),
        ("dst=/b,volume-label=a=1,volume-label=b", {"VolumeOptions": {"Labels": {"a": "1", "b": ""}}}),
        (
            "dst=/b,volume-driver=local,volume-opt=type=nfs,volume-opt=o=ro",
            {"VolumeOptions": {"DriverConfig": {"Name": "local", "Options": {"type": "nfs", "o": "ro"}}}},
        ),
        ("type=tmpfs,dst=/b,tmpfs-size=1m,tmpfs-mode=1777", {"TmpfsOptions": {"SizeBytes": 1 << 20, "Mode": 0o1777}}),
    ],
)
def test_fields(text: str, fields: dict[str, Any]) -> None:
    """Other keys of `--mount` are in the engine's own place for them."""
    mount = parse_mount(text)
    assert mount.fields == fields
    own = {"Type": mount.kind, "Source": mount.source, "Target": "/b", "ReadOnly": False}
    assert mount.description == {**own, **fields}


@every(
    ("text", "says"),
    [
        ("type=npipe,target=/a", "unknown kind of mount 'npipe'"),
        ("type=bind,source=/a", "the mount's target '' is not a path in the container"),
        ("target=/b,shared=1", "--mount: unknown key 'shared'"),
        *(
            (text, f"malformed mount '{text}'")
            for text in (
                "target",
                "target=/b,ro=perhaps",
                "type=bind,source=/a,target=/b,bind-recursive=so",
                "type=tmpfs,target=/b,tmpfs-size=much",
                "type=tmpfs,target=/b,tmpfs-mode=9",
                "target=/b,volume-opt=o",
                '"target=/b',
            )
        ),
        ("target=/b,tmpfs-size=1m", "--mount: a key of another kind than volume in 'target=/b,tmpfs-size=1m'"),
        ("type=bind,target=/b", "the mount's source '' is not absolute"),
    ],
)
def test_mounts_refused(text: str, says: str) -> None:
    """The error names the wrong part of a malformed mount."""
    with pytest.raises(ConfigurationError, match=f"^{re.escape(says)}$"):
        parse_mount(text)


def test_what_the_engine_takes() -> None:
    """A mount with flags has the form of a bind, read-only as the first of them."""
    mount = Mount(kind="bind", source="/a", target="/b", read_only=True, flags=("z", "rshared"))
    assert mount.bind == "/a:/b:ro,z,rshared"
    assert Mount(kind="volume", source="v", target="/b").bind == "v:/b:"


def test_missing_source(tmp_path: Path) -> None:
    """A folder that is not there is named, with the command that makes it."""
    check_sources([Mount(kind="bind", source=str(tmp_path), target="/a"), Mount(kind="volume", target="/b")])
    with pytest.raises(ConfigurationError, match="does not exist") as caught:
        check_sources([Mount(kind="bind", source=str(tmp_path / "no"), target="/a")])
    assert caught.value.remedy == f"mkdir -p {tmp_path / 'no'}"
