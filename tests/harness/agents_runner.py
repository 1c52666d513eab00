"""Environments as Agents Runner writes them."""

from __future__ import annotations

from desktop_bake.bake.config.agents_runner import OriginFile

# In Agents Runner's form: sorted names, two spaces, only JSON's own escapes.
STATE = """\
{
  "environments": [
    {
      "agent_cli_args": "--model \\"x\\"",
      "agent_selection": null,
      "color": "emerald",
      "env_id": "one",
      "env_vars": {
        "cache_desktop_build": "a trap"
      },
      "extra_mounts": [],
      "headless_desktop_enabled": true,
      "midoriai_template_likelihood": 1.0,
      "name": "Übung ✓",
      "version": 1
    },
    {
      "cache_desktop_build": false,
      "env_id": "two",
      "headless_desktop_enabled": false,
      "max_agents_running": -1,
      "version": 1
    }
  ],
  "settings": {
    "headless_desktop_enabled": false
  },
  "tasks": [],
  "version": 3
}"""


def parse(text: str) -> OriginFile:
    """A file of this text."""
    return OriginFile.parse(text.encode(), "state.json")
