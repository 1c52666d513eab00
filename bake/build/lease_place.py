"""Where the lease on a key is: a tag in the team's repository, beside the images."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..registry.client import within
from ..registry.lease_manifest import Lease, lease_tag, read_lease

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from ...generator.reference import Digest
    from ..context import Context
    from ..images.result import Miss
    from ..registry.session import Session

    _Answer = TypeVar("_Answer")


REQUEST_S = 5.0
_TWICE_S = 0.2


@dataclass(frozen=True, kw_only=True)
class LeasePlace:
    """Where the lease on a key is.

    Args:
        miss: the miss of the key.
        platform: what is built; empty for every platform of the key.
        context: the registry, and whether another thread gave up.
    """

    miss: Miss
    platform: str
    context: Context

    @classmethod
    def of(cls, miss: Miss, context: Context) -> LeasePlace:
        """Where the lease for a build of this miss is.

        Args:
            miss: from `search`.
            context: as the attribute.
        """
        platform = "" if miss.order.environment.platforms else miss.order.platform
        return cls(miss=miss, platform=platform, context=context)

    def ask(self, question: Callable[[Session, str], _Answer]) -> _Answer:
        """Ask the registry about the lease's tag.

        Raises:
            RegistryError: it did not answer, or refused.
        """
        tag, access = lease_tag(self.miss.cache_key, self.platform), self.context.access()
        quick = replace(access, timeout_s=min(REQUEST_S, access.timeout_s))
        return within(quick, self.context.settings.repository, lambda session: question(session, tag))

    def read(self) -> tuple[Lease | None, Digest | None]:
        """The lease that is there, if it is a valid one, and the digest of what is there."""
        found = self.ask(lambda session, tag: session.manifest(tag))
        return (read_lease(found[0]), found[1]) if found else (None, None)

    def digest(self) -> Digest | None:
        """The digest under the lease's tag; it looks twice, because a registry may miss a tag while it is written."""

        def look(session: Session, tag: str) -> Digest | None:
            there = session.digest(tag)
            if there is None:
                time.sleep(_TWICE_S)
                there = session.digest(tag)
            return there

        return self.ask(look)

    def published(self) -> Digest | None:
        """The digest under the key's own tag."""
        return self.ask(lambda session, _: session.digest(self.miss.cache_key))

    def wait(self, seconds: float) -> None:
        """Wait, or stop waiting.

        Raises:
            CancelledError: another thread gave up.
        """
        if self.context.cancel:
            self.context.cancel.wait(seconds)
            self.context.check_cancelled()
        else:
            time.sleep(seconds)
