"""What a registry knows of an image and of a repository, in one question with one limit."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from desktop_bake import ImageReference, RegistryError
from desktop_bake.bake.registry import client
from desktop_bake.bake.registry.access import Access
from desktop_bake.bake.registry.client import (
    Tagged,
    check_push,
    delete_manifest,
    digest_of,
    look_up,
    tagged,
    tags_of,
    time_of,
    within,
)

if TYPE_CHECKING:
    from tests.harness.memory_registry import MemoryRegistry

NAME = "registry.example.com/team/desktop:1"
REFERENCE = ImageReference.parse(NAME)
PLACE = "registry.example.com/team/desktop"
LABELS = {"a": "b"}


# --- questions -------------------------------------------------------------------------------------------------------


def test_look_up(registry: MemoryRegistry) -> None:
    """An image has its digest, its platform, its labels, and when it was made."""
    digest = registry.put(NAME, LABELS, created="2024-01-01T00:00:00Z")
    found = look_up(REFERENCE, "linux/amd64")
    assert found
    assert (found.digest, found.platforms, found.labels) == (digest, ("linux/amd64",), LABELS)
    assert found.created == "2024-01-01T00:00:00Z"


def test_an_image_that_lost_a_part(registry: MemoryRegistry) -> None:
    """If the registry has an image's index, but not what the index names, the error says which part is gone."""
    image = registry.put(f"{PLACE}:amd", LABELS)
    registry.put_index(NAME, {"linux/amd64": image})
    del registry.manifests[f"{PLACE}@{image}"]
    with pytest.raises(RegistryError, match=f"lacks {image}, a part of the image") as caught:
        look_up(REFERENCE, "linux/amd64")
    assert caught.value.remedy == "build and push the image again"


@pytest.mark.parametrize(("platform", "labels"), [("linux/arm64/v8", {"p": "arm"}), ("linux/s390x", None)])
def test_look_up_of_an_index(registry: MemoryRegistry, platform: str, labels: dict[str, str] | None) -> None:
    """The labels of the wanted platform in an index count; without that platform there are none."""
    images = {f"linux/{p}64": registry.put(f"{PLACE}:{p}", {"p": p}, f"linux/{p}64") for p in ("arm", "amd")}
    digest = registry.put_index(NAME, images)
    found = look_up(REFERENCE, platform)
    assert found
    assert (found.digest, found.platforms, found.labels) == (digest, ("linux/amd64", "linux/arm64"), labels)


def test_look_up_of_nothing(registry: MemoryRegistry) -> None:
    """What a registry says is not there is None, and no login is requested."""
    assert look_up(REFERENCE, "linux/amd64") is None
    assert digest_of(REFERENCE) is None


def test_another_image_of_the_platform(registry: MemoryRegistry) -> None:
    """A single image for another platform is there, and its labels are not those of the wanted one."""
    registry.put(NAME, LABELS, "linux/arm64")
    found = look_up(REFERENCE, "linux/amd64")
    assert found
    assert (found.platforms, found.labels) == (("linux/arm64",), None)


@pytest.mark.parametrize(
    ("status", "says"),
    [(404, "answers with 404, but not like a registry"), (500, "failed with status 500"), (429, "limits the rate")],
)
def test_what_is_no_answer(registry: MemoryRegistry, status: int, says: str) -> None:
    """A page's 404 is not a registry's, and a failure is not an absence."""
    registry.statuses[f"GET {PLACE}/manifests/1"] = status
    with pytest.raises(RegistryError, match=says):
        look_up(REFERENCE, "linux/amd64")


@pytest.mark.parametrize("what", ["manifest", "config"])
def test_content_that_is_another(registry: MemoryRegistry, what: str) -> None:
    """Content without the digest of its name is not used."""
    digest = registry.put(NAME, LABELS)
    if what == "config":
        (config,) = registry.blobs
        registry.blobs[config] = registry.blobs[config].replace(b'"b"', b'"c"')
    else:
        content, kind = registry.manifests[f"{PLACE}@{digest}"]
        registry.manifests[f"{PLACE}@{digest}"] = content + b" ", kind
    with pytest.raises(RegistryError, match="sent content that is not sha256:"):
        look_up(REFERENCE, "linux/amd64")


def test_a_page_in_place_of_a_manifest(registry: MemoryRegistry) -> None:
    """A login page that answers 200 is not a registry."""
    digest = registry.put(NAME, LABELS)
    registry.manifests[f"{PLACE}@{digest}"] = b"<html>", "text/html; charset=utf-8"
    with pytest.raises(RegistryError, match="answers, but not like a registry"):
        look_up(REFERENCE, "linux/amd64")


def test_tags(registry: MemoryRegistry) -> None:
    """All tags of a repository, and none of one that is not there."""
    assert tags_of(REFERENCE) == ()
    registry.put(NAME, LABELS)
    registry.put(f"{PLACE}:2", LABELS)
    registry.put("registry.example.com/team/desktop/other:3", LABELS)
    assert tags_of(REFERENCE) == ("1", "2")


def test_tags_on_pages(registry: MemoryRegistry) -> None:
    """Every page is requested; a tag that stands on two is one tag."""
    registry.page_tags = 2
    for number in range(5):
        registry.put(f"{PLACE}:{number}", LABELS)
    assert tags_of(REFERENCE) == ("0", "1", "2", "3", "4")
    assert registry.asked == [f"GET {PLACE}/tags/list"] * 3


@pytest.mark.parametrize(("limit", "value"), [("MOST_PAGES", 2), ("MOST_BYTES", 100)])
def test_tags_without_end(registry: MemoryRegistry, monkeypatch: pytest.MonkeyPatch, limit: str, value: int) -> None:
    """A list without end is an error after this many pages, or so much memory."""
    registry.page_tags = 1
    for number in range(9):
        registry.put(f"{PLACE}:{number}", LABELS)
    monkeypatch.setattr(client, limit, value)
    with pytest.raises(RegistryError, match="lists tags without end"):
        tags_of(REFERENCE)
    assert len(registry.asked) <= 3


def test_tags_that_are_refused(registry: MemoryRegistry) -> None:
    """A page that cannot be had is an error: a list that is not whole would have what is live removed."""
    registry.put(NAME, LABELS)
    registry.statuses[f"GET {PLACE}/tags/list"] = 500
    with pytest.raises(RegistryError, match="failed with status 500"):
        tags_of(REFERENCE)


def test_an_index_in_an_index(registry: MemoryRegistry) -> None:
    """An index says which image is for a platform; another index there is none."""
    inner = registry.put_index(f"{PLACE}:b", {"linux/amd64": registry.put(f"{PLACE}:a", LABELS)})
    outer = registry.put_index(NAME, {"linux/amd64": inner})
    found = look_up(REFERENCE, "linux/amd64")
    assert found
    assert (found.digest, found.platforms, found.labels) == (outer, (), None)


def test_indexes_without_end(registry: MemoryRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain of indexes is followed so far and no further."""
    digest = registry.put(f"{PLACE}:a", LABELS)
    for number in range(4):
        digest = registry.put_index(f"{PLACE}:{number}", {"linux/amd64": digest})
    monkeypatch.setattr(client, "MOST_INDEXES", 3)
    with pytest.raises(RegistryError, match=r"^registry\.example\.com/team/desktop:3 holds indexes without end$"):
        tagged(ImageReference.parse(f"{PLACE}:3"), None)


def test_digest_of(registry: MemoryRegistry) -> None:
    """A digest costs one HEAD request; a registry that states none there is asked for the whole."""
    digest = registry.put(NAME, LABELS)
    assert digest_of(REFERENCE) == digest
    assert registry.asked == [f"HEAD {PLACE}/manifests/1"]
    registry.statuses[f"HEAD {PLACE}/manifests/1"] = 405
    assert digest_of(REFERENCE) == digest


def test_reached(registry: MemoryRegistry) -> None:
    """A tag reaches its index, and all that this names, in however many steps; one that is gone reaches nothing."""
    image = registry.put(f"{PLACE}:a", LABELS)
    inner = registry.put_index(f"{PLACE}:b", {"linux/amd64": image})
    outer = registry.put_index(NAME, {"linux/amd64": inner})
    assert tagged(REFERENCE, None).reached == {image, inner, outer}
    assert tagged(ImageReference.parse(f"{PLACE}:gone"), "linux/amd64") == Tagged(reached=frozenset())


@pytest.mark.parametrize("platform", ["linux/amd64", "linux/arm64"])
def test_what_lies_under_a_tag(registry: MemoryRegistry, platform: str) -> None:
    """Manifest and configuration are asked for once each, even if what is there is for other platforms alone."""
    digest = registry.put(NAME, LABELS, "linux/amd64")
    found = tagged(REFERENCE, platform)
    assert found.image
    assert (set(found.reached), found.image.digest, dict(found.image.labels or {})) == ({digest}, digest, LABELS)
    assert [asked.rpartition("/")[0] for asked in registry.asked] == [f"GET {PLACE}/manifests", f"GET {PLACE}/blobs"]
    registry.asked.clear()
    index = registry.put_index(NAME, {"linux/amd64": digest})
    found = tagged(REFERENCE, platform)
    assert found.image
    assert (set(found.reached), found.image.digest, dict(found.image.labels or {})) == ({index, digest}, index, LABELS)
    assert len(registry.asked) == 3  # the index names no configuration


# --- changes ---------------------------------------------------------------------------------------------------------


def test_delete(registry: MemoryRegistry) -> None:
    """A manifest goes with its tags; one that is gone is no error."""
    digest = registry.put(NAME, LABELS)
    for _ in range(2):
        delete_manifest(REFERENCE, digest)
    assert registry.tags == {}


@pytest.mark.parametrize(
    ("status", "says"), [(405, "has deleting switched off"), (403, "denies access to team/desktop"), (500, "500")]
)
def test_delete_refused(registry: MemoryRegistry, status: int, says: str) -> None:
    """A registry that does not delete says why."""
    digest = registry.put(NAME, LABELS)
    registry.statuses[f"DELETE {PLACE}/manifests/{digest}"] = status
    with pytest.raises(RegistryError, match=says) as caught:
        delete_manifest(REFERENCE, digest)
    assert "delete" in caught.value.remedy or status != 403


def test_check_push(registry: MemoryRegistry) -> None:
    """Whether one may push is tried by an upload that is given up."""
    check_push(REFERENCE)
    assert registry.asked == [f"POST {PLACE}/blobs/uploads/", f"DELETE {PLACE}/blobs/uploads/1"]
    registry.statuses[f"POST {PLACE}/blobs/uploads/"] = 403
    with pytest.raises(RegistryError, match="denies access") as caught:
        check_push(REFERENCE)
    assert caught.value.remedy == "ask for permission to push there"


def test_a_fault_of_ours(registry: MemoryRegistry) -> None:
    """Whatever else goes wrong is an error of the registry's with a remedy, not a traceback in a thread."""
    with pytest.raises(RegistryError, match=r"registry registry\.example\.com could not be asked: ZeroDivisionError"):
        within(None, REFERENCE, lambda _: 1 // 0)


@pytest.mark.parametrize(
    ("stated", "wanted"),
    [("1970-01-02T00:00:00.123456789Z", 86_400), ("", 0), ("soon", 0), ("0001-01-01T00:00:00Z", 0)],
)
def test_time_of(stated: str, wanted: float) -> None:
    """A time that is none, or before there were images, is not known."""
    assert time_of(stated) == wanted


def test_the_limit(registry: MemoryRegistry) -> None:
    """Whoever is not answered in time goes on, whatever the thread that asks is caught in."""
    free = threading.Event()
    try:
        with pytest.raises(RegistryError, match=r"^registry registry\.example\.com did not answer within 0\.02 s$"):
            within(Access(timeout_s=0.02), REFERENCE, lambda _: free.wait(10))
    finally:
        free.set()
