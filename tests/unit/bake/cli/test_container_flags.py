"""The flags of `run` for a task's container."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from desktop_bake.bake.cli.container_flags import add_to
from desktop_bake.bake.task.mounts import parse_mount, parse_volume
from desktop_bake.bake.task.ports import parse_ports


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ([], {"keep": False, "auth": True, "docker": [], "volume": [], "depth": 24, "geometry": None}),
        (["-v", "a:/a", "--volume", "b:/b"], {"volume": [parse_volume("a:/a"), parse_volume("b:/b")]}),
        (["-e", "A=1", "--env", "NOT_SET"], {"env_variables": [{"A": "1"}, {"NOT_SET": None}]}),
        (["-p", "80", "-p", "1-2:3-4"], {"publish": [parse_ports("80"), parse_ports("1-2:3-4")]}),
        (["--mount", "type=tmpfs,dst=/t"], {"mount": [parse_mount("type=tmpfs,dst=/t")]}),
        (["--keep", "--rm"], {"keep": False}),
        (["--rm", "--keep"], {"keep": True}),
        (["-itd", "--no-auth"], {"interactive": True, "tty": True, "detach": True, "auth": False}),
        (
            ["--docker=--init", "--pids-limit", "-1", "--security-opt=no-new-privileges"],
            {"docker": ["--init", "--pids-limit=-1", "--security-opt=no-new-privileges"]},
        ),
    ],
)
def test_what_is_typed(words: list[str], wanted: dict[str, Any]) -> None:
    """A repeated flag adds a value, the last of two opposites counts, and docker's own options are handed on."""
    command = argparse.ArgumentParser()
    add_to(command)
    found = vars(command.parse_args(words))
    assert {name: found[name] for name in wanted} == wanted
