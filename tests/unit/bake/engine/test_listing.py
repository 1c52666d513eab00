"""What a listing reports of each image of a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import EngineError
from desktop_bake.bake.engine.engine import Image
from desktop_bake.bake.engine.listing import tagged

if TYPE_CHECKING:
    from tests.harness.fake_engine import FakeEngine


def manifest(kind: str = "image", *, is_here: bool = True, variant: str = "") -> dict[str, Any]:
    """One of an entry's manifests."""
    platform = {"os": "linux", "architecture": "arm", **({"variant": variant} if variant else {})}
    data = {"Platform": platform, "Size": {"Unpacked": 7}}
    return {"Kind": kind, "Available": is_here, "Size": {"Content": 5, "Total": 12}, "ImageData": data}


def listed(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, **entry: object) -> dict[str, Image | None]:
    """What a listing of one entry reports."""
    monkeypatch.setattr(engine, "images", lambda _: [{"Id": "a", "Size": 12, **entry}])
    return tagged(engine, "desktop-bake")


def test_all_that_a_hit_needs(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name has the image, with its labels and platform, and the size that an inspection reports."""
    more = {"Labels": {"x": "1"}, "RepoDigests": ["d@sha256:1"], "RepoTags": ["d:1", "d:2"]}
    found = listed(engine, monkeypatch, Manifests=[manifest(variant="v7"), manifest("attestation")], **more)
    image = Image(
        image_id="a",
        labels={"x": "1"},
        platform="linux/arm/v7",
        repo_digests=("d@sha256:1",),
        size_bytes=5,
        layers=None,
    )
    assert found == {"d:1": image, "d:2": image}


@pytest.mark.parametrize("manifests", [None, [], [manifest(is_here=False)], [manifest(), manifest()]])
def test_what_is_not_clear(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, manifests: object) -> None:
    """Without a platform, or with several, the image has to be asked for by itself; one without a name is nobody's."""
    assert listed(engine, monkeypatch, Manifests=manifests, RepoTags=["d:1"]) == {"d:1": None}
    assert listed(engine, monkeypatch, Manifests=manifests, RepoTags=None) == {}


@pytest.mark.parametrize("manifests", [[{"Kind": "image", "Available": True}], [1], 7])
def test_an_answer_that_is_none(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, manifests: object) -> None:
    """What is not a listing is an error, not a traceback."""
    with pytest.raises(EngineError, match=r"^the engine's answer is not understood$"):
        listed(engine, monkeypatch, Manifests=manifests, RepoTags=["d:1"])
