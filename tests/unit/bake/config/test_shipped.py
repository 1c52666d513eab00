"""The files that ship with the package."""

from __future__ import annotations

import pytest

from desktop_bake.bake.config.shipped import NEXT, gate_text, shipped
from desktop_bake.generator.errors import ConfigurationError


def test_shipped() -> None:
    """The template and the recipe are found; a name that is not shipped shows that the installation is incomplete."""
    assert shipped("recipe/Dockerfile").read_bytes().startswith(b"#")
    assert b"{%" in shipped("docker-bake.hcl.j2").read_bytes()
    with pytest.raises(ConfigurationError, match="recipe/nothing is missing from this installation"):
        shipped("recipe/nothing")


def test_the_gate() -> None:
    """Its text is one program: what its modules import of each other is in it, and no import of ours."""
    text = gate_text()
    compile(text, "gate", "exec")
    assert "\nclass Gate:" in text
    assert "\nclass Frames:" in text
    assert len(text.split(NEXT)) == 5
    assert f'split("{NEXT[:-1]}\\n")' in shipped("recipe/desktop_run.sh").read_text()
    assert "from recipe." not in text
