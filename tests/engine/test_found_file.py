"""A configuration that is found, not named: another user's is not used, since it runs programs."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_bake.bake.system.found_file import why_untrusted
from tests.harness.found_file import NAME

if TYPE_CHECKING:
    import pytest


def test_a_file_system_without_access_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without access lists, such as FUSE, does not fail: the group's bits decide."""

    def listxattr(path: Path) -> list[str]:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP), path)

    path = tmp_path / NAME
    path.touch()
    path.chmod(0o664)
    monkeypatch.setattr(os, "listxattr", listxattr)
    assert why_untrusted(path, named_by_place=False) is None
    os.chown(path, 0, 60)
    assert why_untrusted(path, named_by_place=False) == "a group may write it"
