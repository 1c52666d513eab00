"""`desktop-bake build`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ....generator.errors import RegistryError
from ...engine.engine import Engine
from ...images.resolve import glance
from ...images.result import Status
from ...images.transfer import publish
from ...obtain import obtain
from ..context import load, log_of, print_json, progress_of, show_result

if TYPE_CHECKING:
    import argparse


def build(arguments: argparse.Namespace) -> int:
    """Resolve each environment, pull or bake it; an explicit build never falls back. Exit 5 where a push failed."""

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
            show_result(result, as_json=False)
    if arguments.json:
        print_json({"schema": 1, "images": [r.as_json() for r in results]})
    failed = next((r.push_error for r in results if r.push_error), None)
    if failed:
        raise RegistryError(failed, f"check the login and the network: docker login {settings.repository.domain}")
    return 0
