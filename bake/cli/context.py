"""What every command needs: its settings, its context and its output."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError, printable
from ..config.settings import FILE_NAME, SETTINGS
from ..system.lazy import lazy
from ..system.reporter import Reporter, silent
from ..system.terminal import coloured

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from ...generator.environment import Environment
    from .. import context
    from ..config import agents_runner, environment_edit, toml_file
    from ..config.settings import Settings
    from ..engine import engine, no_engine
    from ..images.result import ImageResult
    from ..system import found_file
    from ..system.reporter import Log
else:
    context = lazy("..context", __package__)
    agents_runner = lazy("..config.agents_runner", __package__)
    environment_edit = lazy("..config.environment_edit", __package__)
    engine = lazy("..engine.engine", __package__)
    no_engine = lazy("..engine.no_engine", __package__)
    found_file = lazy("..system.found_file", __package__)
    toml_file = lazy("..config.toml_file", __package__)


def load(arguments: argparse.Namespace) -> Settings:
    """The settings that these arguments ask for."""
    settings = without_origin(arguments)
    if arguments.environments:
        environments = agents_runner.read_origin(arguments.environments).environments(settings.base_image)
        folder = arguments.environments.parent
        settings = toml_file.with_lock(replace(settings, environments=environments), folder)
    return settings


def without_origin(arguments: argparse.Namespace) -> Settings:
    """The settings that these arguments ask for, with the environments of `desktop-bake.toml`."""
    overrides = {s.name: getattr(arguments, s.name, None) for s in SETTINGS if s.flag}
    return toml_file.load_settings(arguments.config, os.environ, overrides, required=not arguments.environments)


def environment_file(arguments: argparse.Namespace) -> environment_edit.EnvironmentFile:
    """The file that keeps the environments.

    Raises:
        ConfigurationError: there is none.
    """
    if arguments.environments:
        base = without_origin(arguments).base_image
        return environment_edit.EnvironmentFile(path=arguments.environments, origin_base=base)
    path = arguments.config or found_file.find_upwards(FILE_NAME)
    if path is None:
        raise ConfigurationError(f"no {FILE_NAME} here or in a folder above", "run: desktop-bake init")
    return environment_edit.EnvironmentFile(path=path)


def show_error(error: Exception, whose: str = "") -> None:
    """Print an error, and what to do about it on the next line.

    Args:
        whose: the environment, if the error concerns one of several.
    """
    red, plain = ("\033[31m", "\033[0m") if coloured(sys.stderr) else ("", "")
    print(f"{red}error:{plain} {whose + ': ' if whose else ''}{error}", file=sys.stderr)
    if remedy := getattr(error, "remedy", ""):
        print(f"  {remedy}", file=sys.stderr)


def print_json(value: object) -> None:
    """Print one JSON object on standard output."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_names(names: Iterable[str]) -> None:
    """Print only names, uncut, one a line, for shell loops and completion."""
    sys.stdout.writelines(f"{printable(name)}\n" for name in names)


def work_of(arguments: argparse.Namespace, settings: Settings | None = None) -> context.Context:
    """The context of the command's work.

    Args:
        arguments: what was typed.
        settings: the settings, if not those that these arguments ask for.
    """
    return context.Context(
        settings=settings or load(arguments),
        engine=engine.Engine(),
        reporter=reporter_of(arguments),
        progress="auto" if sys.stderr.isatty() and not arguments.quiet else "plain",
    )


def with_or_without_engine(work: context.Context) -> context.Context:
    """The context of a command for which registries are enough: without an engine if none answers."""
    if work.engine.answers():
        return work
    work.reporter.warn("no Docker Engine answers: registries alone are asked")
    return replace(work, engine=no_engine.NoEngine())


def reporter_of(arguments: argparse.Namespace) -> Reporter:
    """Where log lines go: standard error, or nowhere; the metrics receive them, too."""
    log: Log = silent if arguments.quiet else lambda line: print(line, file=sys.stderr, flush=True)
    listening: Reporter = arguments.recorder.listening(log) if arguments.recorder else Reporter(log)
    return listening


def show_result(result: ImageResult, *, as_json: bool) -> None:
    """Print an image as JSON, or its status and names."""
    if as_json:
        print_json(result.as_json())
    else:
        print(f"{result.status.value}  {result.image}" + (f"  {result.image_id}" if result.image_id else ""))


def no_effect(environment: Environment) -> str:
    """What to say of an environment that caches nothing."""
    return f"cache_desktop_build has no effect while headless_desktop_enabled is off in {environment.env_id!r}"
