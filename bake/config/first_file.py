"""The commented desktop-bake.toml that `init` writes, made from the description of each field."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ...generator.reference import ImageReference
from .setting import plain
from .settings import SETTINGS
from .toml_file import ENVIRONMENT

if TYPE_CHECKING:
    from .setting import Setting


_HEAD = """\
# desktop-bake.toml: which desktops are baked, and how.   Full list of keys: docs/configuration.md
schema = 1
"""
_FURTHER = "# Further fields; the names of files are relative to this one:"
_WIDTH = 44  # of the examples, before their comments


def first_file(base_image: ImageReference) -> str:
    """A configuration with one environment, `default`, and the settings that most people look for.

    Args:
        base_image: the environment's base image.
    """
    first = {
        "name": "Default desktop",
        "base_image": base_image,
        "headless_desktop_enabled": True,
        "cache_desktop_build": True,
    }
    settings = [_explained(s, s.default) for s in SETTINGS if s.in_init]
    fields = [_explained(f, first[f.name]) for f in ENVIRONMENT if f.name in first]
    further = [f"# {f'{f.name} = {f.example}':<{_WIDTH}}  # {_comment(f)}" for f in ENVIRONMENT if f.name not in first]
    environment = "[environments.default]\n" + "\n".join(fields)
    return "\n".join([_HEAD, *settings, environment, _FURTHER, *further, ""])


def _explained(setting: Setting, value: Any) -> str:
    said = _comment(setting)
    return f"# {said[0].upper()}{said[1:]}.\n{setting.name} = {_toml(value)}\n"


def _comment(setting: Setting) -> str:
    return plain(setting.about, quote='"')


def _toml(value: Any) -> str:
    return json.dumps(str(value) if isinstance(value, ImageReference) else value)
