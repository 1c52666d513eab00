"""The answer to a POST: an act's result, or its error with the remedy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.responses import JSONResponse
from starlette.routing import Route

from ...generator.errors import ConfigurationError, DesktopBakeError
from ..config.environment_edit import ChangedMeanwhileError
from .threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    Act = Callable[[dict[str, Any]], dict[str, Any]]


_MOST_BYTES = 1 << 16
_Value = TypeVar("_Value")


def act_routes(acts: Mapping[str, Act]) -> list[Route]:
    """A route for each act, by its name."""
    return [Route(f"/{name}", _answering(act), methods=["POST"]) for name, act in acts.items()]


def _answering(act: Act) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > _MOST_BYTES:
                return JSONResponse({"error": "that is too much", "remedy": ""}, 413)
        try:
            asked = json.loads(body)
            if not isinstance(asked, dict):
                raise TypeError  # noqa: TRY301 (one answer to what is not an object)
        except (ValueError, TypeError, RecursionError):
            return JSONResponse({"error": "the request is not understood", "remedy": "load the page again"}, 400)
        try:
            return JSONResponse(await in_thread(lambda: act(asked)))
        except DesktopBakeError as error:
            status = 409 if isinstance(error, ChangedMeanwhileError) else 400
            remedy = "theirs stays; the page shows it now" if status == 409 else error.remedy
            return JSONResponse({"error": str(error), "remedy": remedy}, status)

    return answer


def text_of(asked: dict[str, Any], name: str) -> str:
    """A text of the request.

    Raises:
        ConfigurationError: the text is missing.
    """
    return _value(asked, name, str)


def number_of(asked: dict[str, Any], name: str) -> int:
    """A number of the request.

    Raises:
        ConfigurationError: the number is missing.
    """
    return _value(asked, name, int)


def _value(asked: dict[str, Any], name: str, kind: type[_Value]) -> _Value:
    value = asked.get(name)
    if not isinstance(value, kind):
        raise ConfigurationError(f"the request names no {name}", "load the page again")
    return value
