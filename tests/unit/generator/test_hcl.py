"""HCL: quoting, keys and alignment."""

from __future__ import annotations

import pytest

from desktop_bake.generator.hcl import aligned, hcl, hcl_key


@pytest.mark.parametrize(
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
