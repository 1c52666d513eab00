"""A build's own folder in the cache folder."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

from .machine_lock import lock_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...generator.layer_key import Key


_BEGINNING = "bake-"


@contextmanager
def build_folder(folder: Path, key: Key) -> Iterator[Path]:
    """A new folder for the build of this key, whose lock the caller has; if we are killed, the next build removes it.

    Args:
        folder: the cache folder.
        key: the key.
    """
    clear_build_folders(folder, held=key)
    with tempfile.TemporaryDirectory(prefix=f"{_BEGINNING}{key}.", dir=folder) as name:
        yield Path(name)


def clear_build_folders(folder: Path, held: Key | None = None) -> None:
    """Remove the folders of killed builds, but not those of running builds, which hold their key's lock.

    Args:
        folder: the cache folder.
        held: the key whose lock the caller has.
    """
    for left in folder.glob(f"{_BEGINNING}*"):
        key = left.name.removeprefix(_BEGINNING).rpartition(".")[0]
        with (
            contextlib.suppress(filelock.Timeout),
            nullcontext() if key == str(held) else lock_of(key).acquire(blocking=False),
        ):
            shutil.rmtree(left, ignore_errors=True)
