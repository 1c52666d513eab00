"""What is added to images without any effect on their keys."""

from __future__ import annotations

from dataclasses import replace

import pytest

from desktop_bake import BakeOptions, ConfigurationError, Stack, bake_targets, render_bake_file
from desktop_bake.generator.annotations import alias_tags_of, is_alias
from tests.harness.bake_files import TEAM, TEMPLATE, rendered
from tests.harness.every import every
from tests.harness.recipes import ENVIRONMENT, KEY, RECIPE

SOURCE = {"org.opencontainers.image.source": "https://example.com/x?a=b,c"}


@pytest.mark.parametrize("setting", ["image_labels", "annotations"])
@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("", "x", "malformed name ''"),
        ("a b", "x", "malformed name 'a b'"),
        ("a=b", "x", "malformed name 'a=b'"),
        ("index:a", "x", "malformed name 'index:a'"),
        ("desktop-bake.cache-key", "x", "is written by desktop-bake itself"),
        ("org.opencontainers.image.base.name", "x", "is written by desktop-bake itself"),
        ("a", "x\ny", "a holds a character that is not printable"),
        ("a", "\0", "a holds a character that is not printable"),
    ],
)
def test_added_values_are_checked(setting: str, name: str, value: str, says: str) -> None:
    """A name that BuildKit would read otherwise, or that proves a key, and a value that is no line are refused."""
    with pytest.raises(ConfigurationError, match=f"^{setting}: .*{says}") as caught:
        replace(TEAM, **{setting: {name: value}})  # type: ignore[arg-type]
    assert caught.value.remedy


def test_added_values_change_no_key() -> None:
    """Labels, annotations and alias tags are in the file, and the target's key and labels are as without them."""
    options = replace(TEAM, image_labels=SOURCE, annotations=SOURCE, alias_tags=("{environment}",))
    (plain,), (added,) = (bake_targets([(ENVIRONMENT, Stack(desktop=RECIPE), KEY)], o) for o in (TEAM, options))
    assert (plain.key, plain.labels, plain.context) == (added.key, added.labels, added.context)
    assert added.tags == (*plain.tags, "${DESKTOP_BAKE_REPOSITORY}:e")
    text = rendered([ENVIRONMENT], options)
    assert (
        'annotations = ["${DESKTOP_BAKE_ANNOTATE}:org.opencontainers.image.source=https://example.com/x?a=b,c"]' in text
    )
    assert '"org.opencontainers.image.source" = "https://example.com/x?a=b,c"' in text


@pytest.mark.parametrize(
    ("attest", "platforms", "levels"),
    [
        ((), (), "manifest"),  # the builder's own provenance makes an index, but not every builder makes any
        (("type=sbom",), (), "index,manifest"),
        (("type=provenance,disabled=true",), (), "manifest"),
        ((), ("linux/amd64", "linux/arm64"), "index,manifest"),
    ],
)
def test_what_is_annotated(attest: tuple[str, ...], platforms: tuple[str, ...], levels: str) -> None:
    """BuildKit refuses annotations for an index that is not made: by default they are where one is certain."""
    options = replace(TEAM, annotations={"a": "b"}, attest=attest)
    text = rendered([replace(ENVIRONMENT, platforms=platforms)], options)
    assert f'if what is built has an index"\n  default     = "{levels}"\n' in text
    assert 'annotations = ["${DESKTOP_BAKE_ANNOTATE}:a=b"]' in text


def test_a_value_is_no_template() -> None:
    """What looks like one of our variables in a value is text."""
    options = replace(TEAM, annotations={"a": "${DESKTOP_BAKE_REPOSITORY}"})
    wanted = bake_targets([(ENVIRONMENT, Stack(desktop=RECIPE), KEY)], options)
    assert '"${DESKTOP_BAKE_ANNOTATE}:a=$${DESKTOP_BAKE_REPOSITORY}"' in render_bake_file(TEMPLATE, wanted, options)


def test_alias_tags() -> None:
    """Each environment has its own, named as in the bake file."""
    found = alias_tags_of(("{environment}", "latest-{environment}"), ["office", "a b"])
    assert found == {"office": ("office", "latest-office"), "a b": ("a-b-c8687a08", "latest-a-b-c8687a08")}


@every(
    ("template", "env_ids", "says"),
    [
        ("", ["a"], "malformed alias tag ''"),
        ("a b", ["a"], "malformed alias tag 'a b'"),
        ("{env}", ["a"], "malformed alias tag '{env}'"),
        ("-{environment}", ["a"], "malformed alias tag '-a'"),
        ("x" * 120 + "{environment}", ["office-42"], "malformed alias tag 'x"),
        ("latest", ["a", "b"], "alias tag 'latest' would name the image of several environments: 'a' and 'b'"),
        (
            "cache-{environment}",
            ["a"],
            "alias tag 'cache-a' of environment 'a' has a form that is reserved for desktop-bake",
        ),
        ("{environment}", ["lease-x"], "alias tag 'lease-x' of environment 'lease-x' has a form"),
        (str(KEY), ["a"], "has a form that is reserved for desktop-bake"),
    ],
)
def test_alias_tags_are_checked(template: str, env_ids: list[str], says: str) -> None:
    """A name that is no tag, has two images, or looks like a key, cache or lease is refused in a line with a remedy."""
    with pytest.raises(ConfigurationError, match=says) as caught:
        alias_tags_of((template,), env_ids)
    assert caught.value.remedy
    with pytest.raises(ConfigurationError, match=says):
        replace(TEAM, alias_tags=(template,), environments=tuple(env_ids))


@every(
    ("tag", "templates", "wanted"),
    [
        ("desktop-gone", ("desktop-{environment}",), True),
        ("gone.v2", ("x", "{environment}.v2"), True),
        ("latest", ("latest",), True),
        ("gone", ("{environment}",), False),
        ("desktop-", ("desktop-{environment}",), False),
        ("desktop-1.0", ("desktop-{environment}",), False),
        ("gonexv2", ("{environment}.v2",), False),
        ("gone", (), False),
    ],
)
def test_the_form_of_an_alias(tag: str, templates: tuple[str, ...], wanted: bool) -> None:
    """A tag is known by its form, unless that is a bare name."""
    assert is_alias(tag, templates) is wanted


def test_one_environment_may_be_latest() -> None:
    """A tag without a placeholder is fine for one environment."""
    assert BakeOptions(repository=TEAM.repository, alias_tags=("latest",), environments=("a",)).alias_tags == (
        "latest",
    )
