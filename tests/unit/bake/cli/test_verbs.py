"""The commands themselves: one module of the same name for each."""

from __future__ import annotations

import argparse
import pkgutil

import pytest

import desktop_bake.bake.cli.commands as package
from desktop_bake.bake.cli.task_verbs import TASK_VERBS
from desktop_bake.bake.cli.verbs import VERBS, Verb


def test_each_has_a_module() -> None:
    """Each command has a module, and each module a command."""
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    assert {verb.name.replace("-", "_") for verb in (*VERBS, *TASK_VERBS)} == modules


@pytest.mark.parametrize("verb", [*VERBS, *(a for v in VERBS for a in v.actions)], ids=lambda verb: verb.name)
def test_the_example(verb: Verb) -> None:
    """Its example begins with its name, and its flags can be made alone."""
    assert verb.name in verb.example.split()[:2]
    verb.flags(argparse.ArgumentParser())
