"""The commands about tasks."""

from __future__ import annotations

from desktop_bake.bake.cli.parser import parser
from desktop_bake.bake.cli.task_verbs import TASK_VERBS


def test_examples() -> None:
    """Each example can be typed, and asks for this user's tasks alone."""
    for verb in TASK_VERBS:
        assert parser().parse_args(verb.example.split()).all is False, verb.name
