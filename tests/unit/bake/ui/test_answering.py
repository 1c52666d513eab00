"""What answers a POST."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from desktop_bake import ConfigurationError
from desktop_bake.bake.ui.answering import act_routes, number_of, text_of


def act(asked: dict[str, Any]) -> dict[str, Any]:
    """Give what was asked for back."""
    return {"text": text_of(asked, "text"), "number": number_of(asked, "number")}


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b'{"text": "a", "number": 1}', 200, {"text": "a", "number": 1}),
        (b'{"text": 1}', 400, {"error": "the request names no text", "remedy": "load the page again"}),
        (b'{"text": ""}', 400, {"error": "the request names no number", "remedy": "load the page again"}),
        (b"\xff", 400, {"error": "the request is not understood", "remedy": "load the page again"}),
        (b"[" * 60_000, 400, {"error": "the request is not understood", "remedy": "load the page again"}),
        (b" " * (1 << 17), 413, {"error": "that is too much", "remedy": ""}),
    ],
)
def test_answers(body: bytes, status: int, said: object) -> None:
    """An act's result, or what is wrong with what was asked."""
    client = TestClient(Starlette(routes=act_routes({"act": act})))
    answer = client.post("/act", content=body)
    assert (answer.status_code, answer.json()) == (status, said)
    assert client.get("/act").status_code == 405


def test_errors_of_ours() -> None:
    """An error comes with its remedy."""

    def fail(_asked: dict[str, Any]) -> dict[str, Any]:
        raise ConfigurationError("wrong", "mend it")

    client = TestClient(Starlette(routes=act_routes({"act": fail})))
    answer = client.post("/act", json={})
    assert (answer.status_code, answer.json()) == (400, {"error": "wrong", "remedy": "mend it"})
