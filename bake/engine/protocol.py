"""What finding, pulling, publishing and explaining images ask of an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from ...generator.reference import ImageReference
    from ..system.answers import Answers
    from ..system.process import Ended
    from .credentials import Logins
    from .engine import Image


class ImageEngine(Protocol):
    """An engine's image store; see `Engine` for each member."""

    @property
    def logins(self) -> Logins:
        """The logins of this run, for direct requests to registries."""

    @property
    def told(self) -> Answers | None:
        """Remembers the answers of registries during a command, or None."""

    def image(self, reference: str) -> Image | None:
        """The image with this reference or ID."""

    def images(self, filters: Mapping[str, list[str]]) -> list[dict[str, Any]]:
        """The images that pass these filters, as the engine lists them."""

    def labelled(self, labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """The labels of the images that have all these labels, by image ID."""

    def history(self, image_id: str) -> tuple[str, ...]:
        """What made each entry of an image's history, oldest first."""

    def platform(self) -> str:
        """The engine's own platform."""

    def registry_config(self) -> Mapping[str, Any]:
        """Which registries the engine uses without trusted TLS."""

    def tag(self, image_id: str, name: ImageReference) -> None:
        """Give an image another name."""

    def untag(self, name: ImageReference) -> None:
        """Remove a name from an image that has others."""

    def work(
        self,
        *arguments: str,
        log: Callable[[str], None],
        draw: bool,
        limit_s: float,
        cancel: threading.Event | None = None,
    ) -> Ended:
        """Run `docker ARGUMENTS` that take long, such as a pull."""
