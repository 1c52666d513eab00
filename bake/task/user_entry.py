"""A task's user in its container's list of users: without an entry there, programs find no name and no home.

A user without an entry has `/` as its home, which it cannot write to, and the session's bus does not start for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .container import Container


_PASSWD = "/etc/passwd"
_NO_HOME = ("/", "/nonexistent", "")
_NAME = "desktop"  # for a user without a name


@dataclass(frozen=True, kw_only=True)
class UserEntry:
    """What a container's list of users lacks for one user.

    Attributes:
        passwd: the list with the user's entry.
        home, uid, gid: the folder that must be made, and its owner.
    """

    passwd: bytes
    home: str
    uid: int
    gid: int


def entry_for(passwd: bytes, user: str) -> UserEntry | None:
    """The entry that a user needs; None if it has a name and a home, or if the image does not know that name.

    Args:
        passwd: the list of users (passwd(5)).
        user: `user[:group]`, names or numbers.
    """
    name, _, group = user.partition(":")
    lines = passwd.decode("utf-8", "surrogateescape").splitlines()
    rows = [line.split(":") for line in lines]
    number = next((n for n, row in enumerate(rows) if len(row) == 7 and name in (row[0], row[2])), None)
    if number is None:
        if not re.fullmatch(r"[0-9]{1,10}", name):
            return None
        free = _NAME if all(row[0] != _NAME for row in rows) else f"{_NAME}{name}"
        row = [free, "x", name, group if group.isdecimal() else "0", "", f"/home/{free}", "/bin/bash"]
        lines.append(":".join(row))
    else:
        row = rows[number]
        if row[5] not in _NO_HOME or not (row[2].isdecimal() and row[3].isdecimal()):
            return None
        row = [*row[:5], f"/home/{row[0]}", row[6]]
        lines[number] = ":".join(row)
    text = "".join(f"{line}\n" for line in lines)
    return UserEntry(passwd=text.encode("utf-8", "surrogateescape"), home=row[5], uid=int(row[2]), gid=int(row[3]))


def give_home(container: Container, user: str) -> None:
    """Give a task's user a name and a home in its container before it is started, as podman does.

    Raises:
        TaskError: the engine refused.
    """
    passwd = container.read(_PASSWD)
    entry = entry_for(passwd, user) if passwd else None
    if entry:
        folder, _, name = _PASSWD.rpartition("/")
        container.put(folder, {name: entry.passwd})
        container.make_home(entry.home, entry.uid, entry.gid)
