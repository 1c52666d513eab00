"""An engine that is asked each question only once, for commands that look at many environments.

Environments share bases, and often images: an answer about one is valid for the others until this command itself
changes something. After a few images of one repository, the others are looked up in a listing of it: one request,
and less work for the engine. Only code that looks uses this. Code that builds, or has waited for another process,
asks the live engine.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from ...generator.errors import RegistryError
from ..system.answers import Answers
from . import listing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...generator.reference import ImageReference
    from ..system.process import Ended
    from .engine import Engine, Image


FEW = 8  # so many images of a repository are asked for one by one


class Snapshot:
    """An engine as this command first saw it; the live engine answers everything else.

    Args:
        engine: the live engine.

    Attributes:
        live: that engine.
        told: the answers of registries in the same command; it waits only once for a registry that cannot be asked.
    """

    def __init__(self, engine: Engine) -> None:
        self.live = engine
        self.told = Answers(RegistryError)
        self._seen = Answers()
        self._singly: defaultdict[str, set[str]] = defaultdict(set)
        self._guard = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.live, name)

    def image(self, reference: str) -> Image | None:
        """See `Engine.image`."""
        return self._seen.once(("image", reference), lambda: self._image(reference))

    def _image(self, reference: str) -> Image | None:
        repository, _, tag = reference.rpartition(":")
        is_tagged = bool(repository) and "/" not in tag and "@" not in repository
        with self._guard:
            singly = frozenset(self._singly[repository])
        if is_tagged and len(singly) >= FEW:
            listed = self._seen.once(("tagged", repository), lambda: listing.tagged(self.live, repository))
            if singly <= listed.keys():  # else the list does not have all images with such names
                return listed[reference] or self.live.image(reference) if reference in listed else None
        found = self.live.image(reference)
        if is_tagged and found and len(singly) < FEW:
            with self._guard:
                self._singly[repository].add(reference)
        return found

    def images(self, filters: Mapping[str, list[str]]) -> list[dict[str, Any]]:
        """See `Engine.images`."""
        question = tuple((name, tuple(values)) for name, values in sorted(filters.items()))
        return self._seen.once(("images", question), lambda: self.live.images(filters))

    def labelled(self, labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """See `Engine.labelled`."""
        question = tuple(sorted(labels.items()))
        return self._seen.once(("labelled", question), lambda: self.live.labelled(labels))

    def platform(self) -> str:
        """See `Engine.platform`."""
        return self._seen.once("platform", self.live.platform)

    def registry_config(self) -> Mapping[str, Any]:
        """See `Engine.registry_config`."""
        return self._seen.once("registry config", self.live.registry_config)

    def tag(self, image_id: str, name: ImageReference) -> None:
        """See `Engine.tag`."""
        self.live.tag(image_id, name)
        self.forget()

    def untag(self, name: ImageReference) -> None:
        """See `Engine.untag`."""
        self.live.untag(name)
        self.forget()

    def work(self, *arguments: str, **how: Any) -> Ended:
        """Run `Engine.work`, such as a pull or a push, and forget all answers."""
        try:
            return self.live.work(*arguments, **how)
        finally:
            self.forget()

    def forget(self) -> None:
        """Forget all answers, because something changed."""
        with self._guard:
            self._singly.clear()
        self._seen.forget()
        self.told.forget()
