"""Names of files stay in the configuration's folder."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from desktop_bake.generator.errors import ConfigurationError
from desktop_bake.generator.file_name import check_inside, leads_out


@pytest.mark.parametrize("name", ["/etc/passwd", "../a", "a/../../b", ".."])
def test_outside(name: str) -> None:
    """A text that leads out is refused by where it stands; a program's path may lead anywhere."""
    with pytest.raises(ConfigurationError) as refused:
        check_inside("layer 'a': ", "files", name)
    assert str(refused.value) == f"layer 'a': files {name!r} leads out of the configuration's folder"
    assert str(leads_out("layer 'a': ", "files", name)) == str(refused.value)
    assert refused.value.remedy
    check_inside("layer 'a': ", "files", PurePath(name))


@pytest.mark.parametrize("name", ["a", "./a", "a/b/", ".", "..a", None])
def test_inside(name: str | None) -> None:
    """Any other name may stand there, and none may."""
    check_inside("", "files", name)
