"""What stands in for an engine if there is none: an empty image store, for what registries alone can tell."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

from .engine import Engine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .engine import Image


_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # as OCI calls them (image-spec, image-index.md)


class NoEngine(Engine):
    """An engine that has no image."""

    def image(self, reference: str) -> Image | None:  # noqa: ARG002 (as `Engine.image`)
        """None."""
        return None

    def images(self, filters: Mapping[str, list[str]]) -> list[dict[str, Any]]:  # noqa: ARG002 (as `Engine.images`)
        """None at all."""
        return []

    def platform(self) -> str:
        """The platform on which an engine of this machine would run images."""
        machine = platform.machine().lower()
        return f"linux/{_ARCHITECTURES.get(machine, machine)}"

    def registry_config(self) -> Mapping[str, Any]:
        """Nothing: every registry has trusted TLS, but for those of the loopback."""
        return {}
