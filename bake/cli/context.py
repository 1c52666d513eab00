"""What every command needs: its settings and context, its output."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from ..context import Context
from ..engine.engine import Engine
from ..system.reporter import Reporter, silent

if TYPE_CHECKING:
    import argparse

    from ..config.settings import Settings
    from ..images.result import ImageResult
    from ..system.reporter import Log


def load(arguments: argparse.Namespace) -> Settings:
    """The settings that these arguments ask for."""
    from ..config.settings import SETTINGS
    from ..config.toml_file import load_settings

    overrides = {s.name: getattr(arguments, s.name, None) for s in SETTINGS if s.flag}
    settings = load_settings(arguments.config, os.environ, overrides, required=not arguments.environments)
    if arguments.environments:
        from ..config.agents_runner import read_origin

        environments = read_origin(arguments.environments).environments(settings.base_image)
        settings = replace(settings, environments=environments)
    return settings


def print_json(value: object) -> None:
    """Print one JSON object on standard output."""
    import json

    print(json.dumps(value, indent=2, ensure_ascii=False))


def work_of(arguments: argparse.Namespace, settings: Settings | None = None) -> Context:
    """What the command's work needs.

    Args:
        arguments: what was typed.
        settings: the settings, if not those that these arguments ask for.
    """
    return Context(
        settings=settings or load(arguments),
        engine=Engine(),
        reporter=reporter_of(arguments),
        progress="auto" if sys.stderr.isatty() and not arguments.quiet else "plain",
    )


def reporter_of(arguments: argparse.Namespace) -> Reporter:
    """Where log lines go: standard error, or nowhere; the metrics listen along."""
    log: Log = silent if arguments.quiet else lambda line: print(line, file=sys.stderr, flush=True)
    listening: Reporter = arguments.recorder.listening(log) if arguments.recorder else Reporter(log)
    return listening


def show_result(result: ImageResult, *, as_json: bool) -> None:
    """Print an image: as JSON, or its status and names."""
    if as_json:
        print_json(result.as_json())
    else:
        print(f"{result.status.value}  {result.image}" + (f"  {result.image_id}" if result.image_id else ""))
