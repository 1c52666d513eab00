"""What a registry's refusal means, and what to do about it (OCI distribution spec 1.1, "Error Codes")."""

from __future__ import annotations

import json
import re

from ...generator.errors import RegistryError


def error_codes(content: bytes) -> tuple[str, ...]:
    """The codes of a registry's own error answer; empty for any other body, such as a proxy's page."""
    try:
        errors = json.loads(content)["errors"]
        return tuple(re.sub(r"[^A-Z0-9_]", "", str(e["code"]).upper())[:40] for e in errors)
    except (ValueError, KeyError, TypeError, RecursionError):
        return ()


def refusal(
    host: str,
    repository: str,
    status: int,
    *,
    codes: tuple[str, ...] = (),
    retry_after: str = "",
    login: bool = False,
    action: str = "pull",
) -> RegistryError:
    """The error for a status that is no answer.

    Args:
        host: the registry, as image references name it.
        repository: the path within it.
        status: HTTP status.
        codes: from `error_codes`.
        retry_after: the header of this name, or empty (RFC 9110, 10.2.3).
        login: whether stored credentials were used.
        action: what permission may be lacking for: `pull`, `push` or `delete`.
    """
    if status == 401 and login:
        said, remedy = "refuses the stored login", f"log in again: docker login {host}"
    elif status == 401:
        said, remedy = "demands a login", f"run: docker login {host}"
    elif status == 403:
        said, remedy = f"denies access to {repository}", f"ask for permission to {action} there"
    elif status == 404:
        said, remedy = "answers with 404, but not as a registry does", "check the host and the port"
    elif status == 429:
        wait = f"wait {retry_after} s" if retry_after.isdigit() and len(retry_after) < 7 else "wait a while"
        said, remedy = "limits the rate of requests", f"{wait}, or log in for a higher limit"
    elif status >= 500:
        said, remedy = f"failed with status {status}", "try again later, or ask who runs it"
    else:
        said, remedy = f"answers with status {status}", "check the host and the port"
    return RegistryError(f"registry {host} {said}" + (f" ({codes[0]})" if codes else ""), remedy)
