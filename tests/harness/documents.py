"""Schedules and commands in documents."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cronsim import CronSim, CronSimError

if TYPE_CHECKING:
    from collections.abc import Iterator


def cron_faults(text: str) -> list[str]:
    """What Debian's cron would refuse in a user's crontab, or silently misread."""
    faults = [] if text.endswith("\n") else ["no newline at the end: cron ignores the last line"]
    for line in text.splitlines():
        if not line.strip() or line.startswith("#") or re.match(r"\w+\s*=", line):
            continue
        fields = line.split(None, 5)
        try:
            CronSim(" ".join(fields[:5]), datetime(2024, 1, 1, tzinfo=UTC))
        except CronSimError as error:
            faults.append(f"{line}: {error}")
        if len(fields) < 6 or re.search(r"(?<!\\)%", fields[5]):
            faults.append(f"{line}: no command, or an unescaped % that ends it")
    return faults


def quoted_commands(text: str) -> Iterator[list[str]]:
    """The arguments of every `desktop-bake` command in a text, shell variables left as they are."""
    for line in text.splitlines():
        if not re.search(r"(?:^|[\s/`])desktop-bake [a-z-]", line):
            continue
        lexer = shlex.shlex(line.replace("`", ";"), posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        command: list[str] | None = None
        for word in [*lexer, ";"]:
            if set(word) <= set(";&|()<>"):
                if command:
                    yield command
                command = None
            elif command is not None:
                command.append(word)
            elif word.rpartition("/")[2] == "desktop-bake":
                command = []
