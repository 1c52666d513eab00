"""`desktop-bake completion`: the script of a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from desktop_bake.bake.cli.completion import completion_script

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(typed: Callable[..., tuple[int, str, str]], shell: str) -> None:
    """The script is printed as it is, and nothing else."""
    assert typed("completion", shell) == (0, completion_script(shell), "")
