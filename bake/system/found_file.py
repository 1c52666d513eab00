"""A file that was found, not named: used only if nobody else can have put it there (git's `safe.directory`)."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping


def find_upwards(name: str) -> Path | None:
    """The nearest file of this name, in the working directory or above it; None if there is none.

    In the working directory, file and folder must belong to this user, to root, or to the user who called sudo. Above
    it, nobody else may be able to write to them either: people do not choose the folders above the one they work in.

    Raises:
        ConfigurationError: the file is somebody else's, or the working directory is gone.
    """
    try:
        here = Path.cwd()
    except OSError as error:
        raise ConfigurationError(
            f"the working directory cannot be read: {error.strerror}", "change to another folder"
        ) from error
    for folder in (here, *here.parents):
        path = folder / name
        if os.path.isfile(path):  # noqa: PTH113 (Path.is_file raises if the folder cannot be read)
            why = why_untrusted(path, named_by_place=folder == here)
            if why:
                raise ConfigurationError(
                    f"{path} is not used: {why}; a configuration runs programs", f"if you trust it: --config {path}"
                )
            return path
    return None


def why_untrusted(path: Path, *, named_by_place: bool) -> str | None:
    """Why somebody else may have made a file, the link that names it or its folder; None if nobody can have.

    Args:
        path: the file.
        named_by_place: whether the file's place is enough to trust everybody whom the owner lets write there.
    """
    user = os.geteuid()
    owners = {0, user} | (_caller_of_sudo(os.environ) if user == 0 else set())
    folder = path.parent
    for name, it, status in (
        ("it", path, path.lstat()),
        ("it", path, path.stat()),
        ("its folder", folder, folder.stat()),
    ):
        if status.st_uid not in owners:
            return f"{name} belongs to {name_of(status.st_uid)}"
        if named_by_place or stat.S_ISLNK(status.st_mode):  # a link's mode means nothing
            continue
        if status.st_mode & stat.S_IWOTH:
            return f"everybody may write {name}"
        if status.st_mode & stat.S_IWGRP and not _is_private(it, status):
            return f"a group may write {name}"
    return None


def _caller_of_sudo(variables: Mapping[str, str]) -> set[int]:
    caller = variables.get("SUDO_UID", "")
    return {int(caller)} if caller.isascii() and caller.isdigit() else set()


def _is_private(path: Path, status: os.stat_result) -> bool:
    """Whether a file's group is root's or its owner's private group, which most distributions create for each user."""
    try:
        group, owner = grp.getgrgid(status.st_gid), pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        return False
    return not _has_access_list(path) and group.gr_name in (owner, "root") and set(group.gr_mem) <= {owner, "root"}


def _has_access_list(path: Path) -> bool:
    """Whether the group's bits apply to everybody in an access list; a file system may have no such lists."""
    try:
        return "system.posix_acl_access" in os.listxattr(path)
    except (AttributeError, OSError):  # macOS; FUSE
        return False


def name_of(user: int) -> str:
    """A user's name, or the number if there is no name."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"
