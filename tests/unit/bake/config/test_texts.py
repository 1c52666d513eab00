"""Texts instead of files."""

from __future__ import annotations

import pytest

from desktop_bake.bake.config.texts import script_of, with_texts
from desktop_bake.generator.errors import ConfigurationError
from desktop_bake.generator.script import Script

KEYS = {"text": "script"}


def test_a_text_becomes_a_script() -> None:
    """It takes the place of its key; what stands beside it stays."""
    assert with_texts({"text": "a\r\n", "x": 1}, KEYS, "") == {"script": Script.text("a\n"), "x": 1}
    assert with_texts({"script": "a.sh"}, KEYS, "") == {"script": "a.sh"}


def test_both() -> None:
    """A text and a file are refused by both keys."""
    with pytest.raises(ConfigurationError, match=r"^here: both text and script$"):
        with_texts({"text": "a", "script": "a.sh"}, KEYS, "here")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("#" * 1_000_000, "here: a text of 1,000,000 bytes is longer than 256 KiB"),
        ("\ud800", "here: a text holds an invalid character"),
    ],
)
def test_no_text(text: str, says: str) -> None:
    """An invalid script is reported with its place."""
    with pytest.raises(ConfigurationError) as refused:
        script_of(text, "here")
    assert (str(refused.value), bool(refused.value.remedy)) == (says, True)
