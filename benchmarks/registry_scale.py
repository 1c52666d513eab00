"""The cost of a repository with thousands of tags: requests, bytes and time of the commands that ask the registry.

A real registry, with tags written into its storage, and the real client; images here belong to an engine in memory.
A relay before the registry counts requests and bytes; times are measured without it.
"""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from desktop_bake import Digest, Environment, ImageReference, Settings
from desktop_bake.bake.build.team_lease import lease_if_free
from desktop_bake.bake.images.order import order_of
from desktop_bake.bake.images.resolve import resolve
from desktop_bake.bake.images.result import Miss, RegistryHit
from desktop_bake.bake.upkeep.explain import explain
from desktop_bake.bake.upkeep.policy import Policy
from desktop_bake.bake.upkeep.prune import plan_now
from desktop_bake.bake.upkeep.report import listing
from desktop_bake.generator.key import CacheKey
from tests.harness.fake_engine import FakeEngine
from tests.harness.proxy import faulty
from tests.harness.registries import RealRegistry, push_image, real_registry
from tests.harness.work import work

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from desktop_bake.bake.context import Context

    Add = Callable[[str, str, str, str], None]


SIZES = 2_000, 10_000
BASES, MANIFESTS, HERE = 20, 100, 20
PATH = "team/desktop"
BASE = ImageReference.parse("registry.example.com/base:bookworm")
ENVIRONMENT = Environment(env_id="office", base_image=BASE, headless_desktop_enabled=True, cache_desktop_build=True)
CHANGED = replace(ENVIRONMENT, build_args={"CHANGED": "1"})


def key(number: int) -> CacheKey:
    """One of many keys, on one of some bases."""
    return CacheKey(
        variant="bookworm",
        base=Digest.of(f"base {number % BASES}".encode()),
        install=Digest.of(f"install {number % 10}".encode()),
        setup=Digest.of(f"setup {number}".encode()),
        dockerfile=Digest.of(b"dockerfile"),
    )


@dataclass(frozen=True)
class Figures:
    """The cost of a request."""

    requests: int
    sent_bytes: int
    seconds: float


class Crowd:
    """A repository with this many tags and an image of the environment.

    Args:
        registry: an empty registry.
        count: the number of tags.
    """

    def __init__(self, registry: RealRegistry, count: int) -> None:
        self.registry = registry
        self.order = order_of(ENVIRONMENT, self.context(registry.host))
        push_image(registry.host, PATH, str(self.order.key), self.order.key.labels(BASE.named))
        pushed = [push_image(registry.host, PATH, str(key(n)), key(n).labels(BASE.named)) for n in range(MANIFESTS)]
        for number in range(MANIFESTS, count):
            self._tag(str(key(number)), pushed[number % MANIFESTS])

    def _tag(self, tag: str, digest: str) -> None:
        """Give a manifest another tag, as Distribution stores it."""
        folder = self.registry.storage / "docker/registry/v2/repositories" / PATH / "_manifests/tags" / tag
        for place in (folder / "current", folder / "index" / digest.replace(":", "/")):
            place.mkdir(parents=True)
            (place / "link").write_text(digest)

    def context(self, host: str) -> Context:
        """The context of a machine that has the base and some images; every second of them is published."""
        engine, repository = FakeEngine(), ImageReference.parse(f"{host}/{PATH}")
        engine.add(BASE.named, known_as=f"{BASE.repository}@{key(0).base}")
        for number in range(HERE):
            each = key(number if number % 2 else -number - 1)
            engine.add(f"{repository}:{each}", each.labels(BASE.named), made_s=1)
        return work(engine, Settings(repository=repository, environments={"office": ENVIRONMENT}, push=True))

    def figures(self, ask: Callable[[Context], object], repetitions: int) -> Figures:
        """The cost of a request."""
        with faulty(self.registry.host) as proxy:
            ask(self.context(proxy.host))
            requests, sent = len(proxy.requests), sum(proxy.sent)
        times = []
        for _ in range(repetitions):
            context = self.context(self.registry.host)
            began = time.perf_counter()
            ask(context)
            times.append(time.perf_counter() - began)
        return Figures(requests, sent, statistics.median(times))


def _hit(context: Context) -> None:
    assert isinstance(resolve(ENVIRONMENT, context), RegistryHit)


def _miss(context: Context) -> None:
    assert isinstance(resolve(CHANGED, context), Miss)


def _explain(context: Context) -> None:
    assert isinstance(explain(CHANGED, context).result, Miss)


def _images(context: Context) -> None:
    rows = listing(context, everywhere=False, registry=True).rows
    assert [row.published for row in rows].count(True) == HERE // 2, rows


def _lease(context: Context) -> None:
    with lease_if_free(Miss(order=order_of(CHANGED, context)), context) as found:
        assert found


def _prune(context: Context) -> None:
    context = replace(context, settings=replace(context.settings, registry_timeout_s=60))
    assert plan_now(context, Policy(), registry=True).published


ASKED: dict[str, tuple[Callable[[Context], object], str]] = {
    "`resolve`, a hit": (_hit, "as many"),
    "`resolve`, a miss": (_miss, "as many"),
    "`explain` of a miss": (_explain, "<= 30 requests, <= 1 MB"),
    f"`images --registry`, {HERE} here": (_images, "as many"),
    "the lease, taken and given back": (_lease, "as many"),
    "`prune --registry --dry-run`": (_prune, ""),
}


def measure(repetitions: int, folder: Path, add: Add, sizes: tuple[int, ...] = SIZES) -> None:
    """Add a row for each kind of request.

    Args:
        repetitions: the number of runs of every measurement.
        folder: an empty folder.
        add: takes the four cells of a row.
        sizes: the numbers of tags.
    """
    before, found = os.environ.get("XDG_CACHE_HOME"), dict[str, list[Figures]]()
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    try:
        for count in sizes:
            with real_registry(folder / str(count)) as registry:
                crowd = Crowd(registry, count)
                for what, (ask, _) in ASKED.items():
                    times = 1 if ask is _prune else repetitions
                    found.setdefault(what, []).append(crowd.figures(ask, times))
    finally:
        os.environ.pop("XDG_CACHE_HOME")
        os.environ.update({"XDG_CACHE_HOME": before} if before else {})
    for what, (_, bar) in ASKED.items():
        add(f"{what}, with {_each(sizes, '{:,}')} tags", _said(found[what]), _ratio(found[what]), bar)


def _said(figures: list[Figures]) -> str:
    requests = _each((f.requests for f in figures), "{:,}")
    sent = _each((f.sent_bytes / 1000 for f in figures), "{:,.0f}")
    return f"{requests} requests, {sent} KB, {_each((f.seconds for f in figures), '{:.3f}')} s"


def _ratio(figures: list[Figures]) -> str:
    return f"{figures[-1].seconds / figures[0].seconds:.2f}"


def _each(values: Any, form: str) -> str:
    return " / ".join(form.format(value) for value in values)
