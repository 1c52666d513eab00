"""A missing image when several are built together: its turn, its lease and its outcome."""

from __future__ import annotations

import contextlib
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..generator.errors import CancelledError, DesktopBakeError
from .images.resolve import under_tag
from .images.result import LocalHit, RegistryHit
from .obtain import pulled
from .system.lazy import lazy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .build import bake_all, failed_step, machine_lock, own_script, pause, preparation, team_lease
    from .context import Context
    from .images.order import Order
    from .images.result import Built, Miss
else:
    failed_step = lazy(".build.failed_step", __package__)
    machine_lock = lazy(".build.machine_lock", __package__)
    own_script = lazy(".build.own_script", __package__)
    pause = lazy(".build.pause", __package__)
    team_lease = lazy(".build.team_lease", __package__)


_LOOK_EVERY_S = 1.0


@dataclass(kw_only=True)
class MissingImage:
    """A missing image that is built together with others.

    Attributes:
        miss: what is wanted.
        context: the context of the work.
        turn: this machine's turn to build it.
        lease: the team's lease, released once the image is published.
        got, error: the outcome; both are None while the image still has to be built.
    """

    miss: Miss
    context: Context
    turn: ExitStack = field(default_factory=ExitStack)
    lease: ExitStack = field(default_factory=ExitStack)
    got: LocalHit | RegistryHit | Built | None = None
    error: DesktopBakeError | OSError | None = None

    @property
    def order(self) -> Order:
        """What is wanted."""
        return self.miss.order

    @property
    def is_open(self) -> bool:
        """Whether there is no outcome yet."""
        return self.got is None and self.error is None

    def take_turn(self, *, pausing: bool) -> bool:
        """Take the turn of the key unless another process has it; use the image if another process has built it."""
        key = self.order.key
        if not pausing:
            pause.lift(key)
        turn = machine_lock.Turn(key, self.order.environment.env_id, self.context)
        if not turn.at_once():
            return False
        self.turn.push(turn)
        here = None if self.context.afresh else under_tag(self.order, self.context)
        if isinstance(here, LocalHit):
            self.got = replace(here, reason="built by another process", registry_error=self.miss.registry_error)
        elif pausing:
            with self.keeping_error():
                pause.check(key)
        turn.announce()
        return True

    def take_lease(self) -> bool:
        """Take the team's lease unless another machine has it; pull the image if one was published meanwhile."""
        there = self.lease.enter_context(team_lease.lease_if_free(self.miss, self.context))
        if isinstance(there, RegistryHit):
            got = pulled(there, self.context)
            self.got, self.miss = (got, self.miss) if isinstance(got, RegistryHit) else (None, got)
        return there is not None

    def settle(self, baked: bake_all.Baked, *, pausing: bool) -> None:
        """Store the outcome of baking several images."""
        key = str(self.order.key)
        built, why = baked.built.get(key), baked.failed.get(key)
        own = own_script.of_own_script(why, self.order.environment) if isinstance(why, failed_step.FinalError) else None
        self.error = own or why
        self.got = replace(built, registry_error=self.miss.registry_error) if built else None
        if pausing and self.error:
            pause.failed(self.order.key, self.error, self.context.reporter)
        elif pausing and self.got:
            pause.lift(self.order.key)

    def result_for(self, order: Order) -> LocalHit | RegistryHit | Built | None:
        """The outcome for an order of the same key; None if the order wants another platform."""
        if order is self.miss.order or not self.got:
            return self.got
        same = order.platform == self.order.platform and self.got.image_id
        return LocalHit(order=order, image_id=self.got.image_id) if same and self.got.image_id else None

    @contextlib.contextmanager
    def keeping_error(self) -> Iterator[None]:
        """Store an error as the outcome; only a cancellation ends the other builds, too."""
        try:
            yield
        except CancelledError:
            raise
        except (DesktopBakeError, OSError) as error:
            self.error = error


@contextlib.contextmanager
def watched(jobs: list[MissingImage], together: bake_all.Together, ready: preparation.Preparation) -> Iterator[None]:
    """Release each turn as soon as its image is there: a process that waits for it need not wait for the others.

    The first turn is kept: its lock is the lock of the bake's folder. The bake is ended once nothing has finished for
    as long as a build may take, and the rest would have had time to be built one after another.
    """
    is_over = threading.Event()
    limit_s = ready.context.settings.build_timeout_s

    def watch() -> None:
        left, began = list(jobs), time.monotonic()
        moved = began
        while left and not is_over.wait(_LOOK_EVERY_S):
            now = time.monotonic()
            with contextlib.suppress(DesktopBakeError):
                for job in [job for job in left if together.finished(job.order)]:
                    left.remove(job)
                    moved = now
                    if job is not jobs[0]:
                        job.turn.close()
            if now - moved > limit_s and now - began > limit_s * len(left):
                ready.child.end()
                return

    watcher = threading.Thread(target=watch, name="finished", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()
