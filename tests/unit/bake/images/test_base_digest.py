"""A base's digest: from the local copy, the registry or what was baked on it, as the pull policy says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Digest, RegistryError, Settings
from desktop_bake.bake.images.base_digest import base_digest, check_base, pinned_stack
from desktop_bake.generator.errors import ConfigurationError
from tests.harness.recipes import BASE, OFFICE
from tests.harness.work import work

if TYPE_CHECKING:
    from tests.harness.fake_engine import FakeEngine
    from tests.harness.memory_registry import MemoryRegistry

NAME = OFFICE.base_image
HERE, BAKED = BASE, Digest("sha256:" + "cd" * 32)
DOWN = RegistryError("registry is down")


@pytest.mark.parametrize(
    ("pull", "is_here", "there", "was_baked", "wanted"),
    [
        ("missing", True, "image", False, "here"),
        ("missing", True, "down", False, "here"),
        ("missing", False, "image", True, "there"),
        ("missing", False, "down", True, "baked, told"),
        ("missing", False, "down", False, "base image registry.example.com/base:1: registry is down"),
        ("missing", False, "nothing", True, "does not exist here or in its registry"),
        ("always", True, "image", False, "there"),
        ("always", True, "down", True, "here, told"),
        ("always", True, "nothing", False, "here"),
        ("always", False, "nothing", False, "does not exist here or in its registry"),
        ("never", True, "image", False, "here"),
        ("never", False, "image", True, "baked"),
        ("never", False, "image", False, "is not in the local store, and pull is 'never'"),
    ],
)
def test_policy(
    engine: FakeEngine,
    registry: MemoryRegistry,
    lines: list[str],
    pull: str,
    is_here: bool,
    there: str,
    was_baked: bool,
    wanted: str,
) -> None:
    """Which digest counts, by the pull policy, the local image, and the registry's answer."""
    local = engine.add(str(NAME), known_as=f"{NAME.repository}@{HERE}") if is_here else None
    remote = registry.put(str(NAME), {}) if there == "image" else None
    if there == "down":
        registry.broken[NAME.domain] = DOWN
    digests = {"here": HERE, "there": remote, "baked": BAKED}

    def ask() -> Digest:
        settings, baked = Settings(pull=pull), BAKED if was_baked else None
        return base_digest(NAME, local, work(engine, settings, lines.append), lambda: baked)

    if wanted.split(",")[0] in digests:
        assert ask() == digests[wanted.split(",")[0]]
    else:
        with pytest.raises((ConfigurationError, RegistryError), match=wanted) as caught:
            ask()
        assert f"docker pull {NAME}" in caught.value.remedy
        assert isinstance(caught.value, ConfigurationError) is (there == "nothing")
    told = f"[desktop-cache] WARNING: base image {NAME}: registry is down; taking what is known here"
    assert lines == ([told] if "told" in wanted else [])
    assert bool(registry.asked) is (pull == "always" or (pull == "missing" and not is_here))


def test_a_digest_is_its_own(engine: FakeEngine, registry: MemoryRegistry, lines: list[str]) -> None:
    """A reference with a digest has that, whatever is here, and nobody is asked."""
    local = engine.add("a:1", known_as=f"{NAME.repository}@{BAKED}")
    named = replace(NAME, digest=HERE)
    assert base_digest(named, local, work(engine, Settings(pull="always"), lines.append)) == HERE
    assert registry.asked == []


@pytest.mark.parametrize(
    ("known_as", "wanted"),
    [
        ((f"mirror.example.com/base@{BAKED}", f"{NAME.repository}@{HERE}"), HERE),
        ((f"z.example.com/base@{HERE}", f"a.example.com/base@{BAKED}"), HERE),
        ((), None),
    ],
)
def test_names_of_the_local_copy(engine: FakeEngine, known_as: tuple[str, ...], wanted: Digest | None) -> None:
    """A copy is called as its own registry calls it, else by the first digest of any other, else by its ID."""
    image = replace(engine.add("a:1"), repo_digests=known_as)
    assert str(base_digest(NAME, image, work(engine, Settings(), print))) == str(wanted or image.image_id)


def test_a_registry_that_states_no_digest(engine: FakeEngine, registry: MemoryRegistry) -> None:
    """If a HEAD request gives no digest, it is computed from the content."""
    digest = registry.put(str(NAME), {})
    registry.statuses["HEAD registry.example.com/base/manifests/1"] = 405
    assert base_digest(NAME, None, work(engine, Settings(), print)) == digest


# --- images that a Dockerfile names ----------------------------------------------------------------------------------


def test_pinned_stack(tmp_path: Path, engine: FakeEngine, registry: MemoryRegistry) -> None:
    """Each image that a user's Dockerfile names has its digest in the stack; the shipped one names none."""
    assert pinned_stack(OFFICE, work(engine, Settings(), print)) == Settings().stack(OFFICE)
    (tmp_path / "own").write_text("FROM tools.example.com/tool:1 AS tool\nFROM base\nRUN true\n")
    settings, own = Settings(root=tmp_path), replace(OFFICE, dockerfile="own")
    with pytest.raises(ConfigurationError, match=r"the Dockerfile's image .* does not exist") as caught:
        pinned_stack(own, work(engine, settings, print))
    assert caught.value.remedy.startswith("write it as tools.example.com/tool:1@sha256:… in the Dockerfile")
    digest = registry.put("tools.example.com/tool:1", {})
    stack = pinned_stack(own, work(engine, settings, print))
    assert stack.desktop
    assert list(stack.desktop.images.values()) == [digest]


# --- platforms -------------------------------------------------------------------------------------------------------

ARM, AMD, BOTH = ("linux/arm64",), ("linux/amd64",), ("linux/amd64", "linux/arm64")


@pytest.mark.parametrize(
    ("here", "there", "wanted", "asked", "pull", "refused"),
    [
        (None, AMD, (), None, "missing", None),
        (None, ARM, (), None, "missing", "is for linux/arm64, this engine runs linux/amd64"),
        (None, ARM, (), None, "never", None),
        (None, (), (), None, "missing", None),
        (None, BOTH, BOTH, None, "missing", None),
        (None, AMD, BOTH, None, "missing", "is for linux/amd64, linux/arm64 is asked for"),
        ("linux/arm64", AMD, (), None, "missing", "is for linux/arm64, this engine runs linux/amd64"),
        ("linux/amd64", ARM, (), None, "missing", None),
        ("linux/amd64", AMD, (), "linux/arm64", "missing", "is for linux/amd64, linux/arm64 is asked for"),
        ("linux/amd64", BOTH, BOTH, None, "missing", None),
        ("linux/arm64/v8", (), (), "linux/arm64", "missing", None),
    ],
)
def test_check_base(
    engine: FakeEngine,
    registry: MemoryRegistry,
    here: str | None,
    there: tuple[str, ...],
    wanted: tuple[str, ...],
    asked: str | None,
    pull: str,
    refused: str | None,
) -> None:
    """A base that is known to be for other platforms is refused; one of which nobody tells is the build's to tell."""
    if here:
        engine.add(str(NAME), platform=here)
    if there:
        images = {p: registry.put(NAME.repository + ":" + p.replace("/", "-"), {}, p) for p in there}
        registry.put_index(str(NAME), images)
    environment = replace(OFFICE, platforms=wanted, platform=asked)

    def check() -> None:
        check_base(environment, work(engine, Settings(pull=pull)), asked or "linux/amd64")

    if refused is None:
        check()
        return
    with pytest.raises(ConfigurationError, match=refused) as caught:
        check()
    lacking = refused.split("runs ")[-1] if "runs" in refused else "linux/arm64"
    remedy = f"name a base for {lacking}" if "asked" in refused else 'set platform = "linux/arm64"'
    assert remedy in caught.value.remedy
    assert (f"docker pull --platform {lacking}" in caught.value.remedy) is (here is not None)


def test_a_broken_registry_refuses_no_base(engine: FakeEngine, registry: MemoryRegistry) -> None:
    """A registry that cannot be asked for platforms is passed over."""
    registry.broken[NAME.domain] = DOWN
    check_base(OFFICE, work(engine), "linux/amd64")
    assert registry.asked


def test_attestations_are_no_platform(engine: FakeEngine, registry: MemoryRegistry) -> None:
    """A base that states no platform that is known is not refused for it."""
    registry.put(str(NAME), {}, "unknown/unknown")
    check_base(OFFICE, work(engine), "linux/amd64")
