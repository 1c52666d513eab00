"""Platforms of images: which image runs on which platform."""

from __future__ import annotations


def same_platform(image: str, wanted: str) -> bool:
    """Whether an image of one platform runs on another: the same system and architecture."""
    return image.split("/")[:2] == wanted.split("/")[:2]
