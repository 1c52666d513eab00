"""Cases of which requests go through the environment's proxy; the docker client decides the same."""

from __future__ import annotations

PROXY = "http://PROXY"
URL = "https://registry.example.com"


def https(no_proxy: str) -> dict[str, str]:
    """Variables with a proxy for https."""
    return {"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy}


CASES: list[tuple[str, dict[str, str], bool]] = [
    (URL, {}, False),
    (URL, {"https_proxy": PROXY}, True),
    (URL, {"HTTPS_PROXY": PROXY}, True),
    (URL, {"HTTPS_PROXY": "PROXY"}, True),  # without a scheme
    (URL, {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": PROXY}, False),  # upper case first
    (URL, {"HTTPS_PROXY": "", "https_proxy": PROXY}, True),
    (URL, {"HTTPS_PROXY": PROXY, "NO_PROXY": "a", "no_proxy": "example.com"}, True),
    (URL, {"HTTPS_PROXY": PROXY, "NO_PROXY": "", "no_proxy": "example.com"}, False),
    (URL, {"HTTP_PROXY": PROXY}, False),
    (URL, {"ALL_PROXY": PROXY}, False),
    (URL, {"HTTPS_PROXY": PROXY, "REQUEST_METHOD": "GET"}, True),
    ("http://registry.example.com", {"HTTP_PROXY": PROXY}, True),
    ("http://registry.example.com", {"http_proxy": PROXY}, True),
    ("http://registry.example.com", {"http_proxy": PROXY, "no_proxy": "registry.example.com:80"}, False),
    ("http://registry.example.com", {"http_proxy": PROXY, "REQUEST_METHOD": "GET"}, False),
    ("http://127.0.0.1:9", {"http_proxy": PROXY}, False),
    ("https://localhost:9", https(""), False),
    ("https://127.0.0.1:9", https(""), False),
    ("https://127.8.9.10:9", https(""), False),
    ("https://[::1]:9", https(""), False),
    ("https://10.1.2.3", https(""), True),
    ("https://10.1.2.3", https("10.0.0.0/8"), False),
    ("https://10.1.2.3", https("10.1.2.99/24"), False),
    ("https://10.1.2.3", https("10.1.3.0/24"), True),
    ("https://10.1.2.3", https("10.1.2.3"), False),
    ("https://10.1.2.3:5000", https("10.1.2.3:5000"), False),
    ("https://10.1.2.3:5000", https("10.1.2.3:5001"), True),
    ("https://10.1.2.3", https("10."), True),
    ("https://10.1.2.3", https("10.0.0.0/255.0.0.0"), True),
    ("https://[fd00::5]:5000", https(""), True),
    ("https://[fd00::5]:5000", https("fd00::5"), False),
    ("https://[fd00::5]:5000", https("[fd00::5]:5000"), False),
    ("https://[fd00::5]:5000", https("[fd00::5]"), True),
    ("https://[fd00::5]:5000", https("fd00::/8"), False),
    (URL, https("*"), False),
    (URL, https("a, * ,b"), False),
    (URL, https("*.com"), False),
    (URL, https("*com"), True),
    (URL, https("example.com"), False),
    (URL, https(".example.com"), False),
    (URL, https("*.example.com"), False),
    (URL, https("registry.example.com"), False),
    (URL, https(".registry.example.com"), True),
    (URL, https("*.registry.example.com"), True),
    (URL, https("EXAMPLE.com"), False),
    (URL, https("ample.com"), True),
    (URL, https("b.com  ,\texample.com"), False),
    (URL, https("b.com example.com"), True),
    (URL, https("example.com:443"), False),
    (URL, https("example.com:80"), True),
    (URL, https("example.com:"), False),
    (URL, https(":443"), True),
    (f"{URL}:5000", https("example.com:443"), True),
    (f"{URL}:5000", https(".example.com:5000"), False),
]
