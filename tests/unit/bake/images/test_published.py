"""What the team's registry has of a key: a hit by its labels, or a miss with the reason."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Digest, ImageReference, RegistryError, Settings
from desktop_bake.bake.images.published import ask_registry, is_published
from desktop_bake.bake.images.result import Miss, MissReason, RegistryHit, Status
from desktop_bake.generator.errors import ConfigurationError
from tests.harness.recipes import KEY
from tests.harness.work import order, work

if TYPE_CHECKING:
    from tests.harness.fake_engine import FakeEngine
    from tests.harness.memory_registry import MemoryRegistry

TAG = f"registry.example.com/team/desktop:{KEY}"
REPOSITORY = ImageReference.parse("registry.example.com/team/desktop")
MISS = Miss(order=order(Settings(repository=REPOSITORY)), why=MissReason(here="why"))
WRONG = KEY.on_base(Digest("sha256:" + "0" * 64)).labels("b")


def accepting(status: int) -> tuple[str, ...]:
    """A `verify_command` that ends with a status and writes what it was asked about."""
    code = f"import sys; open('asked', 'a').write(sys.argv[1]); print('no signature'); sys.exit({status})"
    return sys.executable, "-c", code, "{image}"


def put(registry: MemoryRegistry, what: str) -> Digest | None:
    """Publish something under the key's tag."""
    if what == "nothing":
        return None
    if what == "index":
        arm = registry.put("registry.example.com/team/desktop:a", WRONG, "linux/arm64")
        amd = registry.put("registry.example.com/team/desktop:b", KEY.labels("b"), "linux/amd64")
        return registry.put_index(TAG, {"linux/arm64": arm, "linux/amd64": amd})
    labels = WRONG if what == "wrong" else KEY.labels("another name of the base")
    return registry.put(TAG, labels, "linux/arm64" if what == "arm" else "linux/amd64")


@pytest.mark.parametrize(
    ("what", "there", "is_refused"),
    [
        ("image", None, False),
        ("index", None, False),
        ("nothing", "not in registry registry.example.com", False),
        ("arm", "registry registry.example.com has it for linux/arm64, this engine runs linux/amd64", True),
        ("wrong", f"{TAG} in the registry is not what its tag says: label desktop-bake.cache-key is ", True),
    ],
)
def test_what_is_there(
    engine: FakeEngine, registry: MemoryRegistry, team: Settings, what: str, there: str | None, is_refused: bool
) -> None:
    """Labels and platform decide: whatever else lies under the key's tag is reported and not used."""
    digest = put(registry, what)
    found = ask_registry(MISS, work(engine, team))
    if there is None:
        assert digest
        assert found == RegistryHit(order=MISS.order, digest=digest)
        assert found.image == f"{TAG}@{digest}"
    else:
        assert isinstance(found, Miss)
        assert found.why.there.startswith(there)
        assert found == replace(MISS, why=replace(MISS.why, there=found.why.there, is_refused=is_refused))
        assert found.reason == f"why; {found.why.there}"
    assert is_published(KEY, "linux/amd64", work(engine, team)) is (there is None)


def test_an_error(engine: FakeEngine, registry: MemoryRegistry, team: Settings) -> None:
    """A registry that cannot be asked is a miss with its error; whoever asks whether it is there gets the error."""
    registry.broken["registry.example.com"] = RegistryError("down")
    assert ask_registry(MISS, work(engine, team)) == replace(
        MISS, why=MissReason(here="why", there="down"), registry_error="down"
    )
    with pytest.raises(RegistryError, match="down"):
        is_published(KEY, "linux/amd64", work(engine, team))


@pytest.mark.parametrize("status", [0, 3])
def test_verified(tmp_path: Path, engine: FakeEngine, registry: MemoryRegistry, team: Settings, status: int) -> None:
    """What the team's own check refuses is a miss with its last line; it is asked about the digest, not the tag."""
    digest = put(registry, "image")
    settings = replace(team, root=tmp_path, verify_command=accepting(status))
    found = ask_registry(MISS, work(engine, settings))
    assert (tmp_path / "asked").read_text() == f"registry.example.com/team/desktop@{digest}"
    assert found.status is (Status.MISS if status else Status.REGISTRY_HIT)
    if status:
        refusal = f"{sys.executable} ended with status 3: no signature"
        assert found.reason == f"why; {TAG} in the registry is not verified: {refusal}"


def test_nothing_wrong_is_verified(
    tmp_path: Path, engine: FakeEngine, registry: MemoryRegistry, team: Settings
) -> None:
    """The check is not run about an image whose labels do not prove the key."""
    put(registry, "wrong")
    ask_registry(MISS, work(engine, replace(team, root=tmp_path, verify_command=accepting(0))))
    assert not (tmp_path / "asked").exists()


def test_a_check_that_is_not_installed(engine: FakeEngine, registry: MemoryRegistry, team: Settings) -> None:
    """A check that cannot be run is a wrong configuration, and no reason to use the image."""
    put(registry, "image")
    with pytest.raises(ConfigurationError, match="verify_command: /nowhere/check cannot be run"):
        ask_registry(MISS, work(engine, replace(team, verify_command=("/nowhere/check", "{image}"))))
