"""A stand-in if there is no engine: an empty image store, for questions that registries alone can answer."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

from .engine import Engine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .engine import Image


_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # as OCI calls them (image-spec, image-index.md)


class NoEngine(Engine):
    """An engine without images."""

    def image(self, reference: str) -> Image | None:  # noqa: ARG002 (as `Engine.image`)
        """Return None."""
        return None

    def images(self, filters: Mapping[str, list[str]]) -> list[dict[str, Any]]:  # noqa: ARG002 (as `Engine.images`)
        """Return an empty list."""
        return []

    def platform(self) -> str:
        """The platform on which an engine on this machine would run images."""
        machine = platform.machine().lower()
        return f"linux/{_ARCHITECTURES.get(machine, machine)}"

    def registry_config(self) -> Mapping[str, Any]:
        """Return nothing: every registry has trusted TLS, except for those on the loopback."""
        return {}
