"""How registries are asked: the part that all requests share."""

from __future__ import annotations

import contextlib
import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from ..engine.credentials import HELPER_TIMEOUT_S, Logins
from .proxy_rules import address_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from ..system.answers import Answers


TIMEOUT_S = 10.0
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, kw_only=True)
class Access:
    """How registries are asked.

    Attributes:
        insecure: gives the engine's `RegistryConfig`, asked only if a registry speaks no trusted TLS.
        timeout_s: time limit of one question, in seconds.
        helper_timeout_s: time limit of a credential helper, in seconds; it does not count towards `timeout_s`.
        logins: the logins of this run.
        told: remembers what registries answer, or None.
    """

    insecure: Callable[[], Mapping[str, Any]] = dict
    timeout_s: float = TIMEOUT_S
    helper_timeout_s: float = HELPER_TIMEOUT_S
    logins: Logins = field(default_factory=Logins)
    told: Answers | None = None

    def once(self, question: Hashable, ask: Callable[[], _Answer]) -> _Answer:
        """The answer to a question; each question is asked once per command."""
        return self.told.once(question, ask) if self.told else ask()

    def is_insecure(self, host: str) -> bool:
        """Whether the engine speaks to a registry without trusted TLS (dockerd, `insecure-registries`)."""
        if self.is_loopback(host):
            return True
        config = self.insecure()
        if (config.get("IndexConfigs") or {}).get(host, {}).get("Secure") is False:
            return True
        address = address_of(_name(host))
        with contextlib.suppress(ValueError):
            return any(address in ipaddress.ip_network(n) for n in config.get("InsecureRegistryCIDRs") or () if address)
        return False

    @staticmethod
    def is_loopback(host: str) -> bool:
        """Whether the name of a registry, `host[:port]`, means this machine."""
        address = address_of(_name(host))
        return address.is_loopback if address else _name(host) == "localhost"


def _name(host: str) -> str:
    return host.rsplit(":", 1)[0].strip("[]")
