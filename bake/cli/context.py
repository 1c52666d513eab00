"""The commands: each takes its parsed arguments and returns the exit status."""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bake.cli import load, print_json
from bake.engine import Engine
from bake.leftovers import new_file
from bake.resolve import Status, glance, key_of, silent
from bake.resolve import resolve as resolve_image
from generator.errors import ConfigurationError, RegistryError
from generator.reference import ImageReference

if TYPE_CHECKING:
    import argparse

    from bake.resolve import ImageResult, Log

MISS = 3

_INIT = """\
# desktop-bake.toml: which desktops are baked, and how.   Full list of keys: docs/configuration.md
schema = 1

# Repository of the image tags; a team puts its registry in front: "registry.example.com/team/desktop".
repository = "desktop-bake"

# Where BuildKit keeps its cache: "local", "registry", "none", or BuildKit's own form "type=gha,...".
cache = "local"

# Whether what is built here is published there (build --push).
push = false

# When the base image's registry is asked whether the tag moved: "missing", "always", "never".
pull = "missing"

# Seconds after which a build is stopped.
build_timeout_s = 600

[environments.default]
name = "Default desktop"
base_image = {base}

# Whether tasks get a desktop at all, and whether it is baked once instead of installed at every start.
headless_desktop_enabled = true
cache_desktop_build = true

# Your own recipe, relative to this file:
# install_script = "desktop_install.sh"
# setup_script = "desktop_setup.sh"
# dockerfile = "Dockerfile"
# preflight_script = "preflight.sh"          # baked on top of the desktop: see docs/layers.md
# preflight_run_script = "preflight_run.sh"  # run at every start
# build_args = {{ NAME = "value" }}
# platforms = ["linux/amd64", "linux/arm64"]
"""


def log_of(arguments: argparse.Namespace) -> Log:
    """Where log lines go: standard error, or nowhere; the metrics listen along."""
    log: Log = silent if arguments.quiet else lambda line: print(line, file=sys.stderr, flush=True)
    return arguments.recorder.listening(log) if arguments.recorder else log


def init(arguments: argparse.Namespace) -> int:
    """Write a commented configuration file; an existing one is never touched."""
    base = ImageReference.parse(arguments.base_image)
    path = arguments.config or Path("desktop-bake.toml")
    try:
        with new_file(path, instead=False) as file:
            file.write(_INIT.format(base=json.dumps(str(base))).encode())
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise ConfigurationError(f"{path} exists already", "edit it, or remove it first") from error
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}", "choose another folder") from error
    print(path)
    return 0


def key(arguments: argparse.Namespace) -> int:
    """Print the cache key and its parts."""
    settings = load(arguments)
    environment = settings.environment(arguments.env)
    cache_key = key_of(environment, settings, Engine(), log_of(arguments))
    if arguments.json:
        print_json({"schema": 1, "environment": environment.env_id, "cache_key": str(cache_key),
                     "components": cache_key.components()})  # fmt: skip
    else:
        print(cache_key)
        for part, value in cache_key.components().items():
            print(f"  {part:<11} {value}")
    return 0


def render(arguments: argparse.Namespace) -> int:
    """Write, print or check the rendered folder."""
    from bake.render import rendered_files, targets_of
    from bake.rendered_folder import BAKE_FILE, whole_folder, write_folder

    settings = load(arguments)
    chosen = [settings.environment(e) for e in arguments.env] or list(settings.environments.values())
    if not chosen:
        raise ConfigurationError("no environment to render", "run: desktop-bake init")
    files = whole_folder(rendered_files(targets_of(chosen, settings, Engine(), log_of(arguments))))
    if arguments.check:
        from bake.difference import report

        return report(arguments, files, chosen)
    if arguments.output is None:
        sys.stdout.write(files[BAKE_FILE][0].decode())
        return 0
    write_folder(arguments.output, files, chosen, log_of(arguments))
    for name in files:
        print(arguments.output / name)
    return 0


def _show(result: ImageResult, *, as_json: bool) -> None:
    if as_json:
        print_json(result.as_json())
    else:
        print(f"{result.status.value}  {result.image}" + (f"  {result.image_id}" if result.image_id else ""))


def resolve(arguments: argparse.Namespace) -> int:
    """Print what a task would use; exit 3 on a miss, 5 where the registry could not be asked."""
    settings = load(arguments)
    engine = Engine()
    result = resolve_image(settings.environment(arguments.env), settings, engine, log_of(arguments))
    if arguments.recorder:
        arguments.recorder.record(result, engine)
    _show(result, as_json=arguments.json)
    if result.status is not Status.MISS:
        return 0
    return RegistryError.exit_status if result.registry_error else MISS


def build(arguments: argparse.Namespace) -> int:
    """Resolve each environment, pull or bake it; an explicit build never falls back. Exit 5 where a push failed."""
    from bake.ensure import obtain
    from bake.transfer import publish

    settings = load(arguments)
    engine, log, progress = Engine(), log_of(arguments), progress_of(arguments)
    if arguments.all:
        chosen = [e for e in settings.environments.values() if e.cache_enabled]
    else:
        chosen = [settings.environment(e) for e in arguments.env or [None]]
    results = []
    for environment in chosen:
        result = glance(environment, settings, engine, log)
        result = obtain(result, environment, settings, engine, log, progress)
        if result.status is Status.DISABLED:
            toggles = "headless_desktop_enabled=on cache_desktop_build=on"
            log(f"[desktop-cache] nothing to build for {environment.env_id}: {result.reason}")
            log(f"  switch it on: desktop-bake env set {shlex.quote(environment.env_id)} {toggles}")
        if settings.push and result.status is Status.LOCAL_HIT:
            result = publish(result, settings, engine, log, draw=progress != "plain")
        results.append(result)
        if arguments.recorder:
            arguments.recorder.record(result, engine)
        if not arguments.json:
            _show(result, as_json=False)
    if arguments.json:
        print_json({"schema": 1, "images": [r.as_json() for r in results]})
    failed = next((r.push_error for r in results if r.push_error), None)
    if failed:
        raise RegistryError(failed, f"check the login and the network: docker login {settings.repository.domain}")
    return 0


def progress_of(arguments: argparse.Namespace) -> str:
    """BuildKit's progress: drawn on a terminal, else plain lines."""
    return "auto" if sys.stderr.isatty() and not arguments.quiet else "plain"


def run(arguments: argparse.Namespace) -> int:
    """Run a command in a task with a live desktop, and exit with its status."""
    from bake.run import run as run_task

    return run_task(arguments)
