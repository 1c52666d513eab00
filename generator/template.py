"""`docker-bake.hcl` from its template: every value quoted, so that BuildKit reads back what was given."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import jinja2

from .bakefile import OUTPUT_VARIABLE, PICTURES, VARIABLES, check_targets
from .errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .bakefile import BakeTarget


def hcl(text: str) -> str:
    """A quoted HCL string that BuildKit reads back as exactly this text.

    Source: HCL native syntax specification, "Template Expressions"; `${` and `%{` start templates.

    Raises:
        ConfigurationError: the text holds a character that HCL cannot carry (NUL, lone surrogates), or would change:
            HCL composes characters (Unicode NFC).
    """
    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise ConfigurationError(f"{text[:80]!r} holds a character that a bake file cannot carry", "remove it")
    if not unicodedata.is_normalized("NFC", text):
        raise ConfigurationError(
            f"{text[:80]!r} holds a character that a bake file would change", "write it in composed form (Unicode NFC)"
        )
    out = text.replace("\\", "\\\\").replace('"', '\\"').replace("${", "$${").replace("%{", "%%{")
    out = out.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return '"' + "".join(c if c.isprintable() or c == " " else f"\\U{ord(c):08x}" for c in out) + '"'


def render_bake_file(template: str, targets: Iterable[BakeTarget]) -> str:
    """`docker-bake.hcl`: same targets, same bytes.

    Args:
        template: the text of `docker-bake.hcl.j2`.
        targets: from `bake_targets`.

    Source: Bake file reference (docs.docker.com/build/bake/reference).
    """
    engine = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    engine.filters["hcl"] = hcl
    engine.filters["hcl_with_variables"] = _hcl_with_variables
    targets = list(targets)
    return engine.from_string(template).render(
        targets=targets, checks=check_targets(targets), variables=VARIABLES, output=OUTPUT_VARIABLE, pictures=PICTURES
    )


def _hcl_with_variables(text: str) -> str:
    """As `hcl`, but keeping references to our own variables."""
    quoted = hcl(text)
    for name in VARIABLES:
        quoted = quoted.replace(f"$${{{name}}}", f"${{{name}}}")
    return quoted
