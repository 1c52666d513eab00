"""Ports of a task's container, as values and as people write them. Pure."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from ...generator.described import check_types, checked
from ...generator.errors import ConfigurationError, TaskError

_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_LAST = 65535
# The engine's message about a port that another container or another program has.
_TAKEN = re.compile(r"((?:(?:[0-9]{1,3}\.){3}[0-9]{1,3}|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}).* already (?:allocated|in use)")


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port of the container on the engine's machine.

    Args:
        container: the port in the container.
        host: the port outside; 0 for any free port.
        host_last: the last port of the range outside that begins with `host`; 0 for `host` only.
        address: the address outside; the loopback by default, so that other machines cannot reach it.
        protocol: `tcp`, `udp` or `sctp`.
    """

    container: int
    host: int = 0
    host_last: int = 0
    address: str = "127.0.0.1"
    protocol: str = "tcp"

    def __post_init__(self) -> None:
        check_types(self)
        last = self.host_last or self.host
        if not (0 < self.container <= _LAST and 0 <= self.host <= last <= _LAST):
            raise ConfigurationError(f"bad port {self.host}:{self.container}", "ports are 1 to 65535")
        if self.protocol not in ("tcp", "udp", "sctp"):
            raise ConfigurationError(f"unknown protocol {self.protocol!r}", "use tcp, udp or sctp")

    @property
    def inside(self) -> str:
        """The port in the container as the engine names it."""
        return f"{self.container}/{self.protocol}"

    @property
    def binding(self) -> dict[str, str]:
        """The address and port outside, in the engine's form (Docker Engine API, "PortBinding")."""
        host = f"{self.host}-{self.host_last}" if self.host_last else str(self.host or "")
        return {"HostIp": self.address, "HostPort": host}


def taken_of(said: str) -> str | None:
    """The address and port that another program has, from the engine's answer to a start, or None."""
    found = _TAKEN.search(said)
    return found[1] if found else None


def port_in_use(address: str) -> TaskError:
    """What to raise if another program has a port.

    Args:
        address: `IP:PORT`.
    """
    return TaskError(f"port {address} is in use", "choose another, or see what has it: docker ps, ss -ltnp")


@checked
def parse_ports(text: str) -> tuple[Port, ...]:
    """The ports of one `-p` of `desktop-bake run`, whose grammar is that of `docker run -p`.

    Args:
        text: `[[IP:]HOST:]PORT[/PROTOCOL]`, each of both a port or a range of them. Without an IP it is the loopback's.

    Returns:
        One for each port of the container.

    Raises:
        ConfigurationError: it is malformed.

    Examples:
        >>> parse_ports("8080:80")
        (Port(container=80, host=8080, host_last=0, address='127.0.0.1', protocol='tcp'),)
        >>> [(port.host, port.container) for port in parse_ports("0.0.0.0:9000-9001:3000-3001/udp")]
        [(9000, 3000), (9001, 3001)]
        >>> options = TaskOptions(ports=parse_ports("8080:80"), mounts=(parse_volume("/srv:/srv"),))
    """
    remedy = "write 8080:80, 127.0.0.1:8080:80/tcp, [::1]:8080:80 or 8000-8010:8000-8010; ports are 1 to 65535"
    outside, _, inside = (_from_fields(text) if "=" in text else text).rpartition(":")
    address, _, host = outside.rpartition(":")
    inside, _, protocol = inside.partition("/")
    if ":" in address and re.fullmatch(r"\[.+\]", address):
        address = address[1:-1]
    elif ":" in address:
        address = "no address without brackets"
    try:
        address = str(ipaddress.ip_address(address)) if address else "127.0.0.1"
        (first, last), (host_first, host_last) = _range(inside), _range(host or "0")
    except ValueError as error:
        raise ConfigurationError(f"malformed port {text!r}", remedy) from error
    many = last > first
    if many and host and host_last - host_first != last - first:
        raise ConfigurationError(f"{text!r}: the two ranges of ports differ in length", remedy)
    return tuple(
        Port(
            container=port,
            host=host_first + (port - first if host_first else 0),
            host_last=0 if many or host_last == host_first else host_last,
            address=address,
            protocol=protocol.lower() or "tcp",
        )
        for port in range(first, last + 1)
    )


def _range(text: str) -> tuple[int, int]:
    found = _RANGE.fullmatch(text)
    if not found:
        raise ValueError(text)
    first, last = int(found[1]), int(found[2] or found[1])
    if not first <= last <= _LAST:
        raise ValueError(text)
    return first, last


def _from_fields(text: str) -> str:
    """`target=80,published=8080,protocol=tcp` in the other form."""
    fields = dict(field.partition("=")[::2] for field in text.split(","))
    if not {"target"} <= fields.keys() <= {"target", "published", "protocol"}:
        return text
    return f"{fields.get('published', '')}:{fields['target']}/{fields.get('protocol', 'tcp')}"
