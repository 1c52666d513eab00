"""`desktop-bake build`."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from ....generator.errors import RegistryError
from ...images.result import Disabled
from ...together import obtain_all, published
from ..context import print_json, show_error, show_result

if TYPE_CHECKING:
    import argparse

    from ...context import Context
    from ...images.result import ImageResult
    from ...together import Outcome


def build(arguments: argparse.Namespace, context: Context) -> int:
    """Get each environment's image: pull it, or bake it with the others that are missing. It never falls back.

    Exit with 5 if a push failed, else with the status of the first environment that failed.
    """
    context = replace(context, afresh=arguments.no_cache)
    settings = context.settings
    if arguments.all:
        chosen = [e for e in settings.environments.values() if e.cache_enabled]
    else:
        chosen = [settings.environment(e) for e in arguments.env or [None]]
    results: list[ImageResult] = []
    failed: list[tuple[str, Exception]] = []
    outcomes = obtain_all(chosen, context)
    context = context.looking()
    for outcome in outcomes:
        if outcome.error and len(chosen) == 1:
            raise outcome.error
        if outcome.error:
            failed.append((outcome.environment.env_id, outcome.error))
            if arguments.recorder:
                arguments.recorder.fail(outcome.error, outcome.environment.env_id)
            continue
        results.append(_result(outcome, context))
        if arguments.recorder:
            arguments.recorder.record(results[-1], context.engine)
        if not arguments.json:
            show_result(results[-1], as_json=False)
    if arguments.json:
        print_json({"schema": 1, "images": [r.as_json() for r in results], "failed": [_as_json(*f) for f in failed]})
    for env_id, error in failed:
        show_error(error, env_id)
    unpublished = next((r.push_error for r in results if r.push_error), None)
    if unpublished:
        raise RegistryError(unpublished, f"check the login and the network: docker login {settings.repository.domain}")
    return next((int(getattr(error, "exit_status", 1)) for _, error in failed), 0)


def _result(outcome: Outcome, context: Context) -> ImageResult:
    """The result of an environment, published if it was already here; if it is off, say how to switch it on."""
    result, env_id = published(outcome, context), outcome.environment.env_id
    if isinstance(result, Disabled):
        toggles = "headless_desktop_enabled=on cache_desktop_build=on"
        context.reporter.say(f"[desktop-cache] nothing to build for {env_id}: {result.reason}")
        context.reporter.say(f"  switch it on: desktop-bake env set {shlex.quote(env_id)} {toggles}")
    return result


def _as_json(env_id: str, error: Exception) -> dict[str, object]:
    return {"environment": env_id, "error": str(error), "exit_status": getattr(error, "exit_status", 1)}
