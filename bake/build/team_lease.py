"""One machine of a team builds a key at a time: a lease in the registry, best effort, and harmless if it is lost.

A registry has no compare-and-swap. So a machine writes its lease, waits a little and reads back: the last writer has
it. It renews the lease at each beat. If the lease has not changed for its lifetime, by the clocks of those who wait,
they take it for dead. Any failure costs a bounded wait; then two machines build the same, which does no harm.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
import uuid
from typing import TYPE_CHECKING

from ...generator.errors import CancelledError, ConfigurationError, DesktopBakeError, RegistryError
from ...generator.reference import Digest
from ..images.published import ask_registry
from ..images.result import Miss, RegistryHit
from ..registry.lease_manifest import EMPTY, RELEASED, Lease
from ..registry.manifest import OCI_MANIFEST
from .lease_place import REQUEST_S, LeasePlace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from ..context import Context
    from ..registry.session import Session


BEAT_S = 5.0
LIFETIME_S = 20
POLL_S = 2.0
SETTLE_S = (0.5, 3.0)  # at least and at most; in between, three times as long as writing took
_APART_S = (0.1, 0.6)
_RELEASED = Digest.of(RELEASED)


class _Held:
    """A lease of ours, which a thread keeps alive until it is released."""

    def __init__(self, place: LeasePlace, lease: Lease) -> None:
        self._place, self._lease, self._own = place, lease, lease.digests()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)
        self._thread.start()

    def _beat(self) -> None:
        while not self._done.wait(BEAT_S):
            with contextlib.suppress(RegistryError):  # the next beat may come through
                if not self._place.ask(self._renew):
                    return

    def _renew(self, session: Session, tag: str) -> bool:
        """Write the next beat, unless somebody took the lease over: then both build, but only one may renew it."""
        there = session.digest(tag)
        if there and there not in self._own:
            return False
        self._lease = self._lease.next()
        session.put_manifest(tag, self._lease.content(), OCI_MANIFEST)
        return True

    def release(self) -> None:
        """Release it: those who wait look for the image at once."""
        self._done.set()
        self._thread.join(2 * REQUEST_S)
        with contextlib.suppress(RegistryError):  # then it expires by itself
            self._place.ask(self._clear)

    def _clear(self, session: Session, tag: str) -> None:
        there = session.digest(tag)
        if there is None or there not in self._own:
            return
        try:
            session.delete_manifest(there)  # by digest: what another machine wrote meanwhile stays
        except RegistryError:
            session.put_manifest(tag, RELEASED, OCI_MANIFEST)


@contextlib.contextmanager
def leased(miss: Miss, context: Context, limit_s: float) -> Iterator[RegistryHit | Miss]:
    """Hold the lease on a key while it is built and published here, or wait for the machine that has it.

    Args:
        miss: from `search`.
        context: the repository, and the access to registries.
        limit_s: how long to wait for another machine, in seconds.

    Returns:
        The miss, if this machine builds; or the registry hit of another machine's build.

    Raises:
        CancelledError: on enter: another thread gave up.
    """
    with _lease(LeasePlace.of(miss, context), lambda place: _take_or_wait(place, time.monotonic() + limit_s)) as found:
        yield found or miss


def lease_if_free(miss: Miss, context: Context) -> AbstractContextManager[RegistryHit | Miss | None]:
    """As `leased`, without waiting: None if another machine has the lease."""
    return _lease(LeasePlace.of(miss, context), _take_if_free)


@contextlib.contextmanager
def _lease(
    place: LeasePlace, take: Callable[[LeasePlace], tuple[_Held | None, RegistryHit | Miss | None]]
) -> Iterator[RegistryHit | Miss | None]:
    """The lease, if `take` gets it; an image that was published meanwhile is a hit."""
    held: _Held | None = None
    found: RegistryHit | Miss | None = place.miss
    try:
        try:
            held, found = take(place)
            if held:  # another machine may have published it since we looked
                there = ask_registry(place.miss, place.context)
                found = there if isinstance(there, RegistryHit) else place.miss
        except (CancelledError, ConfigurationError):
            raise
        except DesktopBakeError as error:
            place.context.reporter.say(f"[desktop-cache] no lease, so that others may build the same: {error}")
        yield found
    finally:
        if held:
            held.release()


def _take_if_free(place: LeasePlace) -> tuple[_Held | None, Miss | None]:
    """The lease and the miss; neither if another machine has the lease."""
    lease, there = place.read()
    held = None if lease else _take(place, there)
    return held, place.miss if held else None


def _take_or_wait(place: LeasePlace, end: float) -> tuple[_Held | None, RegistryHit | Miss]:
    """The lease and the miss; or no lease, and the result of waiting for another machine's build."""
    refused = False
    while True:
        try:
            ended = _try_to_take(place, end)
        except RegistryError:
            if refused:
                raise
            refused = True  # a registry may refuse one of several that write the same: try again, at another time
            place.wait(random.uniform(*_APART_S))
            continue
        if ended:
            return ended
        if time.monotonic() > end:
            return None, place.miss


def _try_to_take(place: LeasePlace, end: float) -> tuple[_Held | None, RegistryHit | Miss] | None:
    """As `_take_or_wait`; None if another machine was faster."""
    lease, there = place.read()
    if lease and there:
        ended = _wait(place, lease, there, end)
        if not isinstance(ended, Digest):
            return None, ended
        there = ended
    held = _take(place, there)
    return (held, place.miss) if held else None


def _take(place: LeasePlace, instead_of: Digest | None) -> _Held | None:
    """Take the lease in place of what was there; None if somebody else wrote meanwhile or after us."""
    lease = Lease(owner=uuid.uuid4().hex, lifetime_s=LIFETIME_S)

    def write(session: Session, tag: str) -> bool:
        session.put_blob(EMPTY)
        if session.digest(tag) != instead_of:  # asked as shortly before writing as possible
            return False
        session.put_manifest(tag, lease.content(), OCI_MANIFEST)
        return True

    began = time.monotonic()
    if not place.ask(write):
        return None
    # A machine that looked just before we wrote has written too, or will soon: it takes about as long as we do.
    shortest, longest = SETTLE_S
    cancelled: CancelledError | None = None
    try:
        place.wait(min(max(shortest, 3 * (time.monotonic() - began)), longest))
    except CancelledError as error:
        cancelled = error
    mine = place.digest() in lease.digests()
    held = _Held(place, lease) if mine else None
    if cancelled:
        if held:
            held.release()
        raise cancelled
    return held


def _wait(place: LeasePlace, lease: Lease, seen: Digest, end: float) -> RegistryHit | Miss | Digest:
    """Wait while another machine has the lease.

    Returns:
        The hit of its build; the miss if it gave up or takes too long; or, if it died, the digest of the lease, which
        one of those who wait has to take over.
    """
    reporter = place.context.reporter
    reporter.phase("wait")
    reporter.say(f"[desktop-cache] waiting: another machine builds {place.miss.cache_key}")
    began = moved = time.monotonic()
    looked_at: Digest | None = None

    def ended(how: str) -> None:
        reporter.say(f"[desktop-cache] waited {time.monotonic() - began:.0f} s: {how}")

    while True:
        gone = False
        with contextlib.suppress(RegistryError):  # the same as no beat
            there = place.digest()
            if there and there != seen:
                seen, moved = there, time.monotonic()
            published = place.published()  # asked after the lease, which is released after the push
            if published and published != looked_at:
                looked_at = published
                image = ask_registry(place.miss, place.context)
                if isinstance(image, RegistryHit):
                    ended("it is in the registry")
                    return image
            gone = there is None or there == _RELEASED
        if gone:
            ended("the other machine gave up; building here")
            return place.miss
        if time.monotonic() - moved > lease.lifetime_s:
            ended("the other machine gives no sign of life")
            return seen
        if time.monotonic() > end:
            ended("the limit; building here")
            return place.miss
        place.wait(POLL_S)
