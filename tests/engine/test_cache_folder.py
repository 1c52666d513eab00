"""The cache folder belongs to this user alone, whoever created it and however."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.users import NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.project import Run


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that every user may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_another_user(cli: Run, project: Path, shared_folder: Path, local_cache: None) -> None:
    """After successful and failed builds no other user can read or lock a file of the cache, whatever its umask."""
    variables = {"XDG_CACHE_HOME": str(shared_folder), "PYTHONPATH": str(project)}
    (project / "sitecustomize.py").write_text("import os; os.umask(0)\n")
    assert cli("build", **variables).returncode == 0
    (project / "setup.sh").write_text("exit 7\n")
    assert cli("build", **variables).returncode == 6
    cache = shared_folder / "desktop-bake"
    files = [path for path in cache.rglob("*") if path.is_file()]
    assert {path.relative_to(cache).parts[0] for path in files} >= {"buildkit", "locks", "records"}
    held = 'for file; do flock -n "$file" true 2>/dev/null && echo "$file"; done; true'
    done = subprocess.run(
        ["sh", "-c", held, "sh", *files, shared_folder],
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
    )
    assert done.stdout.splitlines() == [str(shared_folder)]  # the one that is open to all
