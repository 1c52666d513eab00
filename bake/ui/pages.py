"""The pages and their parts, drawn from templates; everything that comes from elsewhere is escaped."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from ..system.text import age, size

if TYPE_CHECKING:
    from collections.abc import Mapping

_HERE = Path(__file__).parent
STATIC = {
    file.name: (file.read_bytes(), kind)
    for file in sorted((_HERE / "static").iterdir())
    if (kind := {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}.get(file.suffix))
}


def _ago(at_s: float) -> str:
    return f"{age(max(0.0, time.time() - at_s))} ago"


def _iso(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="seconds")


class Pages:
    """The templates."""

    def __init__(self) -> None:
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.filters |= {"size": size, "ago": _ago, "iso": _iso}
        for name in self._templates.list_templates():  # now, and not while the first visitor waits
            self._templates.get_template(name)

    def draw(self, name: str, values: Mapping[str, Any]) -> str:
        """The text of a template.

        Args:
            name: the template's, without its ending.
            values: what it names.
        """
        text = self._templates.get_template(f"{name}.html").render(values)
        return text.encode(errors="replace").decode()  # the name of a file, or what JSON has, may be no Unicode
