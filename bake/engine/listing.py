"""What a listing says about each image: enough for a hit, unless the engine has the classic image store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...generator.errors import EngineError
from .engine import Image, platform_of

if TYPE_CHECKING:
    from .protocol import ImageEngine


def tagged(engine: ImageEngine, repository: str) -> dict[str, Image | None]:
    """The images that have a tag in a repository, by `repository:tag`, in one request.

    Args:
        engine: the engine to ask.
        repository: as the engine writes it: `debian`, not `docker.io/library/debian`.

    Returns:
        None for an image if the listing does not say everything: with the classic store, it has no platform.

    Raises:
        EngineError: no engine answers.
    """
    try:
        listed = [(entry.get("RepoTags") or (), _image(entry)) for entry in engine.images({"reference": [repository]})]
    except (KeyError, TypeError, AttributeError) as error:
        raise EngineError("the engine's answer is not understood", "check: docker image ls") from error
    return {name: image for names, image in listed for name in names}


def _image(entry: dict[str, Any]) -> Image | None:
    """The image of an entry, if exactly one platform of it is here (Docker Engine API, "List Images")."""
    there = [m for m in entry.get("Manifests") or () if m.get("Kind") == "image" and m.get("Available")]
    if len(there) != 1:
        return None
    platform = there[0]["ImageData"]["Platform"]
    return Image(
        image_id=entry["Id"],
        labels=entry.get("Labels") or {},
        platform=platform_of(platform["os"], platform["architecture"], platform.get("variant")),
        repo_digests=tuple(entry.get("RepoDigests") or ()),
        size_bytes=there[0]["Size"]["Content"],
        layers=None,
    )
