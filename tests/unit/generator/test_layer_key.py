"""The key of an environment's own layer: its form, its labels, and why it is missed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_bake import (
    CacheKey,
    ConfigurationError,
    Digest,
    ImageReference,
    LayerKey,
    Stack,
    key_from_labels,
    stack_key,
)
from desktop_bake.bake.upkeep.policy import Policy, judge, reach_of, stale_since
from desktop_bake.bake.upkeep.prune import family_of_text
from desktop_bake.bake.upkeep.sizes import StoredImage
from desktop_bake.generator.cache_backend import cache_entries
from desktop_bake.generator.layer_key import family_of
from tests.harness.recipes import BASE, ENVIRONMENT, GOLDEN, KEY, PREFLIGHT, RECIPE

STACK = Stack(desktop=RECIPE, preflight=PREFLIGHT)
ALONE = Stack(preflight=PREFLIGHT)
OTHER = Digest("sha256:" + "cd" * 32)


def layer_key(stack: Stack = STACK, **fields: object) -> LayerKey:
    """The key of this stack, with these fields of the environment."""
    key = stack_key(replace(ENVIRONMENT, **fields), stack, BASE)  # type: ignore[arg-type]
    assert isinstance(key, LayerKey)
    return key


ON_DESKTOP, ON_BASE = layer_key(), layer_key(ALONE)


def test_golden() -> None:
    """The forms are pinned: the desktop's whole key, or variant and base, and the layer's own part."""
    assert str(ON_DESKTOP) == f"{GOLDEN}-pf1ee891dd0b5a74d"
    assert str(ON_BASE) == "emerald-abababababababab-pf1ee891dd0b5a74d"


def test_the_desktop_keeps_its_key() -> None:
    """What lies on a desktop changes nothing of its key; and without a layer the key is the desktop's."""
    assert ON_DESKTOP.desktop == KEY
    assert stack_key(ENVIRONMENT, Stack(desktop=RECIPE), BASE) == KEY


@pytest.mark.parametrize(
    ("key", "changed"),
    [
        (layer_key(replace(STACK, preflight=replace(PREFLIGHT, script=b"x"))), ("preflight",)),
        (layer_key(replace(STACK, preflight=replace(PREFLIGHT, dockerfile=b"FROM base\nRUN x"))), ("preflight",)),
        (layer_key(replace(STACK, desktop=replace(RECIPE, setup=b"x"))), ("setup",)),
        (layer_key(build_args={"A": "1"}), ("dockerfile",)),
        (layer_key(platforms=("linux/arm64",)), ("dockerfile", "preflight")),
        (layer_key(base_image=ImageReference.parse("a:ruby")), ("variant",)),
        (ON_DESKTOP.on_base(OTHER), ("base",)),
    ],
)
def test_each_input_changes_its_part(key: LayerKey, changed: tuple[str, ...]) -> None:
    """Every input changes exactly its own part."""
    assert key.differences(ON_DESKTOP) == changed
    assert str(key) != str(ON_DESKTOP)


def test_platforms_matter_without_a_desktop() -> None:
    """A layer on the base itself is another for other platforms; build arguments never reach it."""
    assert layer_key(ALONE, platforms=("linux/arm64",)).differences(ON_BASE) == ("preflight",)
    assert layer_key(ALONE, build_args={"A": "1"}) == ON_BASE


@pytest.mark.parametrize("key", [ON_DESKTOP, ON_BASE])
def test_labels(key: LayerKey) -> None:
    """The labels carry the key back, and prove it: each one missing or other is no hit."""
    labels = key.labels("a:b")
    assert key_from_labels(labels) == key
    for label in labels:
        for value in (None, "", "2"):
            changed = {n: v for n, v in labels.items() if n != label} | ({label: value} if value is not None else {})
            free = label == "org.opencontainers.image.base.name" and value is not None
            assert (key.mismatch(changed) is None) is free


def test_a_stale_layer_never_proves_a_new_desktop() -> None:
    """Labels of a layer on another desktop, whichever of its parts is another, prove nothing; nor do they prove the
    desktop itself, nor a desktop its layer."""
    for other in (replace(KEY, install=OTHER), replace(KEY, setup=OTHER), replace(KEY, dockerfile=OTHER)):
        stale = replace(ON_DESKTOP, desktop=other)
        assert ON_DESKTOP.mismatch(stale.labels("a:b"))
        assert ON_DESKTOP.mismatch({**stale.labels("a:b"), "desktop-bake.cache-key": str(ON_DESKTOP)})
    assert KEY.mismatch(ON_DESKTOP.labels("a:b"))
    assert ON_DESKTOP.mismatch(KEY.labels("a:b"))


def test_inherited_labels_do_not_mislead() -> None:
    """An image inherits its base's labels: a desktop on a layered image, or a layer on a baked one, is what its own
    key says."""
    inherited = ON_DESKTOP.labels("a:b")
    assert key_from_labels({**inherited, **KEY.labels("a:b")}) == KEY
    assert key_from_labels({**inherited, **ON_BASE.labels("a:b")}) == ON_BASE


@given(st.from_regex(r"[a-z0-9_][a-z0-9_.]{0,31}", fullmatch=True), st.lists(st.binary(), min_size=5, max_size=5))
def test_any_key_is_a_tag_and_survives_labels(variant: str, contents: list[bytes]) -> None:
    """Any key, and the tag of its cache under the longest scope, fits a Docker tag; it is read back from its labels."""
    base, install, setup, dockerfile, preflight = map(Digest.of, contents)
    desktop = CacheKey(variant=variant, base=base, install=install, setup=setup, dockerfile=dockerfile)
    for below in (desktop, None):
        key = LayerKey(variant=variant, base=base, desktop=below, preflight=preflight)
        assert ImageReference.parse(f"a:{key}").tag == str(key)
        assert key_from_labels(key.labels("a:b")) == key
        (own,) = cache_entries("inline", ImageReference.parse("a"), key).tags
        ImageReference.parse(own.replace("${DESKTOP_BAKE_CACHE_SCOPE}", "s" * 63))


@given(st.dictionaries(st.sampled_from(sorted(ON_DESKTOP.labels(""))), st.text() | st.just(str(ON_DESKTOP))))
def test_hostile_labels(labels: dict[str, str]) -> None:
    """Whatever labels hold, reading them gives a key or one clear error."""
    try:
        key_from_labels(labels)
    except ConfigurationError as error:
        assert error.remedy


def test_a_layer_has_its_desktops_base() -> None:
    """A layer cannot be on another base than its desktop."""
    with pytest.raises(ConfigurationError, match="different bases"):
        replace(ON_DESKTOP, base=OTHER)


@pytest.mark.parametrize(("script", "says"), [(b"", "empty"), (b" \n", "empty"), (b"a\r\nb", "CRLF")])
def test_preflight_refused(script: bytes, says: str) -> None:
    """A preflight that exists is right; a stack has something to bake."""
    with pytest.raises(
        ConfigurationError, match=f"the preflight script .*{says}|the preflight script {says}"
    ) as caught:
        replace(PREFLIGHT, script=script)
    assert caught.value.remedy
    with pytest.raises(ConfigurationError, match="nothing to bake"):
        Stack()


def test_what_an_environment_reaches() -> None:
    """An environment reaches its layer and the desktop below: prune takes neither, here or in another's project."""
    reach = reach_of({"a": ON_DESKTOP, "b": ON_BASE}, {})
    assert set(reach.environments) == {str(ON_DESKTOP), str(KEY), str(ON_BASE)}
    assert set(reach.families) == {family_of(key) for key in (ON_DESKTOP, KEY, ON_BASE)}
    assert [family_of_text(str(key)) for key in (ON_DESKTOP, KEY, ON_BASE)] == [family_of(KEY), family_of(KEY), None]
    stored = [
        StoredImage(image_id=str(key), tags=(f"r:{key}",), labels=key.labels("a:b"))
        for key in (ON_DESKTOP, KEY, ON_BASE)
    ]
    assert [verdict.removed for verdict in judge(stored, "r", reach, Policy())] == [False] * 3
    assert [verdict.removed for verdict in judge(stored, "r", reach_of({}, {}), Policy())] == [True] * 3


def test_layers_of_one_lineage() -> None:
    """Of an environment's layers, whose preflight changed time and again, `--keep` keeps the newest alone, and an older
    one is stale since the next was made."""
    layers = [
        StoredImage(image_id=str(n), tags=(f"r:{key}",), labels=key.labels("a:b"), created_s=n)
        for n in (1, 2, 3)
        for key in [replace(ON_DESKTOP, preflight=Digest.of(str(n).encode()))]
    ]
    verdicts = judge(layers, "r", reach_of({}, {}), Policy(keep=1))
    assert [v.image.image_id for v in verdicts if v.removed] == ["2", "1"]
    assert [stale_since(image, layers) for image in layers] == [2, 3, None]
