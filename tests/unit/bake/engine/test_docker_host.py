"""Which engine is spoken to, and how: the docker client is the oracle, the engine is the real one."""

from __future__ import annotations

import pytest

from desktop_bake.bake.engine.docker_host import chosen_host
from desktop_bake.generator.errors import EngineError


@pytest.mark.parametrize("host", ["fd://", "fd://3", "npipe://", "npipe:////./pipe/docker_engine", "ssh://"])
def test_no_engine_of_this_system(host: str) -> None:
    """What the docker client reads and cannot use, or crashes on, is one line."""
    with pytest.raises(EngineError, match="which no docker client here can use"):
        chosen_host({"DOCKER_HOST": host})
