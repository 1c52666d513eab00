"""`desktop-bake build`."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from ....generator.errors import RegistryError
from ...images.resolve import glance
from ...images.result import Disabled, LocalHit
from ...images.transfer import publish
from ...obtain import obtain
from ..context import print_json, show_result, work_of

if TYPE_CHECKING:
    import argparse


def build(arguments: argparse.Namespace) -> int:
    """Resolve each environment, pull or bake it; an explicit build never falls back. Exit 5 where a push failed."""
    context = replace(work_of(arguments), afresh=arguments.no_cache)
    settings, say = context.settings, context.reporter.say
    if arguments.all:
        chosen = [e for e in settings.environments.values() if e.cache_enabled]
    else:
        chosen = [settings.environment(e) for e in arguments.env or [None]]
    results = []
    for environment in chosen:
        result = obtain(glance(environment, context), context)
        if isinstance(result, Disabled):
            toggles = "headless_desktop_enabled=on cache_desktop_build=on"
            say(f"[desktop-cache] nothing to build for {environment.env_id}: {result.reason}")
            say(f"  switch it on: desktop-bake env set {shlex.quote(environment.env_id)} {toggles}")
        if settings.push and isinstance(result, LocalHit):
            result = publish(result, context)
        results.append(result)
        if arguments.recorder:
            arguments.recorder.record(result, context.engine)
        if not arguments.json:
            show_result(result, as_json=False)
    if arguments.json:
        print_json({"schema": 1, "images": [r.as_json() for r in results]})
    failed = next((r.push_error for r in results if r.push_error), None)
    if failed:
        raise RegistryError(failed, f"check the login and the network: docker login {settings.repository.domain}")
    return 0
