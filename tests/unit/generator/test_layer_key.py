"""The key of an environment's own layer: its form, its labels, and why it is missed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_bake import (
    CacheKey,
    ConfigurationError,
    ContextFile,
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
from desktop_bake.generator.key import hashed
from desktop_bake.generator.key_family import family_of
from desktop_bake.generator.layer_key import (
    Key,
    base_of,
    chain_of,
    desktop_of_text,
    parts_of_text,
    stack_keys,
)
from tests.harness.every import every
from tests.harness.recipes import BASE, CERTS, ENVIRONMENT, GOLDEN, KEY, PREFLIGHT, RECIPE, TOOLS

if TYPE_CHECKING:
    from collections.abc import Iterable

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
        stale = replace(ON_DESKTOP, below=other)
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
        key = LayerKey(variant=variant, base=base, below=below, content=preflight, is_preflight=True)
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
        for key in [replace(ON_DESKTOP, content=Digest.of(str(n).encode()))]
    ]
    verdicts = judge(layers, "r", reach_of({}, {}), Policy(keep=1))
    assert [v.image.image_id for v in verdicts if v.removed] == ["2", "1"]
    assert list(stale_since(layers, {}).values()) == [2, 3]


def test_a_high_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    """The labels of a chain hash each layer once, however many lie on it."""
    many = tuple(replace(TOOLS, script=f"echo {number}".encode()) for number in range(50))
    top = stack_keys(ENVIRONMENT, Stack(above=many), BASE)[-1]
    hashes: list[Digest] = []

    def counted(parts: Iterable[tuple[str, bytes]]) -> Digest:
        hashes.append(hashed(parts))
        return hashes[-1]

    monkeypatch.setattr("desktop_bake.generator.key.hashed", counted)
    fresh = top.on_base(Digest.of(b"other"))
    assert fresh.mismatch(fresh.labels("b")) is None
    assert len(hashes) == 50


# --- named layers ----------------------------------------------------------------------------------------------------

WHOLE = Stack(below=(CERTS,), desktop=RECIPE, above=(TOOLS,), preflight=PREFLIGHT)
CHAIN = stack_keys(ENVIRONMENT, WHOLE, BASE)


def chain(**changes: object) -> list[str]:
    """The texts of the keys of a stack of four parts, of which some are others."""
    return [str(key) for key in stack_keys(ENVIRONMENT, replace(WHOLE, **changes), BASE)]  # type: ignore[arg-type]


def test_golden_chain() -> None:
    """The forms with layers are pinned: all fit a tag, however high the stack."""
    on = "emerald-abababababababab"
    assert [str(key) for key in CHAIN] == [
        f"{on}-lb19c2ba1df160a2e",
        f"{on}-504a29a17b8c9fb7-5fa91e737fd0ebec-2eff3c3c74b8dcb4",
        f"{on}-l702973e56e6f0ba6",
        f"{on}-l702973e56e6f0ba6-pf1ee891dd0b5a74d",
    ]
    certs, tools = (key.components()[part] for key, part in ((CHAIN[0], "layer-1"), (CHAIN[2], "layer-2")))
    assert CHAIN[-1].levels == (certs, "desktop", tools)


@every(
    ("changes", "same"),
    [
        ({"below": (replace(CERTS, script=b"x\n"),)}, 0),
        ({"below": ()}, 0),
        ({"desktop": replace(RECIPE, setup=b"x\n")}, 1),
        ({"above": (replace(TOOLS, packages=("git",)),)}, 2),
        ({"above": (replace(TOOLS, files={"a": ContextFile(content=b"")}),)}, 2),
        ({"above": (replace(TOOLS, dockerfile=b"FROM base\n"),)}, 2),
        ({"above": (TOOLS, replace(TOOLS, name="more"))}, 3),
        ({"preflight": replace(PREFLIGHT, script=b"x\n")}, 3),
        ({"above": (replace(TOOLS, name="other"),)}, 4),
    ],
)
def test_a_change_reaches_what_is_above(changes: dict[str, object], same: int) -> None:
    """What is below a changed part keeps its key; the part itself and all above it have others. Names do not count."""
    before, after = chain(), chain(**changes)
    assert before[:same] == after[:same]
    assert not set(before[same:]) & set(after)


def test_a_layer_is_one_whatever_it_is_for() -> None:
    """The same layer on the same base has one key, below a desktop or without any."""
    assert stack_key(ENVIRONMENT, Stack(above=(CERTS,)), BASE) == CHAIN[0]
    assert stack_key(ENVIRONMENT, Stack(below=(CERTS,), above=(TOOLS,)), BASE) != CHAIN[2]


@pytest.mark.parametrize("key", CHAIN)
def test_labels_prove_the_chain(key: Key) -> None:
    """The labels carry a key back with all that is below; each one missing or other is no hit."""
    labels = key.labels("a:b")
    assert key_from_labels(labels) == key
    assert chain_of(key_from_labels(labels)) == CHAIN[: CHAIN.index(key) + 1]
    for label in labels:
        changed = {**labels, label: "2"}
        assert (key.mismatch(changed) is None) is (label == "org.opencontainers.image.base.name")
        del changed[label]
        assert key.mismatch(changed)


@pytest.mark.parametrize("key", CHAIN)
def test_another_part_below_is_no_hit(key: Key) -> None:
    """An image that lies on anything else proves nothing, even if its labels claim the key itself."""
    for part in ("below", "desktop", "above"):
        other = {
            "below": (replace(CERTS, script=b"x\n"),),
            "desktop": replace(RECIPE, setup=b"x\n"),
            "above": (replace(TOOLS, script=b"x\n"),),
        }
        for stale in stack_keys(ENVIRONMENT, replace(WHOLE, **{part: other[part]}), BASE):  # type: ignore[arg-type]
            claimed = {**stale.labels("a:b"), "desktop-bake.cache-key": str(key)}
            assert stale == key or key.mismatch(claimed)


def test_labels_of_a_base_do_not_mislead() -> None:
    """A plain desktop or a layer on an image of ours inherits labels of layers, and is what its own key says."""
    inherited = CHAIN[-1].labels("a:b")
    for key in (KEY, ON_DESKTOP, ON_BASE, *CHAIN):
        assert key_from_labels({**inherited, **key.labels("a:b")}) == key


@pytest.mark.parametrize("levels", ["desktop desktop", "", "desktop", "x", " ".join(["desktop"] * 70)])
def test_levels_of_no_key(levels: str) -> None:
    """Labels that tell of another chain, or of none, are refused in one line."""
    for key in CHAIN:
        with pytest.raises(ConfigurationError) as refused:
            key_from_labels({**key.labels("a:b"), "desktop-bake.layers": levels})
        assert "\n" not in str(refused.value)


def test_the_base_of_a_chain() -> None:
    """An image shows its base if all else of it is the same, in the same order."""
    for key in CHAIN:
        assert base_of(key, key.on_base(OTHER).labels("a:b")) == OTHER
        assert [other for other in CHAIN if base_of(key, other.labels("a:b"))] == [key]
    upside_down = stack_key(ENVIRONMENT, Stack(desktop=RECIPE, above=(CERTS,)), BASE)
    assert base_of(CHAIN[1], upside_down.labels("a:b")) is None


def test_parts_of_texts() -> None:
    """The text of a layer shows variant and base, and one part for all that is above."""
    assert parts_of_text(str(CHAIN[2])).keys() == {"variant", "base", "layers"}
    assert parts_of_text(str(CHAIN[3])).keys() == {"variant", "base", "layers", "preflight"}
    assert [desktop_of_text(str(key)) for key in CHAIN] == [None, str(CHAIN[1]), None, None]


def test_no_key_of_a_wrong_order() -> None:
    """Nothing lies on a preflight, no desktop on a desktop, and all of it is on one base."""
    for wrong in (
        lambda: LayerKey(variant=KEY.variant, base=KEY.base, below=ON_DESKTOP, content=OTHER),
        lambda: replace(KEY, below=CHAIN[2]),
        lambda: replace(KEY, below=CHAIN[0].on_base(OTHER)),
    ):
        with pytest.raises(ConfigurationError):
            wrong()
