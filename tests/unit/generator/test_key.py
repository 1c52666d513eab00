"""The cache key: section 3 of the design."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_bake import (
    CacheKey,
    ConfigurationError,
    ContextFile,
    Digest,
    Environment,
    ImageReference,
    Recipe,
    compute_key,
    key_from_labels,
)
from desktop_bake.generator.key import parse_key, variant_of
from tests.harness.every import every
from tests.harness.recipes import BASE, ENVIRONMENT, GOLDEN, KEY, RECIPE


def test_golden() -> None:
    """One key is pinned: whoever changes the algorithm must change the schema."""
    assert str(KEY) == GOLDEN


def test_scripts_can_be_checked_with_sha256sum() -> None:
    """Install and setup parts are the plain SHA-256 of the scripts' bytes."""
    assert KEY.install.hex == hashlib.sha256(RECIPE.install).hexdigest()
    assert KEY.setup.hex == hashlib.sha256(RECIPE.setup).hexdigest()


@every(
    ("environment", "recipe", "base", "changed"),
    [
        (ENVIRONMENT, RECIPE, Digest("sha256:" + "cd" * 32), "base"),
        (ENVIRONMENT, replace(RECIPE, install=b"x"), BASE, "install"),
        (ENVIRONMENT, replace(RECIPE, setup=b"x"), BASE, "setup"),
        (ENVIRONMENT, replace(RECIPE, dockerfile=b"FROM base\nRUN x"), BASE, "dockerfile"),
        (ENVIRONMENT, replace(RECIPE, files={"a": ContextFile(content=b"")}), BASE, "dockerfile"),
        (ENVIRONMENT, replace(RECIPE, packages="2026-11-27"), BASE, "dockerfile"),
        (replace(ENVIRONMENT, build_args={"A": "1"}), RECIPE, BASE, "dockerfile"),
        (replace(ENVIRONMENT, platforms=("linux/arm64",)), RECIPE, BASE, "dockerfile"),
        (replace(ENVIRONMENT, base_image=ImageReference.parse("a:ruby")), RECIPE, BASE, "variant"),
    ],
)
def test_each_input_changes_its_part(environment: Environment, recipe: Recipe, base: Digest, changed: str) -> None:
    """Every input changes exactly its own part of the key."""
    assert compute_key(environment, recipe, base).differences(KEY) == (changed,)


def test_no_two_inputs_run_together() -> None:
    """Length prefixes: moving bytes between name, value and file changes the key."""
    inputs = [
        (replace(ENVIRONMENT, build_args={"A": "B"}), RECIPE),
        (replace(ENVIRONMENT, build_args={"AB": ""}), RECIPE),
        (replace(ENVIRONMENT, build_args={"A": "", "B": ""}), RECIPE),
        (ENVIRONMENT, replace(RECIPE, packages="2026-11-27")),
        (ENVIRONMENT, replace(RECIPE, packages="2026-11-28")),
        (ENVIRONMENT, replace(RECIPE, files={"packages": ContextFile(content=b"2026-11-27")})),
        (ENVIRONMENT, replace(RECIPE, files={"A": ContextFile(content=b"B")})),
        (ENVIRONMENT, replace(RECIPE, files={"AB": ContextFile(content=b"")})),
        (ENVIRONMENT, replace(RECIPE, files={"A": ContextFile(content=b"B", executable=True)})),
        (ENVIRONMENT, replace(RECIPE, dockerfile=RECIPE.dockerfile + b"A")),
    ]
    assert len({str(compute_key(e, r, BASE)) for e, r in inputs}) == len(inputs)


def test_order_and_names_do_not_matter() -> None:
    """Nothing but the inputs goes in: not their order, the environment's id, name or toggles."""
    other = replace(
        ENVIRONMENT,
        env_id="f",
        name="n",
        headless_desktop_enabled=True,
        build_args={"B": "2", "A": "1"},
        platforms=("linux/arm64", "linux/amd64"),
    )
    one = replace(ENVIRONMENT, build_args={"A": "1", "B": "2"}, platforms=("linux/amd64", "linux/arm64"))
    assert compute_key(one, RECIPE, BASE) == compute_key(other, RECIPE, BASE)


@pytest.mark.parametrize(
    ("reference", "variant"),
    [
        ("a:emerald", "emerald"),
        ("a:Emerald-2.0_x", "emerald_2.0_x"),
        ("a", "latest"),
        (f"r.io/x/pixel-arch@{BASE}", "pixel_arch"),
        ("a:" + "v" * 128, "v" * 32),
    ],
)
def test_variant(reference: str, variant: str) -> None:
    """The variant is the tag, lower-cased and cleaned, or the repository's last part; at most 32."""
    assert variant_of(ImageReference.parse(reference)) == variant


@given(st.from_regex(r"[a-z0-9_][a-z0-9_.]{0,31}", fullmatch=True), st.lists(st.binary(), min_size=4, max_size=4))
def test_key_is_a_tag_and_survives_labels(variant: str, contents: list[bytes]) -> None:
    """Any key fits a Docker tag, parses back, and is read back from its own labels."""
    base, install, setup, dockerfile = map(Digest.of, contents)
    key = CacheKey(variant=variant, base=base, install=install, setup=setup, dockerfile=dockerfile)
    assert len(str(key)) <= 128
    assert ImageReference.parse(f"a:{key}").tag == str(key)
    assert parse_key(str(key)) == (
        variant,
        base.hex[:16],
        install.hex[:16],
        setup.hex[:16],
        dockerfile.hex[:16],
    )
    assert key_from_labels(key.labels("a:b")) == key
    assert key.mismatch(key.labels("a:b")) is None


@pytest.mark.parametrize("label", KEY.labels("a:b"))
@pytest.mark.parametrize("value", [None, "", "1" * 16, "2"])
def test_a_wrong_label_is_no_hit(label: str, value: str | None) -> None:
    """Every label is verified: missing or other, the image is not taken."""
    labels = KEY.labels("a:b")
    if value is None:
        del labels[label]
    else:
        labels[label] = value
    expected = label == "org.opencontainers.image.base.name" and value is not None
    assert (KEY.mismatch(labels) is None) is expected


@given(st.dictionaries(st.sampled_from(sorted(KEY.labels(""))), st.text()))
def test_hostile_labels(labels: dict[str, str]) -> None:
    """Whatever labels hold, reading them gives a key or one clear error."""
    try:
        key_from_labels(labels)
    except ConfigurationError as error:
        assert error.remedy


@given(st.text())
def test_parse_key_refuses_cleanly(text: str) -> None:
    """Text that is no key is refused, never half read."""
    with pytest.raises(ConfigurationError, match=r"^malformed cache key "):
        parse_key(text)
