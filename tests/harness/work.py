"""The context of a unit test, and orders with arbitrary content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from desktop_bake import Settings, Stack
from desktop_bake.bake.context import Context
from desktop_bake.bake.images.order import Order
from desktop_bake.bake.system.reporter import Reporter, silent
from desktop_bake.generator.layer_key import LayerKey
from tests.harness.recipes import KEY, OFFICE, PREFLIGHT, RECIPE

if TYPE_CHECKING:
    from desktop_bake.bake.engine.engine import Engine
    from desktop_bake.bake.system.reporter import Log
    from desktop_bake.generator.layer_key import Key
    from tests.harness.fake_engine import FakeEngine


def work(engine: FakeEngine | Engine, settings: Settings | None = None, log: Log = silent, **more: Any) -> Context:
    """A context on this engine."""
    reporter = Reporter.of(log)
    return Context(settings=settings or Settings(), engine=cast("Engine", engine), reporter=reporter, **more)


def order(settings: Settings, key: Key = KEY, **more: Any) -> Order:
    """The order for a key, by the environment `office`."""
    layer = key if isinstance(key, LayerKey) else None
    stack = Stack(desktop=RECIPE if not layer or layer.desktop else None, preflight=PREFLIGHT if layer else None)
    fields = {"environment": OFFICE, "platform": "linux/amd64", **more}
    return Order(stack=stack, key=key, repository=settings.repository, **fields)
