"""How the files of an image are counted: from an archive as `docker export` writes it, without Docker."""

from __future__ import annotations

import io
import tarfile
import zlib

from benchmarks.contents import File, Share, by_package, files_of, owner, owners, total

LISTS = {"python3.11:amd64": "/.\n/usr/lib/python3.11/enum.py\n", "libc6:amd64": "/lib/x86_64-linux-gnu/libc.so.6\n"}


def archive(files: dict[str, bytes]) -> io.BytesIO:
    """A tar file of these, with a folder and a link, which do not count."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for kind, name in ((tarfile.DIRTYPE, "usr"), (tarfile.SYMTYPE, "lib")):
            member = tarfile.TarInfo(name)
            member.type = kind
            tar.addfile(member)
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), 7
            tar.addfile(member, io.BytesIO(content))
    written.seek(0)
    return written


def test_files_of_an_archive() -> None:
    """Each regular file has its size and time; what is asked for has its compressed size, and lists their text."""
    content, text = b"a" * 1000, b"/usr/bin/xterm\n"
    made = archive({"usr/bin/xterm": content, "etc/motd": b"hello", "var/lib/dpkg/info/xterm.list": text})
    asked: list[tuple[str, int, int]] = []

    def pack(path: str, size: int, time: int) -> bool:
        asked.append((path, size, time))
        return path == "usr/bin/xterm"

    files, lists = files_of(made, pack)
    assert lists == {"xterm": "/usr/bin/xterm\n"}
    assert files["usr/bin/xterm"] == File(size=1000, time=7, packed=len(zlib.compress(content)))
    assert files["etc/motd"] == File(size=5, time=7, packed=0)
    assert asked[:2] == [("usr/bin/xterm", 1000, 7), ("etc/motd", 5, 7)]
    assert sorted(files) == ["etc/motd", "usr/bin/xterm", "var/lib/dpkg/info/xterm.list"]


def test_owners() -> None:
    """A package owns its files, also under their place since /lib moved into /usr, and what Python compiled of them."""
    found = owners(LISTS)
    assert owner("usr/lib/python3.11/enum.py", found) == "python3.11"
    assert owner("usr/lib/x86_64-linux-gnu/libc.so.6", found) == "libc6"
    assert owner("usr/lib/python3.11/__pycache__/enum.cpython-311.pyc", found) == "python3.11"
    assert owner("usr/lib/python3.11/__pycache__/gone.cpython-311.pyc", found) == "caches, configuration"
    assert owner("var/lib/dpkg/status", found) == "the package database"
    assert owner("etc/motd", found) == "caches, configuration"


def test_packages() -> None:
    """The largest package comes first, with the sum of its files."""
    files = {
        "usr/lib/x86_64-linux-gnu/libc.so.6": File(size=5, time=0, packed=4),
        "usr/lib/python3.11/enum.py": File(size=3, time=0, packed=1),
        "usr/lib/python3.11/__pycache__/enum.cpython-311.pyc": File(size=3, time=0, packed=2),
    }
    assert by_package(files, owners(LISTS)) == [
        ("python3.11", Share(size=6, packed=3)),
        ("libc6", Share(size=5, packed=4)),
    ]


def test_total() -> None:
    """What was opened but is not of the image does not count, and nothing counts twice."""
    files = {"a": File(size=5, time=0, packed=4), "b": File(size=1, time=0, packed=1)}
    assert total(files, ["a", "a", "proc/1/stat"]) == Share(size=5, packed=4)
    assert total(files, []) == Share()
