"""What a task uses, one of six results: what each prints as JSON, what can be read of all, and what none lacks."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest

from desktop_bake import ImageReference, ImageResult, Preflight, Settings, Stack, Status
from desktop_bake.bake.images.result import Built, Disabled, Fallback, LocalHit, Miss, MissReason, RegistryHit
from tests.harness.every import every
from tests.harness.recipes import BASE, GOLDEN, KEY
from tests.harness.work import order

ORDER = order(Settings(repository=ImageReference.parse("registry.example.com/team/desktop")))
TAG = f"registry.example.com/team/desktop:{GOLDEN}"
WHY = MissReason(here="setup script changed", there="not in registry registry.example.com")
RESULTS: list[tuple[ImageResult, dict[str, Any]]] = [
    (
        Disabled(environment="e", image="debian:bookworm", reason="off", install_at_start=True),
        {"environment": "e", "status": "disabled", "image": "debian:bookworm", "cache_key": None, "reason": "off"},
    ),
    (
        LocalHit(order=ORDER, image_id="sha256:1", push_error="p"),
        {"status": "local-hit", "image_id": "sha256:1", "reason": "labels match", "push_error": "p"},
    ),
    (
        LocalHit(order=ORDER, image_id="sha256:1", reason="built by another process", registry_error="r"),
        {"status": "local-hit", "image_id": "sha256:1", "reason": "built by another process", "registry_error": "r"},
    ),
    (
        RegistryHit(order=ORDER, digest=BASE),
        {"status": "registry-hit", "image": f"{TAG}@{BASE}", "reason": "labels match"},
    ),
    (
        RegistryHit(order=ORDER, digest=BASE, image_id="sha256:1", registry_error="r"),
        {"status": "registry-hit", "image_id": "sha256:1", "reason": "labels match", "registry_error": "r"},
    ),
    (
        Miss(order=ORDER, why=WHY, registry_error="r"),
        {
            "status": "miss",
            "reason": "setup script changed; not in registry registry.example.com",
            "registry_error": "r",
        },
    ),
    (Miss(order=ORDER), {"status": "miss", "reason": ""}),
    (
        Built(order=ORDER, image_id="sha256:1", registry_error="r", push_error="p"),
        {"status": "built", "image_id": "sha256:1", "reason": "built", "registry_error": "r", "push_error": "p"},
    ),
    (
        Fallback(environment="e", image="base@x", cache_key=KEY, reason="no", exit_status=6),
        {"environment": "e", "status": "fallback", "image": "base@x", "reason": "no"},
    ),
    (
        Fallback(
            environment="e",
            image=TAG,
            image_id="sha256:1",
            cache_key=KEY,
            reason="no",
            exit_status=6,
            upon=ORDER,
            install_at_start=False,
        ),
        {"environment": "e", "status": "fallback", "image": TAG, "image_id": "sha256:1", "reason": "no"},
    ),
    (
        Fallback(environment="e", image="base", cache_key=None, reason="no", exit_status=6),
        {"environment": "e", "status": "fallback", "image": "base", "cache_key": None, "reason": "no"},
    ),
]


@every(("result", "told"), RESULTS)
def test_json(result: ImageResult, told: dict[str, Any]) -> None:
    """Every result prints the same fields, in the same order, whichever it has."""
    wanted = {
        "schema": 1,
        "environment": "office",
        "status": "",
        "image": TAG,
        "image_id": None,
        "cache_key": GOLDEN,
        "components": {} if "cache_key" in told else KEY.components(),
        "reason": "",
        "registry_error": None,
        "push_error": None,
        **told,
    }
    assert list(result.as_json().items()) == list(wanted.items())


@every("result", [result for result, _ in RESULTS])
def test_what_can_be_read_of_all(result: ImageResult) -> None:
    """A program that was written for any result reads the same of each, and changes none."""
    assert isinstance(result, ImageResult)
    assert isinstance(result.status, Status)
    on_base = isinstance(result, Disabled) or (isinstance(result, Fallback) and result.upon is None)
    assert result.install_at_start is on_base
    assert result.exit_status == (6 if result.status is Status.FALLBACK else 0)
    with pytest.raises((FrozenInstanceError, AttributeError)):
        result.image_id = "another"


@pytest.mark.parametrize("kind", [Disabled, LocalHit, RegistryHit, Miss, Built, Fallback])
def test_what_none_lacks(kind: Any) -> None:
    """Each has fields of its own alone, and is not made without those that it needs."""
    needed = {
        Disabled: {"environment", "image", "reason", "install_at_start"},
        LocalHit: {"order", "image_id"},
        RegistryHit: {"order", "digest"},
        Miss: {"order"},
        Built: {"order", "image_id"},
        Fallback: {"environment", "image", "cache_key", "reason", "exit_status"},
    }[kind]
    with pytest.raises(TypeError) as caught:
        kind()
    missing = {name for name in (field.name for field in fields(kind)) if f"'{name}'" in str(caught.value)}
    assert missing == needed


@pytest.mark.parametrize(
    ("why", "told"),
    [
        (MissReason(), ""),
        (MissReason(here="a"), "a"),
        (MissReason(here="a", there="b"), "a; b"),
        (MissReason(there="b"), "b"),
    ],
)
def test_reason(why: MissReason, told: str) -> None:
    """A reason is what is the matter here, and then what the registry says."""
    assert str(why) == told


@pytest.mark.parametrize(("desktop", "preflight"), [(True, False), (False, True), (True, True)])
def test_what_an_image_lacks(desktop: bool, preflight: bool) -> None:
    """An image that has one of desktop and preflight leaves the other to the task's start; the base leaves both."""
    whole = Preflight(dockerfile=b"FROM base\n", script=b"echo\n")
    stack = Stack(desktop=ORDER.stack.desktop if desktop else None, preflight=whole if preflight else None)
    hit = LocalHit(order=replace(ORDER, stack=stack), image_id="sha256:1")
    assert (hit.lacks_desktop, hit.lacks_preflight) == (not desktop, not preflight)
    base = Disabled(environment="e", image="debian:bookworm", reason="off", install_at_start=True)
    assert base.lacks_desktop
    assert base.lacks_preflight
