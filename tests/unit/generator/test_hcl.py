"""HCL: quoting, keys and alignment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_bake import ConfigurationError
from desktop_bake.generator.hcl import aligned, hcl, hcl_key
from tests.harness.every import every


@every(
    ("text", "quoted"),
    [
        ("", '""'),
        ("a", '"a"'),
        ('"', r'"\""'),
        ("\\", r'"\\"'),
        ("${A}", '"$${A}"'),
        ("%{if}", '"%%{if}"'),
        ("a\nb\tc\r", r'"a\nb\tc\r"'),
        ("\x1b", r'"\U0000001b"'),
        ("ü", '"ü"'),
    ],
)
def test_quoting(text: str, quoted: str) -> None:
    """What starts an escape or a template stands for itself."""
    assert hcl(text) == quoted


@given(st.text())
def test_law_of_quoting(text: str) -> None:
    """Whatever a text contains, it stays one quoted text on one line, or is refused."""
    try:
        quoted = hcl(text)
    except ConfigurationError:
        return
    inner = quoted[1:-1].replace("\\\\", "")
    assert quoted[0] == quoted[-1] == '"'
    assert quoted.isprintable()
    assert '"' not in inner.replace('\\"', "")
    assert "${" not in inner.replace("$${", "")
    assert "%{" not in inner.replace("%%{", "")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("A", "A"),
        ("a-b_1", "a-b_1"),
        ("a.b", '"a.b"'),
        ("for", '"for"'),
        ("null", '"null"'),
        ("1a", '"1a"'),
        ("", '""'),
    ],
)
def test_keys(text: str, key: str) -> None:
    """A key is bare if HCL takes it for a name."""
    assert hcl_key(text) == key


def test_alignment() -> None:
    """Assignments in consecutive lines are aligned; a value that goes on in the next line begins another run."""
    text = """target "a" {
  name = "a = b {"
  description = "b"
  labels = {
    "x.y" = "1"
    long-name = "2"
  }
  tags = ["a"]
  # a comment = here
  output = compact([A])
  matrix = [
    { a = 1, bbb = 2 },
  ]
}
"""
    assert (
        aligned(text)
        == """target "a" {
  name        = "a = b {"
  description = "b"
  labels = {
    "x.y"     = "1"
    long-name = "2"
  }
  tags = ["a"]
  # a comment = here
  output = compact([A])
  matrix = [
    { a = 1, bbb = 2 },
  ]
}
"""
    )
    assert aligned(aligned(text)) == aligned(text)
