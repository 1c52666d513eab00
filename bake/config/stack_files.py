"""What an environment's tasks need on top of its base, read from its files: layers, a desktop, a preflight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...generator.recipe import BASE_ARGUMENT, DOCKERFILE, INSTALL, SETUP, Recipe
from ...generator.stack import PACKAGES, LayerRecipe, Preflight, Stack
from ..system.lazy import lazy
from .script_file import read_script
from .shipped import shipped

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ...generator import dockerfile as own_dockerfile
    from ...generator.environment import Environment
    from ...generator.layer import Layer
    from . import layer_files
else:  # not needed if there is only the shipped desktop
    layer_files = lazy(".layer_files", __package__)
    own_dockerfile = lazy("...generator.dockerfile", __package__)


@dataclass(frozen=True, kw_only=True)
class StackFiles:
    """Reads the files of environments, again each time.

    Args:
        root: the folder where relative names start.
        date: the lock's packages date, `YYYY-MM-DD`; empty without one.
    """

    root: Path
    date: str = ""

    def recipe(self, environment: Environment) -> Recipe:
        """Read the files of an environment's recipe.

        Raises:
            ConfigurationError: a file is missing, unreadable, empty or malformed.
        """
        dockerfile = self._read(environment, "dockerfile", DOCKERFILE)
        takes_date = environment.dockerfile is None or own_dockerfile.declares(dockerfile, BASE_ARGUMENT)
        return Recipe(
            dockerfile=dockerfile,
            install=self._read(environment, "install_script", INSTALL),
            setup=self._read(environment, "setup_script", SETUP),
            files=layer_files.read_desktop_files(self.root, environment) if environment.files else {},
            packages=self.date if takes_date else "",
        )

    def preflight(self, environment: Environment) -> Preflight | None:
        """Read the cached part of an environment's own script, or None if it has none.

        Raises:
            ConfigurationError: see `recipe`.
        """
        if environment.preflight_script is None:
            return None
        dockerfile = shipped("recipe/preflight.Dockerfile").read_bytes()
        return Preflight(dockerfile=dockerfile, script=self._read(environment, "preflight_script"))

    def preflight_run(self, environment: Environment) -> bytes | None:
        """Read the script that runs at every start of a task, or None if there is none.

        Raises:
            ConfigurationError: see `recipe`.
        """
        return None if environment.preflight_run_script is None else self._read(environment, "preflight_run_script")

    def stack(self, environment: Environment) -> Stack:
        """What is baked for an environment according to its switches; everything if none is on.

        Raises:
            ConfigurationError: see `recipe`.
        """
        if not environment.cache_enabled:
            return self.whole(environment) or Stack(desktop=self.recipe(environment))
        below, above = self._layers(environment.baked_layers)
        return Stack(
            below=below,
            desktop=self.recipe(environment) if environment.desktop_cache_enabled else None,
            above=above,
            preflight=self.preflight(environment) if environment.preflight_cache_enabled else None,
        )

    def whole(self, environment: Environment) -> Stack | None:
        """Everything that an environment's tasks need, baked or not; None if its base is enough.

        Raises:
            ConfigurationError: see `recipe`.
        """
        if not environment.has_image:
            return None
        below, above = self._layers(environment.all_layers)
        return Stack(
            below=below,
            desktop=self.recipe(environment) if environment.headless_desktop_enabled else None,
            above=above,
            preflight=self.preflight(environment),
        )

    def _layers(self, layers: Iterable[Layer]) -> tuple[tuple[LayerRecipe, ...], tuple[LayerRecipe, ...]]:
        """The layers below the desktop, and those above it."""
        read = [(layer.below_desktop, self._layer(layer)) for layer in layers]
        return tuple(r for is_below, r in read if is_below), tuple(r for is_below, r in read if not is_below)

    def _layer(self, layer: Layer) -> LayerRecipe:
        return LayerRecipe(
            name=layer.name,
            dockerfile=shipped("recipe/layer.Dockerfile").read_bytes(),
            script=layer_files.read_layer_script(self.root, layer),
            files=layer_files.read_layer_files(self.root, layer),
            packages=layer.packages,
            installer=shipped(f"recipe/{PACKAGES}").read_bytes() if layer.packages else b"",
            date=self.date if layer.packages else "",
        )

    def _read(self, environment: Environment, field: str, ours: str = "") -> bytes:
        return read_script(self.root, f"environment {environment.env_id!r}: ", field, getattr(environment, field), ours)
