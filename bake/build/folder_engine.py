"""Rendering without an engine: a rendered folder knows the digests that its bake file pins."""

from __future__ import annotations

from ...generator.errors import ConfigurationError
from ...generator.read_bakefile import read_bake_file
from ...generator.reference import ImageReference
from ..engine.engine import Image
from ..engine.no_engine import NoEngine

_IMAGE = "docker-image://"


class FolderEngine(NoEngine):
    """Stands in for an engine that does not answer: a folder's bake file says which digest an image had.

    Args:
        bake_file: the bake file's text; empty if there is none.
    """

    def __init__(self, bake_file: str) -> None:
        super().__init__()
        self._pinned = pinned_digests(bake_file)

    def image(self, reference: str) -> Image | None:
        """The image of a reference as the bake file pins it: its digest, and nothing else."""
        name = ImageReference.parse(reference).named
        pinned = self._pinned.get(name)
        if pinned is None:
            return None
        known_as = f"{pinned.repository}@{pinned.digest}"
        return Image(image_id=str(pinned.digest), labels={}, platform="", repo_digests=(known_as,), size_bytes=0)


def pinned_digests(bake_file: str) -> dict[str, ImageReference]:
    """The images that a bake file pins, each with its digest, by `repository:tag`.

    Args:
        bake_file: its text, which anybody may have changed.
    """
    found = {}
    for target in read_bake_file(bake_file).targets.values():
        contexts, arguments = (v if isinstance(v := target.get(n), dict) else {} for n in ("contexts", "args"))
        frontend = [_IMAGE + arguments["BUILDKIT_SYNTAX"]] if "BUILDKIT_SYNTAX" in arguments else []
        for text in (text for text in (*contexts.values(), *frontend) if text.startswith(_IMAGE)):
            try:
                image = ImageReference.parse(text.removeprefix(_IMAGE))
            except ConfigurationError:
                continue
            if image.digest:
                found[f"{image.repository}:{image.tag or 'latest'}"] = image
    return found
