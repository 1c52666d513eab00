"""Ports as people write them, as docker reads them, and as the engine takes them."""

from __future__ import annotations

import re

import pytest

from desktop_bake import ConfigurationError, Port
from desktop_bake.bake.task.ports import parse_ports, taken_of
from tests.harness.every import every


@every(
    ("text", "port"),
    [
        ("80", Port(container=80)),
        ("8080:80", Port(container=80, host=8080)),
        ("0.0.0.0:8080:80/udp", Port(container=80, host=8080, address="0.0.0.0", protocol="udp")),
        ("80/TCP", Port(container=80)),
        (":80", Port(container=80)),
        ("8000-8010:80", Port(container=80, host=8000, host_last=8010)),
        ("127.0.0.1:8080:80/sctp", Port(container=80, host=8080, protocol="sctp")),
        ("target=80", Port(container=80)),
        ("published=8080,target=80,protocol=udp", Port(container=80, host=8080, protocol="udp")),
        ("[::1]::80", Port(container=80, address="::1")),
    ],
)
def test_ports(text: str, port: Port) -> None:
    """`-p` as docker reads it, but on the loopback unless an address is given."""
    assert parse_ports(text) == (port,)


@pytest.mark.parametrize(
    ("text", "hosts"),
    [("80-82", [0, 0, 0]), ("8080-8082:80-82", [8080, 8081, 8082]), ("0.0.0.0:90-92:80-82/udp", [90, 91, 92])],
)
def test_ranges(text: str, hosts: list[int]) -> None:
    """A range is a port each, in the order of the other range, if there is one."""
    ports = parse_ports(text)
    assert [port.container for port in ports] == [80, 81, 82]
    assert [port.host for port in ports] == hosts
    assert {port.host_last for port in ports} == {0}
    assert len({(port.address, port.protocol) for port in ports}) == 1


@every(
    ("text", "says"),
    [
        *(
            (text, f"malformed port '{text}'")
            for text in (
                "",
                "x",
                "65536",
                "1:2:3",
                "90-80",
                "host:1:2",
                "::1:1:2",
                "[a]:1:2",
                "-1",
                "1-",
                "target=80,mode=host",
                "published=80",
            )
        ),
        ("0", "bad port 0:0"),
        ("1-2:3-5", "'1-2:3-5': the two ranges of ports differ in length"),
        ("80/icmp", "unknown protocol 'icmp'"),
    ],
)
def test_ports_refused(text: str, says: str) -> None:
    """The error says what is wrong with a malformed port."""
    with pytest.raises(ConfigurationError, match=f"^{re.escape(says)}$"):
        parse_ports(text)


@pytest.mark.parametrize(
    ("port", "inside", "binding"),
    [
        (Port(container=80), "80/tcp", {"HostIp": "127.0.0.1", "HostPort": ""}),
        (Port(container=80, host=81, protocol="udp"), "80/udp", {"HostIp": "127.0.0.1", "HostPort": "81"}),
        (Port(container=80, host=81, host_last=89, address="::1"), "80/tcp", {"HostIp": "::1", "HostPort": "81-89"}),
    ],
)
def test_what_the_engine_takes(port: Port, inside: str, binding: dict[str, str]) -> None:
    """A port outside that does not matter is empty; one of several is a range."""
    assert (port.inside, port.binding) == (inside, binding)


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        (
            "failed to bind host port for 127.0.0.1:6081:172.17.0.2:80/tcp: address already in use",
            "127.0.0.1:6081",
        ),
        ("(b): Bind for 0.0.0.0:6081 failed: port is already allocated", "0.0.0.0:6081"),
        ("Error starting userland proxy: listen tcp6 [::1]:80: bind: address already in use", "[::1]:80"),
        ("no space left on device", None),
        ("pool 10.0.0.0/8 already in use", None),
    ],
)
def test_a_port_in_use(said: str, taken: str | None) -> None:
    """The engine's answer to a start, in any of its versions, names the port that is in use."""
    assert taken_of(said) == taken


@pytest.mark.parametrize(
    "numbers", [(0, 0, 0), (65536, 0, 0), (80, -1, 0), (80, 65536, 0), (80, 90, 89), (80, 1, 65536)]
)
def test_numbers_refused(numbers: tuple[int, int, int]) -> None:
    """A port that exists is right."""
    container, host, last = numbers
    with pytest.raises(ConfigurationError, match=r"^bad port "):
        Port(container=container, host=host, host_last=last)
