"""The pages and their parts, drawn from templates; all foreign text is escaped."""

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
        for name in self._templates.list_templates():  # now, so that the first visitor need not wait
            self._templates.get_template(name)

    def draw(self, name: str, values: Mapping[str, Any]) -> str:
        """The text of a template with these values.

        Args:
            name: the template's name without its ending.
            values: the values that it uses, by name.
        """
        text = self._templates.get_template(f"{name}.html").render(values)
        return text.encode(errors="replace").decode()  # a file's name or a text from JSON may not be valid Unicode
