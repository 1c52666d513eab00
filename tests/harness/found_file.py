"""The name of the configuration file that is searched for in parent folders."""

from __future__ import annotations

NAME = "desktop-bake.toml"
