"""Agents Runner's files, written by the rules of its serializer: sorted names, two spaces, no escapes."""

from __future__ import annotations

import json
from typing import Any

# Every field that its release of early 2026 writes.
PAYLOAD: dict[str, Any] = {
    "version": 1,
    "env_id": "midori",
    "name": "Midori ✿",
    "color": "emerald",
    "host_workdir": "/home/u/é",
    "host_codex_dir": "",
    "agent_cli_args": "",
    "codex_extra_args": "",
    "max_agents_running": -1,
    "headless_desktop_enabled": True,
    "cache_desktop_build": False,
    "container_caching_enabled": False,
    "cached_preflight_script": "",
    "preflight_enabled": True,
    "preflight_script": '#!/bin/sh\necho "$HOME"\t\u2028\n',
    "env_vars": {"Z": "1", "A": "\x7f"},
    "extra_mounts": ["/a:/b:ro"],
    "ports": [],
    "ports_unlocked": False,
    "ports_advanced_acknowledged": False,
    "gh_management_locked": False,
    "workspace_type": "cloned",
    "workspace_target": "a/b",
    "gh_last_base_branch": "",
    "gh_use_host_cli": True,
    "gh_context_enabled": False,
    "gh_pr_metadata_enabled": False,
    "prompts": [{"enabled": True, "prompt_path": "", "text": "x"}],
    "prompts_unlocked": False,
    "agent_selection": {
        "agents": [{"agent_id": "codex", "agent_cli": "codex", "config_dir": "", "cli_flags": ""}],
        "enabled_agents": ["codex"],
        "agent_config_dirs": {},
        "selection_mode": "round-robin",
        "agent_fallbacks": {},
        "pinned_agent_id": "",
    },
    "use_cross_agents": False,
    "cross_agent_allowlist": [],
    "midoriai_template_likelihood": 0.0,
    "midoriai_template_detected": False,
    "midoriai_template_detected_path": None,
}


def environments_json(*payloads: dict[str, Any]) -> str:
    """`environments.json` with these environments."""
    return json.dumps({"environments": list(payloads)}, ensure_ascii=False, indent=2, sort_keys=True)


def state_toml(version: int = 4, **settings: Any) -> str:
    """`state.toml` with these settings; a JSON string or boolean is valid TOML too."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    return "\n".join([f"version = {version}", "", "[settings]", *lines, ""])
