"""Access to the page: a table of request heads."""

from __future__ import annotations

from desktop_bake.bake.ui.keys import Head, Keys, Verdict
from tests.harness.every import every

KEYS = Keys(token="t" * 43, cookie="c" * 43, place="/place/")
HOST = "127.0.0.1:8000"
ORIGIN = f"http://{HOST}"
COOKIE = f"desktop-bake={KEYS.cookie}"


def head(method: str = "GET", path: str = "/place/", query: str = "", **headers: str | None) -> Head:
    """A head with our host and cookie; a header that is None is left out."""
    given = {"host": HOST, "cookie": COOKIE, **{name.replace("_", "-"): value for name, value in headers.items()}}
    pairs = [(name, value) for name, value in given.items() if value is not None]
    return Head(method=method, path=path, query=query, headers=pairs)


def post(**headers: str | None) -> Head:
    """A POST of our own page, except for these headers."""
    given: dict[str, str | None] = {"origin": ORIGIN, "x_desktop_bake": "1", **headers}
    return head("POST", "/place/turn", query="", **given)


@every(
    ("asked", "wanted"),
    [
        (head(), Verdict.ADMITTED),
        (head(sec_fetch_site="none"), Verdict.ADMITTED),
        (head(sec_fetch_site="same-origin"), Verdict.ADMITTED),
        (head(host="localhost:9"), Verdict.ADMITTED),  # as behind `ssh -L 9:127.0.0.1:8000`
        (head(host="[::1]:9"), Verdict.ADMITTED),
        (head(host="127.0.0.1"), Verdict.ADMITTED),
        (head("HEAD"), Verdict.ADMITTED),
        (post(), Verdict.ADMITTED),
        (post(host="localhost:9", origin="http://localhost:9"), Verdict.ADMITTED),
        # a name that leads here by DNS rebinding, another machine's, or none
        (head(host="evil.example.com:8000"), Verdict.FORBIDDEN),
        (head(host="127.0.0.1.evil.example.com"), Verdict.FORBIDDEN),
        (head(host="192.0.2.1:8000"), Verdict.FORBIDDEN),
        (head(host="127.0.0.1:8000@evil"), Verdict.FORBIDDEN),
        (head(host=""), Verdict.FORBIDDEN),
        (head(host=None), Verdict.FORBIDDEN),
        # what others set in this browser, at other ports of this machine: cookies know no port
        (head(cookie=f"{COOKIE}; desktop-bake=theirs"), Verdict.ADMITTED),
        (head(cookie=f"desktop-bake=theirs; {COOKIE}"), Verdict.ADMITTED),
        (head(cookie=f'state={{"a": "b,c"}}; \x7f=; =; [x]=y; {COOKIE}'), Verdict.ADMITTED),
        (head(cookie="desktop-bake=theirs; desktop-bake="), Verdict.FORBIDDEN),
        (head(cookie=f"x{COOKIE}"), Verdict.FORBIDDEN),
        # no cookie, or another
        (head(cookie=None), Verdict.FORBIDDEN),
        (head(cookie=COOKIE[:-1]), Verdict.FORBIDDEN),
        (head(cookie="desktop-bake="), Verdict.FORBIDDEN),
        (head(cookie="\x00;;="), Verdict.FORBIDDEN),
        (post(cookie=None), Verdict.FORBIDDEN),
        # a page of somebody else, also of this machine
        (head(origin="http://evil.example.com"), Verdict.FORBIDDEN),
        (head(origin="http://127.0.0.1:9999"), Verdict.FORBIDDEN),
        (head(origin="null"), Verdict.FORBIDDEN),
        (head(sec_fetch_site="cross-site"), Verdict.FORBIDDEN),
        (head(sec_fetch_site="same-site"), Verdict.FORBIDDEN),
        (post(origin=None), Verdict.FORBIDDEN),
        (post(origin="null"), Verdict.FORBIDDEN),
        (post(origin="https://127.0.0.1:8000"), Verdict.FORBIDDEN),
        (post(origin="http://127.0.0.1:9999", sec_fetch_site="same-site"), Verdict.FORBIDDEN),
        (post(x_desktop_bake=None), Verdict.FORBIDDEN),  # like a form's
        # elsewhere than below the path, and other methods
        (head(path="/"), Verdict.UNKNOWN),
        (head(path="/plaice/"), Verdict.UNKNOWN),
        (head(path="/place"), Verdict.UNKNOWN),
        (head("OPTIONS"), Verdict.NO_METHOD),
        (head("PUT", origin=ORIGIN), Verdict.NO_METHOD),
        # the address that is printed
        (head(query=f"token={KEYS.token}", cookie=None), Verdict.EXCHANGED),
        (head(query=f"token={KEYS.token}", cookie=None, sec_fetch_site="cross-site"), Verdict.EXCHANGED),
        (head(query=f"token={KEYS.token[:-1]}", cookie=None), Verdict.FORBIDDEN),
        (head(query="token=", cookie=None), Verdict.FORBIDDEN),
        (head(query="token=%ff%00", cookie=None), Verdict.FORBIDDEN),
        (head(query=f"token={KEYS.cookie}", cookie=None), Verdict.FORBIDDEN),
        (head(query=f"token={KEYS.token}", cookie=None, host="evil.example.com"), Verdict.FORBIDDEN),
        (head(path="/place/turn", query=f"token={KEYS.token}", cookie=None), Verdict.FORBIDDEN),
        (head("POST", query=f"token={KEYS.token}", cookie=None), Verdict.FORBIDDEN),
    ],
)
def test_heads(asked: Head, wanted: Verdict) -> None:
    """Each head gets what the table says, whatever else is right about it."""
    assert KEYS.decide(asked) is wanted


def test_a_header_twice() -> None:
    """A host that is there twice is none: nobody knows which of them others go by."""
    twice = Head(method="GET", path="/place/", headers=[("host", HOST), ("host", HOST), ("cookie", COOKIE)])
    assert KEYS.decide(twice) is Verdict.FORBIDDEN


def test_each_server_draws_its_own() -> None:
    """Token and cookie have 256 bits each, nothing is the same twice, and no log shows them by chance."""
    one, two = Keys(), Keys()
    assert len({one.token, one.cookie, one.place, two.token, two.cookie, two.place}) == 6
    assert min(len(one.token), len(one.cookie)) >= 43
    assert one.token not in repr(one)
    assert one.cookie not in repr(one)


def test_the_cookie() -> None:
    """No script gets it, no other site sends it, and no server at another path is sent it."""
    assert KEYS.set_cookie() == f"{COOKIE}; Path=/place/; HttpOnly; SameSite=Strict"


def test_a_token_that_opens_once() -> None:
    """What a browser is started with opens the page once."""
    keys = Keys(place="/place/")
    query = f"token={keys.one_more()}"
    assert keys.decide(head(query=query, cookie=None)) is Verdict.EXCHANGED
    assert keys.decide(head(query=query, cookie=None)) is Verdict.FORBIDDEN
