"""A layer of an environment: what it may be."""

from __future__ import annotations

from typing import Any

import pytest

from desktop_bake.generator.errors import ConfigurationError
from desktop_bake.generator.layer import Layer


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"name": ""}, "malformed layer name ''"),
        ({"name": "a\n", "script": "a.sh"}, "malformed layer name 'a\\n'"),
        ({"name": "tools"}, "layer 'tools' installs nothing"),
        ({"name": "tools", "packages": "git"}, "layer 'tools': packages is 'git', not of type tuple[str, ...]"),
        ({"name": "tools", "script": "a.sh", "cache": 1}, "layer 'tools': cache is 1, not of type bool | None"),
    ],
)
def test_no_layer(fields: dict[str, Any], says: str) -> None:
    """What is no layer is refused by its name, in one line."""
    with pytest.raises(ConfigurationError) as refused:
        Layer(**fields)
    assert str(refused.value) == says


def test_a_layer() -> None:
    """A script is enough, and so are packages."""
    assert Layer(name="tools", script="tools.sh").packages == ()
    assert Layer(name="browser", packages=("chromium",)).below_desktop is False
