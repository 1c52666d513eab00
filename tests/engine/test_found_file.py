"""A configuration that was found and not named: a stranger's is not used, since it runs programs."""

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
    """One that cannot have an access list, as FUSE's, is no reason to fail: the group's bits are the group's."""

    def listxattr(path: Path) -> list[str]:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP), path)

    path = tmp_path / NAME
    path.touch()
    path.chmod(0o664)
    monkeypatch.setattr(os, "listxattr", listxattr)
    assert why_untrusted(path, named_by_place=False) is None
    os.chown(path, 0, 60)
    assert why_untrusted(path, named_by_place=False) == "a group may write it"
