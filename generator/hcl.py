"""HCL as Bake reads it: quoting, keys, and the alignment that `hclfmt` gives a file."""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby

from .errors import ConfigurationError

_BARE = re.compile(r"(?!(?:for|in|if|else|endif|endfor|null|true|false)\Z)[A-Za-z_][A-Za-z0-9_-]*")
# `name = value` on one line; a value that continues on the next line ends with an open bracket, unlike any quoted text
_ASSIGNMENT = re.compile(r"""(?P<name>[ ]*(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"))[ ]*=[ ](?P<value>.*[^\[{(])""")


def hcl(text: str) -> str:
    """A quoted HCL string that BuildKit reads back as exactly this text.

    Source: HCL native syntax specification, "Template Expressions"; `${` and `%{` start templates.

    Raises:
        ConfigurationError: the text has a character that HCL cannot carry (NUL, lone surrogates), or would change:
            HCL composes characters (Unicode NFC).
    """
    is_printable = text.isprintable()  # nearly all texts are; otherwise each character is checked
    if not is_printable and ("\0" in text or any("\ud800" <= c <= "\udfff" for c in text)):
        raise ConfigurationError(f"{text[:80]!r} holds a character that a bake file cannot carry", "remove it")
    if not text.isascii() and not unicodedata.is_normalized("NFC", text):
        raise ConfigurationError(
            f"{text[:80]!r} holds a character that a bake file would change", "write it in composed form (Unicode NFC)"
        )
    out = text.replace("\\", "\\\\").replace('"', '\\"').replace("${", "$${").replace("%{", "%%{")
    if is_printable:
        return f'"{out}"'
    out = out.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return '"' + "".join(c if c.isprintable() or c == " " else f"\\U{ord(c):08x}" for c in out) + '"'


def hcl_key(text: str) -> str:
    """A key of an object: unquoted if HCL accepts it as a name, quoted otherwise."""
    return text if _BARE.fullmatch(text) else hcl(text)


def aligned(text: str) -> str:
    """The text with the `=` of assignments on consecutive lines aligned.

    Args:
        text: of a bake file, indented; each value is on the line of its `=`, or opens a bracket at the line's end.

    Source: hashicorp/hcl, hclwrite/format.go; `hclfmt` and `terraform fmt` leave the result as it is.
    """
    lines: list[str] = []
    numbered = ((_ASSIGNMENT.fullmatch(line), line) for line in text.split("\n"))
    for is_assignment, run in groupby(numbered, key=lambda pair: pair[0] is not None):
        found = list(run)
        width = max(len(match["name"]) for match, _ in found if match) if is_assignment else 0
        lines += [f"{match['name']:<{width}} = {match['value']}" if match else line for match, line in found]
    return "\n".join(lines)
