"""What a build needs and can get before it is known whether there will be one."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ..engine.buildx import builder
from ..system.asked import Asked
from ..system.folders import cache_folder
from ..system.process import Child

if TYPE_CHECKING:
    from ..context import Context
    from ..engine.buildx import Builder


class Preparation:
    """The process that bakes, and the builder; ended on exit.

    Starting the process, which runs python-on-whales, takes a quarter of a second; asking for the builder may take a
    tenth.

    Args:
        context: the engine, the builder's name, and BuildKit's progress.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.folder = cache_folder()
        self._builder = Asked(lambda: builder(context.engine, context.settings.builder), "builder").begin()
        self.child = self.another()

    def another(self) -> Child:
        """Start another such process."""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        program = str(Path(__file__).with_name("bake_process.py"))  # without importing all of bake
        return Child([sys.executable, "-P", program], draw=self.context.draws, cwd=self.folder, env=environment)

    def renew(self) -> None:
        """Replace a process that has baked by a new one, for another bake."""
        self.child.__exit__()
        self.child = self.another()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.child.__exit__()

    def builder(self) -> Builder:
        """The builder.

        Raises:
            EngineError: buildx is missing or too old, or there is no such builder.
        """
        return self._builder.answer()
