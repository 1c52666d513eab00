"""An engine that is asked each question once, for a command that looks at many environments.

Environments share bases, and often images: what the engine told of one holds for the others, until this command itself
changes something. Only who looks uses it; who builds, or has waited for another process, asks the live engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...generator.errors import RegistryError
from ..system.answers import Answers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...generator.reference import ImageReference
    from ..system.process import Ended
    from .engine import Engine, Image


class Snapshot:
    """An engine as this command saw it first; whatever it does not remember is the live engine's.

    Args:
        engine: the live engine.

    Attributes:
        live: that engine.
        told: what registries told in the same command; one that cannot be asked is waited for once, too.
    """

    def __init__(self, engine: Engine) -> None:
        self.live = engine
        self.told = Answers(RegistryError)
        self._seen = Answers()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.live, name)

    def image(self, reference: str) -> Image | None:
        """As `Engine.image`."""
        return self._seen.once(("image", reference), lambda: self.live.image(reference))

    def images(self, filters: Mapping[str, list[str]]) -> list[dict[str, Any]]:
        """As `Engine.images`."""
        question = tuple((name, tuple(values)) for name, values in sorted(filters.items()))
        return self._seen.once(("images", question), lambda: self.live.images(filters))

    def labelled(self, labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """As `Engine.labelled`."""
        question = tuple(sorted(labels.items()))
        return self._seen.once(("labelled", question), lambda: self.live.labelled(labels))

    def platform(self) -> str:
        """As `Engine.platform`."""
        return self._seen.once("platform", self.live.platform)

    def registry_config(self) -> Mapping[str, Any]:
        """As `Engine.registry_config`."""
        return self._seen.once("registry config", self.live.registry_config)

    def tag(self, image_id: str, name: ImageReference) -> None:
        """As `Engine.tag`."""
        self.live.tag(image_id, name)
        self.forget()

    def untag(self, name: ImageReference) -> None:
        """As `Engine.untag`."""
        self.live.untag(name)
        self.forget()

    def work(self, *arguments: str, **how: Any) -> Ended:
        """As `Engine.work`, such as a pull or a push."""
        try:
            return self.live.work(*arguments, **how)
        finally:
            self.forget()

    def forget(self) -> None:
        """Ask everything again: something changed."""
        self._seen.forget()
        self.told.forget()
