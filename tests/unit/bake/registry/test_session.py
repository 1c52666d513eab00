"""One conversation with a registry: what answers mean, which logins go where, and how it is written to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import Digest, ImageReference, RegistryError
from desktop_bake.bake.registry import session
from desktop_bake.bake.registry.access import Access
from desktop_bake.bake.registry.client import (
    check_push,
    delete_manifest,
    digest_of,
    look_up,
    reached,
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


def login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: dict[str, str]) -> None:
    """A login as the docker client keeps it."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"registry.example.com": entry}}))


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
    """Of an index the labels of the wanted platform count; without that one there are none."""
    images = {f"linux/{p}64": registry.put(f"{PLACE}:{p}", {"p": p}, f"linux/{p}64") for p in ("arm", "amd")}
    digest = registry.put_index(NAME, images)
    found = look_up(REFERENCE, platform)
    assert found
    assert (found.digest, found.platforms, found.labels) == (digest, ("linux/amd64", "linux/arm64"), labels)


def test_look_up_of_nothing(registry: MemoryRegistry) -> None:
    """What a registry says is not there is None, and no login is asked for."""
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
    [(404, "answers with 404, but not as a registry does"), (500, "failed with status 500"), (429, "limits the rate")],
)
def test_what_is_no_answer(registry: MemoryRegistry, status: int, says: str) -> None:
    """A page's 404 is not a registry's, and a failure is not an absence."""
    registry.statuses[f"GET {PLACE}/manifests/1"] = status
    with pytest.raises(RegistryError, match=says):
        look_up(REFERENCE, "linux/amd64")


@pytest.mark.parametrize("what", ["manifest", "config"])
def test_content_that_is_another(registry: MemoryRegistry, what: str) -> None:
    """What does not have the digest by which it was named is not used."""
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
    with pytest.raises(RegistryError, match="answers, but not as a registry does"):
        look_up(REFERENCE, "linux/amd64")


def test_tags(registry: MemoryRegistry) -> None:
    """All tags of a repository, and none of one that is not there."""
    assert tags_of(REFERENCE) == ()
    registry.put(NAME, LABELS)
    registry.put(f"{PLACE}:2", LABELS)
    registry.put("registry.example.com/team/desktop/other:3", LABELS)
    assert tags_of(REFERENCE) == ("1", "2")


def test_reached(registry: MemoryRegistry) -> None:
    """A tag reaches its index, and all that this names, in however many steps; one that is gone reaches nothing."""
    image = registry.put(f"{PLACE}:a", LABELS)
    inner = registry.put_index(f"{PLACE}:b", {"linux/amd64": image})
    outer = registry.put_index(NAME, {"linux/amd64": inner})
    assert reached(REFERENCE) == {image, inner, outer}
    assert reached(ImageReference.parse(f"{PLACE}:gone")) == frozenset()


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


def test_put_blob(registry: MemoryRegistry) -> None:
    """A blob is put in one piece, and not again where it is there."""
    for _ in range(2):
        within(None, REFERENCE, lambda asked: asked.put_blob(b"content"))
    assert registry.blobs == {str(Digest.of(b"content")): b"content"}
    assert [a.split()[0] for a in registry.asked] == ["HEAD", "POST", "PUT", "HEAD"]


# --- logins ----------------------------------------------------------------------------------------------------------


def test_basic_login(registry: MemoryRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A login is sent where it is asked for, once it is asked for, and from then on."""
    registry.login = "u:p"
    registry.put(NAME, LABELS)
    login(tmp_path, monkeypatch, {"auth": "dTpw"})
    assert look_up(REFERENCE, "linux/amd64")
    assert registry.asked.count(f"GET {PLACE}/manifests/1") == 2
    assert len(registry.asked) == 3


@pytest.mark.parametrize(
    ("entry", "says", "remedy"),
    [
        ({}, "demands a login", "run: docker login registry.example.com"),
        ({"auth": "dTp4"}, "refuses the stored login", "log in again: docker login registry.example.com"),
        ({"identitytoken": "i"}, "refuses the stored login", "log in again: docker login registry.example.com"),
    ],
)
def test_refused_login(
    registry: MemoryRegistry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    entry: dict[str, str],
    says: str,
    remedy: str,
) -> None:
    """Without a login one is demanded; a wrong one is refused after one try."""
    registry.login = "u:p"
    registry.put(NAME, LABELS)
    login(tmp_path, monkeypatch, entry)
    with pytest.raises(RegistryError, match=says) as caught:
        look_up(REFERENCE, "linux/amd64")
    assert caught.value.remedy == remedy
    assert len(registry.asked) <= 2


# --- how a registry is spoken to -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "insecure", "tried"),
    [
        ("registry.example.com", {}, ["https"]),
        (
            "registry.example.com",
            {"IndexConfigs": {"registry.example.com": {"Secure": False}}},
            ["https", "https", "http"],
        ),
        ("10.1.2.3:5000", {"InsecureRegistryCIDRs": ["10.0.0.0/8"]}, ["https", "https", "http"]),
        ("10.1.2.3:5000", {"InsecureRegistryCIDRs": ["192.168.0.0/16"]}, ["https"]),
        ("localhost:5000", {}, ["https", "http"]),
    ],
)
def test_without_tls(
    registry: MemoryRegistry, monkeypatch: pytest.MonkeyPatch, host: str, insecure: Any, tried: list[str]
) -> None:
    """TLS that is not trusted, and none at all, are tried where the engine speaks so to a registry, and only there."""
    schemes: list[str] = []

    def transport(there: str, base: str, deadline: Any, *, verify: bool) -> Any:
        schemes.append(base.partition(":")[0])
        return registry.transport(there, base, deadline, verify=verify)

    monkeypatch.setattr(session, "Transport", transport)
    registry.broken[host] = RegistryError("cannot be reached")
    with pytest.raises(RegistryError, match="cannot be reached"):
        look_up(ImageReference.parse(f"{host}/a:1"), "linux/amd64", Access(insecure=lambda: insecure))
    assert schemes == tried


def test_docker_hub(registry: MemoryRegistry) -> None:
    """Docker Hub's API has a host of its own."""
    registry.put("debian:12", LABELS)
    assert look_up(ImageReference.parse("debian:12"), "linux/amd64")
    assert registry.asked[0] == "GET docker.io/library/debian/manifests/12"


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
