"""What a registry's refusal means, and what to do about it (OCI distribution spec 1.1, "Error Codes")."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from ...generator.errors import RegistryError


def error_codes(content: bytes) -> tuple[str, ...]:
    """The codes of a registry's error answer; empty for any other body, such as a proxy's page."""
    try:
        errors = json.loads(content)["errors"]
        return tuple(re.sub(r"[^A-Z0-9_]", "", str(e["code"]).upper())[:40] for e in errors)
    except (ValueError, KeyError, TypeError, RecursionError):
        return ()


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """An error status.

    Args:
        host: the registry, as image references name it.
        repository: the path within it.
        status: HTTP status.
        codes: from `error_codes`.
        retry_after: the header of this name, or empty (RFC 9110, 10.2.3).
        login: whether stored credentials were used.
        action: what may lack permission: `pull`, `push` or `delete`.
    """

    host: str
    repository: str
    status: int
    codes: tuple[str, ...] = ()
    retry_after: str = ""
    login: bool = False
    action: str = "pull"

    def error(self) -> RegistryError:
        """The error for this status."""
        said, remedy = self._meaning()
        code = f" ({self.codes[0]})" if self.codes else ""
        return RegistryError(f"registry {self.host} {said}{code}", remedy)

    def _meaning(self) -> tuple[str, str]:
        """What the registry did, and what to do about it."""
        if self.status == 401 and self.login:
            return "refuses the stored login", f"log in again: docker login {self.host}"
        if self.status == 401:
            return "requires a login", f"run: docker login {self.host}"
        if self.status == 403:
            return f"denies access to {self.repository}", f"ask for permission to {self.action} there"
        if self.status == 404:
            return "answers with 404, but not like a registry", "check the host and the port"
        if self.status == 429:
            known = self.retry_after.isdigit() and len(self.retry_after) < 7
            wait = f"wait {self.retry_after} s" if known else "wait a while"
            return "limits the rate of requests", f"{wait}, or log in for a higher limit"
        if self.status >= 500:
            return f"failed with status {self.status}", "try again later, or ask its operator"
        return f"answers with status {self.status}", "check the host and the port"
