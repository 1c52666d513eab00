"""The commands about tasks."""

from __future__ import annotations

from desktop_bake.bake.cli.task_verbs import TASK_VERBS
from tests.harness.command_line import whole_parser


def test_examples() -> None:
    """Each example can be typed, and asks for this user's tasks alone."""
    for verb in TASK_VERBS:
        assert whole_parser().parse_args(verb.example.split()).all is False, verb.name
