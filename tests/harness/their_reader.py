"""How Agents Runner reads its environments back, in our own words: our edits have to stay readable for it.

Written from the behavior of its release of early 2026 with each field; it has none of its code.
"""

from __future__ import annotations

import json
from typing import Any

TEXTS = ("cached_preflight_script", "preflight_script")
SWITCHES = ("headless_desktop_enabled", "cache_desktop_build", "container_caching_enabled", "preflight_enabled")


def read_back(text: str) -> dict[str, dict[str, Any]]:
    """The environments of a file by ID, each with what a task of it would get."""
    top = json.loads(text)
    items = top.get("environments") if isinstance(top, dict) else top
    found = {}
    for item in items if isinstance(items, list) else []:
        if not isinstance(item, dict) or int(item.get("version", 1)) != 1:
            continue
        env_id = str(item.get("env_id") or item.get("id") or "").strip()
        if env_id:
            found[env_id] = _fields(item, env_id)
    return found


def _fields(item: dict[str, Any], env_id: str) -> dict[str, Any]:
    variables = item.get("env_vars")
    return {
        "name": str(item.get("name") or env_id).strip(),
        **{name: bool(item.get(name, False)) for name in SWITCHES},
        **{name: str(item.get(name) or "") for name in TEXTS},
        "env_vars": {str(k): str(v) for k, v in variables.items() if str(k).strip()}
        if isinstance(variables, dict)
        else {},
        **{name: _texts(item.get(name)) for name in ("extra_mounts", "ports")},
    }


def _texts(value: object) -> list[str]:
    return [str(item) for item in value if str(item).strip()] if isinstance(value, list) else []


def mounts_given(mounts: list[str]) -> list[str]:
    """The mounts that its container gets: the first at each target, none without a target."""
    by_target: dict[str, str] = {}
    for mount in map(str.strip, mounts):
        parts = mount.split(":")
        if len(parts) > 1:
            by_target.setdefault(parts[1], mount)
    return list(by_target.values())


def ports_given(ports: list[str], *, desktop: bool) -> list[str]:
    """The ports that its container gets: with a desktop none that covers 6080."""
    return [port for port in map(str.strip, ports) if port and not (desktop and _covers(port, 6080))]


def _covers(port: str, wanted: int) -> bool:
    inside = port.split("/")[0].rpartition(":")[2]
    first, _, last = inside.partition("-")
    return first.isdigit() and int(first) <= wanted <= int(last or first)
