"""Answers of hostile registries."""

from __future__ import annotations

from typing import Any

from tests.harness.faults import answers
from tests.harness.proxy import Fault


def login(*faults: Fault) -> list[Fault]:
    """A token service that gives this answer, behind a registry that requires a login."""
    own = [Fault(act=fault.act, on="GET /token") for fault in faults]

    def demand(exchange: Any) -> bool:
        headers = {"WWW-Authenticate": f'Bearer realm="http://{exchange.host}/token"'}
        return answers(401, headers=headers).act(exchange)

    return [*own, Fault(act=demand)]
