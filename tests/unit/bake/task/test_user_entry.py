"""What a container's list of users lacks of a task's user."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from desktop_bake.bake.task.user_entry import entry_for, give_home
from tests.harness.every import every

if TYPE_CHECKING:
    from desktop_bake.bake.task.container import Container

ROOT = b"root:x:0:0:root:/root:/bin/bash\n"
NOBODY = b"nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n"
WORKER = b"worker:x:1000:1000:\xfc:/home/worker:/bin/sh\n"
LIST = ROOT + NOBODY + WORKER


@every("user", ["root", "0", "worker", "1000", "1000:1000", "worker:users", "nosuch", "-1", "x:1"])
def test_nothing_is_lacking(user: str) -> None:
    """A user with a home is left alone, and so is a name that the image does not know, which the engine refuses."""
    assert entry_for(LIST, user) is None


@pytest.mark.parametrize(
    ("user", "line", "owner"),
    [
        ("4321", b"desktop:x:4321:0::/home/desktop:/bin/bash\n", (4321, 0)),
        ("4321:50", b"desktop:x:4321:50::/home/desktop:/bin/bash\n", (4321, 50)),
        ("4321:users", b"desktop:x:4321:0::/home/desktop:/bin/bash\n", (4321, 0)),
    ],
)
def test_a_number(user: str, line: bytes, owner: tuple[int, int]) -> None:
    """A number that nobody has becomes a user with a home; all others stay byte by byte."""
    entry = entry_for(LIST, user)
    assert entry
    assert entry.passwd == LIST + line
    assert (entry.home, entry.uid, entry.gid) == ("/home/desktop", *owner)


def test_a_name_that_is_taken() -> None:
    """Two users have two names."""
    first = entry_for(LIST, "4321")
    assert first
    second = entry_for(first.passwd, "4322")
    assert second
    assert second.passwd == first.passwd + b"desktop4322:x:4322:0::/home/desktop4322:/bin/bash\n"
    assert entry_for(first.passwd, "4321") is None


@pytest.mark.parametrize("user", ["nobody", "65534"])
def test_a_user_without_a_home(user: str) -> None:
    """One whose home is nowhere gets one."""
    entry = entry_for(LIST, user)
    assert entry
    assert entry.passwd == ROOT + NOBODY.replace(b"/nonexistent", b"/home/nobody") + WORKER
    assert (entry.home, entry.uid) == ("/home/nobody", 65534)


class FakeContainer:
    """A container with this list of users, that notes what it is given."""

    def __init__(self, passwd: bytes) -> None:
        self.passwd = passwd
        self.given: list[object] = []

    def read(self, path: str) -> bytes:
        """As `Container.read`."""
        assert path == "/etc/passwd"
        return self.passwd

    def put(self, folder: str, files: dict[str, bytes]) -> None:
        """As `Container.put`."""
        self.given.append((folder, files))

    def make_home(self, *words: object) -> None:
        """As `Container.make_home`."""
        self.given.append(words)


def test_given() -> None:
    """The container gets the list and the folder; one without a list of users gets nothing."""
    container = FakeContainer(ROOT)
    give_home(cast("Container", container), "7:8")
    added = ROOT + b"desktop:x:7:8::/home/desktop:/bin/bash\n"
    assert container.given == [("/etc", {"passwd": added}), ("/home/desktop", 7, 8)]
    for passwd, user in ((b"", "7"), (LIST, "worker")):
        container = FakeContainer(passwd)
        give_home(cast("Container", container), user)
        assert container.given == []
