"""Requests to a registry: what is followed, what is asked again, what is refused, and how faults are reported."""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from desktop_bake import RegistryError
from desktop_bake.bake.registry import transport
from desktop_bake.bake.registry.deadline import Deadline
from desktop_bake.bake.registry.transport import Transport
from tests.harness.piped_http import answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.piped_http import PipedHttp

BASE = "http://r.example.com"
URL = f"{BASE}/v2/a"
LOGIN = {"Authorization": "Basic secret"}


@pytest.fixture
def asking(http: PipedHttp, monkeypatch: pytest.MonkeyPatch) -> Iterator[Transport]:
    """A transport to a registry without TLS, that does not pause before it asks again."""
    monkeypatch.setattr(transport, "_PAUSES_S", (0.0, 0.0))
    asking = Transport("r.example.com", BASE, Deadline(10), verify=True)
    yield asking
    asking.close()


def test_an_answer(http: PipedHttp, asking: Transport) -> None:
    """An answer comes as it is, from whom the URL says, with the headers that were requested."""
    http.answers = [answer(200, b"body", X="y")]
    assert not asking.answered
    response = asking.send("GET", URL, {"Accept": "a/b", **LOGIN})
    assert (response.status, response.headers["X"], response.url) == (200, "y", URL)
    assert (asking.read(response, 4), asking.answered) == (b"body", True)
    head = http.requests[0].decode()
    for line in ("GET /v2/a HTTP/1.1", "Accept: a/b", "Authorization: Basic secret", "Accept-Encoding: identity"):
        assert f"{line}\r\n" in head


def test_connections_are_used_again(http: PipedHttp, asking: Transport) -> None:
    """Several requests go through one connection, one after a body that nobody reads, too."""
    http.answers = [answer(200, b"a"), answer(200, b"b"), answer(201)]
    asking.discard(asking.send("GET", URL, {}))
    assert asking.read(asking.send("GET", URL, {}), 9) == b"b"
    assert asking.send("PUT", URL, {}, b"content").status == 201
    assert http.connected == ["r.example.com:80"]
    assert http.requests[2].endswith(b"\r\n\r\ncontent")


# --- redirects -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "GET", "GET"),
        (302, "HEAD", "HEAD"),
        (303, "GET", "GET"),
        (303, "HEAD", "HEAD"),
        (303, "DELETE", "GET"),
        (307, "DELETE", "DELETE"),
        (308, "POST", "POST"),
    ],
)
def test_redirects(http: PipedHttp, asking: Transport, status: int, method: str, then: str) -> None:
    """A redirect is followed with the method that HTTP says, and the login goes along to the registry's own host."""
    http.answers = [answer(status, Location="/other?x=y"), answer(200)]
    assert asking.send(method, URL, LOGIN).url == f"{BASE}/other?x=y"
    assert http.asked == [f"{method} /v2/a", f"{then} /other?x=y"]
    assert b"Authorization: Basic secret" in http.requests[1]


@pytest.mark.parametrize("there", ["http://cdn.example.com/x", "http://r.example.com:81/x", "//cdn.example.com/x"])
def test_a_login_goes_nowhere_else(http: PipedHttp, asking: Transport, there: str) -> None:
    """Another host, or another port, gets no login, however its name is written; everything else it gets."""
    http.answers = [answer(307, Location=there), answer(200, b"blob")]
    response = asking.send("GET", URL, {"authorization": "Basic secret", "X": "y"})
    assert asking.read(response, 9) == b"blob"
    assert not asking.is_own(response.url)
    assert b"secret" in http.requests[0]
    assert b"secret" not in http.requests[1]
    assert b"X: y" in http.requests[1]


def test_a_body_is_not_led_away(http: PipedHttp, asking: Transport) -> None:
    """What has a body, which may contain a login, is not sent again; the redirect is the answer."""
    http.answers = [answer(307, Location="http://cdn.example.com/")]
    assert asking.send("POST", URL, {}, "secret").status == 307
    assert len(http.requests) == 1


@pytest.mark.parametrize(
    ("there", "says"),
    [
        ("http://[::1", "redirects to a malformed address"),
        ("file:///etc/passwd", "redirects to a malformed address"),
        ("ftp://a/", "redirects to a malformed address"),
        ("http://u:p@r.example.com/", "redirects to a malformed address"),
        ("http://r.example.com:x/", "redirects to a malformed address"),
    ],
)
def test_redirects_that_are_none(http: PipedHttp, asking: Transport, there: str, says: str) -> None:
    """An address that is none, or holds a login, is refused."""
    http.answers = [answer(302, Location=there)]
    with pytest.raises(RegistryError, match=rf"^registry r\.example\.com {says}$"):
        asking.send("GET", URL, {})


def test_redirects_without_end(http: PipedHttp, asking: Transport) -> None:
    """A circle ends."""
    http.answers = [answer(302, Location="/v2/a")] * 50
    with pytest.raises(RegistryError, match="redirects without end"):
        asking.send("GET", URL, {})
    assert len(http.requests) < 10


@pytest.mark.parametrize("registry", ["8.8.8.8", "10.0.0.1"])
@pytest.mark.parametrize("target", ["127.0.0.1", "10.9.8.7", "169.254.169.254", "100.64.1.1", "::1", "::ffff:10.0.0.1"])
def test_led_inwards(http: PipedHttp, asking: Transport, registry: str, target: str) -> None:
    """A public registry leads to no private address, whatever its name; one in a private network may."""
    http.addresses = {"r.example.com": registry, "inner.example.com": target}
    http.answers = [answer(302, Location="http://inner.example.com/"), answer(200)]
    if registry == "10.0.0.1":
        assert asking.send("GET", URL, {}).status == 200
    else:
        with pytest.raises(RegistryError, match="redirects to a private address"):
            asking.send("GET", URL, {})
        assert len(http.requests) == 1


# --- what is asked again ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_gateways_failure_passes(http: PipedHttp, asking: Transport, status: int) -> None:
    """A gateway's failure is asked again, twice; the third is the answer."""
    http.answers = [answer(status), answer(status), answer(200, b"x")]
    assert asking.read(asking.send("PUT", URL, {}, b"body"), 9) == b"x"
    http.answers = [answer(status)] * 3
    assert asking.send("GET", URL, {}).status == status
    assert len(http.requests) == 6
    assert http.answers == []


@pytest.mark.parametrize(("method", "status"), [("POST", 503), ("GET", 500), ("GET", 429), ("GET", 404)])
def test_what_is_not_asked_again(http: PipedHttp, asking: Transport, method: str, status: int) -> None:
    """A request that cannot succeed, or may already have been done, is made once."""
    http.answers = [answer(status), answer(200)]
    assert asking.send(method, URL, {}).status == status


def test_a_connection_that_was_closed(http: PipedHttp, asking: Transport) -> None:
    """A connection that broke before an answer is made once more."""
    http.answers = [b"", answer(200, b"x")]
    assert asking.read(asking.send("GET", URL, {}), 9) == b"x"
    assert len(http.connected) == 2


# --- bodies ----------------------------------------------------------------------------------------------------------


def test_a_body_of_the_limit(http: PipedHttp, asking: Transport) -> None:
    """The limit itself is allowed; a byte more is not, whether it is stated or comes."""
    http.answers = [answer(200, b"x" * 8), answer(200, b"x" * 9), b"HTTP/1.1 200 X\r\n\r\n" + b"x" * 9]
    assert len(asking.read(asking.send("GET", URL, {}), 8)) == 8
    for _ in range(2):
        response = asking.send("GET", URL, {})
        with pytest.raises(RegistryError, match="answers with more than 8 bytes"):
            asking.read(response, 8)
        if http.answers:
            continue
        break
    assert len(http.requests) == 3


def test_the_beginning_of_a_body(http: PipedHttp, asking: Transport) -> None:
    """A longer body is read only to its limit, and its connection not used again; a shorter one is read whole."""
    http.answers = [answer(200, b"abcdef"), answer(200, b"ab"), answer(200, b"c")]
    assert asking.beginning(asking.send("GET", URL, {}), 4) == b"abcd"
    assert asking.beginning(asking.send("GET", URL, {}), 4) == b"ab"
    assert asking.read(asking.send("GET", URL, {}), 4) == b"c"
    assert http.connected == ["r.example.com:80"] * 2


def test_a_body_that_breaks_off(http: PipedHttp, asking: Transport) -> None:
    """A part of a body is none."""
    http.answers = [b"HTTP/1.1 200 X\r\nContent-Length: 9\r\nConnection: close\r\n\r\nabc", b""]
    response = asking.send("GET", URL, {})
    threading.Thread(target=asking.abort).start()  # it breaks off
    with pytest.raises(RegistryError, match=r"^registry r\.example\.com cannot be reached: "):
        asking.read(response, 99)


def test_a_packed_body_stays_packed(http: PipedHttp, asking: Transport) -> None:
    """Nothing is unpacked: a small body cannot become a large one."""
    http.answers = [answer(200, b"\x1f\x8b", Content_Encoding="gzip")]
    assert asking.read(asking.send("GET", URL, {}), 9) == b"\x1f\x8b"


# --- limits and faults -----------------------------------------------------------------------------------------------


def test_no_time_is_left(http: PipedHttp) -> None:
    """After the deadline nobody is asked."""
    asking = Transport("r.example.com", BASE, Deadline(0), verify=True)
    with pytest.raises(RegistryError, match="did not answer in time") as caught:
        asking.send("GET", URL, {})
    assert caught.value.remedy == "check the network, or raise registry_timeout_s"
    assert http.connected == []


def test_silence(http: PipedHttp) -> None:
    """A silent server is waited for until the deadline, no longer."""
    http.answers = [None] * 3
    asking = Transport("r.example.com", BASE, Deadline(0.05), verify=True)
    with pytest.raises(RegistryError, match="did not answer in time"):
        asking.send("GET", URL, {})
    asking.close()


def test_aborted(http: PipedHttp, asking: Transport) -> None:
    """A wait for an answer is ended from another thread, and asks nobody once more."""
    http.answers = [None] * 3
    ended: list[Exception] = []

    def wait() -> None:
        try:
            asking.send("GET", URL, {})
        except RegistryError as error:
            ended.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    while not http.requests:
        waiting.join(0.001)
    asking.abort()
    waiting.join(5)
    assert [str(error).partition(":")[0] for error in ended] == ["registry r.example.com cannot be reached"]
    assert len(http.requests) == 1


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (socket.gaierror(-2, "Name or service not known"), "has no address: its name cannot be resolved"),
        (ConnectionRefusedError(111, "Connection refused"), "cannot be reached: Connection refused"),
        (OSError(113, "No route to host"), "cannot be reached: No route to host"),
        (TimeoutError("timed out"), "did not answer in time"),
    ],
)
def test_unreachable(http: PipedHttp, asking: Transport, fault: OSError, says: str) -> None:
    """A fault of the network is reported by its reason, without a library's objects."""
    http.faults = {"r.example.com": fault}
    with pytest.raises(RegistryError) as caught:
        asking.send("GET", URL, {})
    assert str(caught.value) == f"registry r.example.com {says}"
    assert not asking.answered


@pytest.mark.parametrize("url", ["http://r.example.com:99999/", "http://[/"])
def test_urls_that_are_none(http: PipedHttp, asking: Transport, url: str) -> None:
    """A URL that is none is an error of the registry that named it, and its text is not repeated."""
    with pytest.raises(RegistryError, match=r"^registry r\.example\.com names a malformed address$"):
        asking.send("GET", f"{url}?token=secret", {})


def test_no_http(http: PipedHttp, asking: Transport) -> None:
    """A server that speaks something else is told so, in one line."""
    http.answers = [b"SSH-2.0-x\r\n"] * 3
    with pytest.raises(RegistryError, match=r"^registry r\.example\.com cannot be reached: "):
        asking.send("GET", URL, {})


# --- through a proxy -------------------------------------------------------------------------------------------------


def test_through_a_proxy(http: PipedHttp, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy is asked with its own login, and the registry's address is its own matter."""
    monkeypatch.setenv("http_proxy", "http://me:p%40ss@proxy.example.com:3128")
    http.answers = [answer(200, b"x")]
    asking = Transport("r.example.com", BASE, Deadline(10), verify=True)
    assert asking.read(asking.send("GET", URL, {}), 9) == b"x"
    asking.close()
    assert http.connected == ["proxy.example.com:3128"]
    assert http.asked == ["GET http://r.example.com/v2/a"]
    assert b"proxy-authorization: Basic bWU6cEBzcw==\r\n" in http.requests[0]


def test_a_proxy_that_is_not_there(http: PipedHttp, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the proxy that cannot be reached, and its password is not repeated."""
    monkeypatch.setenv("http_proxy", "http://me:hunter2@proxy.example.com:3128")
    http.faults = {"proxy.example.com": ConnectionRefusedError(111, "Connection refused")}
    asking = Transport("r.example.com", BASE, Deadline(10), verify=True)
    with pytest.raises(RegistryError, match="cannot be reached through the proxy of the environment: Conn") as caught:
        asking.send("GET", URL, {})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("registry", "is_refused"), [("8.8.8.8", True), ("10.0.0.1", False), ("", True)])
def test_led_inwards_through_a_proxy(
    http: PipedHttp, monkeypatch: pytest.MonkeyPatch, registry: str, is_refused: bool
) -> None:
    """Behind a proxy, an address in a redirect is looked at; a name that nobody can resolve here is a public one."""

    def resolve(*_: object) -> list[object]:
        if not registry:
            raise socket.gaierror(-2, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (registry, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setenv("http_proxy", "http://proxy.example.com:3128")
    http.answers = [answer(302, Location="http://10.9.8.7/"), answer(200)]
    asking = Transport("r.example.com", BASE, Deadline(10), verify=True)
    if is_refused:
        with pytest.raises(RegistryError, match="redirects to a private address"):
            asking.send("GET", URL, {})
    else:
        assert asking.send("GET", URL, {}).status == 200
    asking.close()
    assert len(http.requests) == (1 if is_refused else 2)


# --- TLS -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """An authority that signs certificates."""
    return trustme.CA()


@pytest.mark.parametrize(
    ("name", "expires", "is_trusted", "says"),
    [
        ("r.example.com", None, True, ""),
        ("r.example.com", None, False, "has a certificate that is not trusted, or speaks no TLS: certificate verify"),
        ("other.example.com", None, True, "has a certificate that is not trusted, or speaks no TLS: certificate"),
        ("r.example.com", datetime(2020, 1, 1, tzinfo=UTC), True, "has a certificate that does not hold at this mach"),
        ("", None, True, "has a certificate that is not trusted, or speaks no TLS: "),
    ],
)
def test_certificates(
    http: PipedHttp,
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    expires: datetime | None,
    is_trusted: bool,
    says: str,
) -> None:
    """A certificate is trusted for its name, in its time; what speaks no TLS at all is told so."""
    trusted = tmp_path / "trusted.pem"
    (authority if is_trusted else trustme.CA()).cert_pem.write_to_path(str(trusted))
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    if name:
        http.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name, not_after=expires).configure_cert(http.tls)
        http.answers = [answer(200)]
    else:
        http.answers = [answer(400)] * 3
    asking = Transport("r.example.com", "https://r.example.com", Deadline(10), verify=True)
    if not says:
        assert asking.send("GET", "https://r.example.com/v2/", {}).status == 200
    else:
        with pytest.raises(RegistryError) as caught:
            asking.send("GET", "https://r.example.com/v2/", {})
        assert str(caught.value).startswith(f"registry r.example.com {says}")
        assert not name or http.requests == []
    asking.close()


def test_a_redirect_keeps_tls(http: PipedHttp, authority: trustme.CA) -> None:
    """A registry with TLS, be it one that is not trusted, leads to none without."""
    http.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("r.example.com").configure_cert(http.tls)
    http.answers = [answer(302, Location="http://r.example.com/")]
    asking = Transport("r.example.com", "https://r.example.com", Deadline(10), verify=False)
    with pytest.raises(RegistryError, match="redirects from https to http"):
        asking.send("GET", "https://r.example.com/v2/", LOGIN)
    asking.close()
