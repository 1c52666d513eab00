"""The name of a configuration that is looked for upwards."""

from __future__ import annotations

NAME = "desktop-bake.toml"
