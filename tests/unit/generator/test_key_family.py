"""The family of a key: which of them share a cache."""

from __future__ import annotations

from dataclasses import replace

from desktop_bake import Stack
from desktop_bake.generator.key_family import family_of
from desktop_bake.generator.layer_key import stack_keys
from tests.harness.recipes import BASE, CERTS, ENVIRONMENT, KEY, PREFLIGHT, RECIPE, TOOLS

WHOLE = Stack(below=(CERTS,), desktop=RECIPE, above=(TOOLS,), preflight=PREFLIGHT)
CHAIN = stack_keys(ENVIRONMENT, WHOLE, BASE)


def test_families() -> None:
    """Environments whose layers differ below or above never share a cache; what a desktop's setup is does not count."""
    families = [family_of(key) for key in CHAIN]
    assert len(set(families)) == 4
    setup = [
        family_of(key) for key in stack_keys(ENVIRONMENT, replace(WHOLE, desktop=replace(RECIPE, setup=b"x\n")), BASE)
    ]
    assert setup == families
    below = stack_keys(ENVIRONMENT, replace(WHOLE, below=(replace(CERTS, script=b"x\n"),)), BASE)
    assert not set(families) & {family_of(key) for key in below}
    assert family_of(CHAIN[1]).startswith(family_of(KEY))
