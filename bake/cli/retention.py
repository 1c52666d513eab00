"""The flags `--keep` and `--older-than`: what stays."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from ..system.durations import duration_s
from ..upkeep.policy import Policy

if TYPE_CHECKING:
    import argparse


def policy_of(arguments: argparse.Namespace) -> Policy:
    """The policy that the flags `--keep` and `--older-than` ask for.

    Raises:
        ConfigurationError: one of them is malformed.
    """
    if arguments.keep < 0:
        raise ConfigurationError(f"--keep is {arguments.keep}", "use 0 or more")
    return Policy(keep=arguments.keep, older_than_s=duration_s(arguments.older_than), now_s=time.time())
