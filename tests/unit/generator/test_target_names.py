"""What an environment's id becomes in the bake file."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_bake.generator.target_names import names_of
from tests.harness.every import every

TABLE = {
    # ids that are target names stay as they are
    "office": "office",
    "Office": "Office",
    "a_b-1": "a_b-1",
    "1": "1",
    "default": "default",  # the group of this name builds everything; the target is desktop-default
    "x" * 63: "x" * 63,
    # names that the bake file needs for groups, targets and what is private
    "desktop": "env-desktop",
    "Desktop": "env-Desktop",
    "desktop-office": "env-desktop-office",
    "desktop-check": "env-desktop-check",
    "check": "env-check",
    "check-office": "env-check-office",
    "preflight": "env-preflight",
    "preflight-office": "env-preflight-office",
    "docker-metadata-action": "env-docker-metadata-action",
    "env": "env-env",
    "env-desktop": "env-env-desktop",
    "_private": "env-_private",
    "-x": "env--x",
    "desktops": "desktops",
    "checked": "checked",
    # ids that are no target names
    "a b": "a-b-c8687a08",
    "a.b": "a-b-2e7336dc",
    "büro 2": "b-ro-2-58a17a72",
    "ü": "env-607474ca",
    "..": "env-5ec1f7e7",
    "desktop x": "env-desktop-x-260bcbbd",
    "x" * 64: "x" * 40 + "-7ce10097",
}


@every(("env_id", "name"), TABLE.items())
def test_alone(env_id: str, name: str) -> None:
    """An id is its own name if it can be, and is changed in one way if it cannot."""
    assert names_of([env_id]) == {env_id: name}


def test_no_other_changes_it() -> None:
    """All of them together have the names that each has alone, except for those that differ in case alone."""
    alike = {"Office", "Desktop"}
    together = names_of(TABLE)
    assert {i: together[i] for i in TABLE if i not in alike} == {i: n for i, n in TABLE.items() if i not in alike}
    assert {i: together[i] for i in alike} == {"Office": "Office-9e380d99", "Desktop": "env-Desktop-9bd88f24"}


@pytest.mark.parametrize(
    ("env_ids", "names"),
    [
        (["office", "Office"], {"office": "office", "Office": "Office-9e380d99"}),
        (["OFFICE", "Office"], {"OFFICE": "OFFICE-9af0ff0f", "Office": "Office-9e380d99"}),
        (["a b", "a-b-c8687a08"], {"a b": "a-b-c8687a08aa5d6ed2", "a-b-c8687a08": "a-b-c8687a08"}),
    ],
)
def test_collisions(env_ids: list[str], names: dict[str, str]) -> None:
    """Of two that would be one folder somewhere, the one that needs to gives way, in whatever order they come."""
    assert names_of(env_ids) == names
    assert names_of(env_ids[::-1]) == names


ANY_ID = st.text(min_size=1, max_size=70) | st.from_regex(
    r"(?i)(desktop|check|env|preflight|default)(-[a-c]{0,2})?", fullmatch=True
)


@given(st.lists(ANY_ID, max_size=12, unique=True), st.randoms(use_true_random=False))
def test_laws(env_ids: list[str], order: random.Random) -> None:
    """Whatever the ids, names are target names, unique in any case, in no one's way, and the same in any order."""
    names = names_of(env_ids)
    assert names == names_of(order.sample(env_ids, len(env_ids)))
    assert set(names) == set(env_ids)
    assert len({name.lower() for name in names.values()}) == len(env_ids)
    for name in names.values():
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}", name)
        assert not re.fullmatch(r"(?i)(desktop|preflight|check)(-.*)?|docker-metadata-action", name)
